"""Finds the module that an app's file is, and keeps it from being loaded twice."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import msgspec

from cooee.core.errors import SettingError


class AppModule(msgspec.Struct, frozen=True):
    """The name of an app's module, and the folder from which it is imported."""

    name: str
    folder: Path


def module_of_file(path: Path) -> AppModule:
    """Return the module that a file is, by its folders and by what it imports itself.

    It is a script, with its folder to import from, unless it belongs to a package: where it
    imports ``shop.words`` from within a folder ``shop``, where its folder has an ``__init__.py``,
    and where it imports ``.words``. Without an ``__init__.py`` the packages begin below a folder
    of `sys.path`, below ``src``, or as far down as the relative imports allow.

    Args:
        path: the absolute path of the file.

    Raises:
        SettingError: the name of a folder is no name of a package.
    """
    imports, base = _absolute_imports(path), _base_of_relative_imports(path, with_neighbours=False)
    folder = _folder_of_named_package(path, imports, base)
    folder = folder or _folder_of_regular_package(path, imports, base)
    if folder is None:
        base = _base_of_relative_imports(path, with_neighbours=True)
        folder = path.parent if base is None else _folder_of_namespace_package(base)
    parts = path.relative_to(folder).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    odd = next((part for part in parts[:-1] if "." in part), None)
    if odd is not None:
        raise SettingError(
            f"{path} is in a package, and {odd} is no name of one. Rename the folder."
        )
    return AppModule(".".join(parts), folder)


def _imports_of(path: Path) -> Sequence[ast.Import | ast.ImportFrom]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):  # its import says so better
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def _absolute_imports(path: Path) -> AbstractSet[str]:
    """Return the whole names of all that a file imports, or may import."""
    names = set[str]()
    for node in _imports_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif not node.level:
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def _base_of_relative_imports(path: Path, *, with_neighbours: bool) -> Path | None:
    """Return the highest folder that a file's relative imports begin from, or None.

    Args:
        path: the file.
        with_neighbours: look at the relative imports of what it imports so, too.
    """
    bases, seen, files = list[Path](), {path}, [path]
    while files:
        file = files.pop()
        for node in _imports_of(file):
            if isinstance(node, ast.Import) or not node.level:
                continue
            base = file.parents[min(node.level, len(file.parents)) - 1]
            bases.append(base)
            if not with_neighbours:
                continue
            module = base.joinpath(*(node.module or "").split("."))
            names = [module, *(module / alias.name for alias in node.names)]
            found = [one.with_name(f"{one.name}.py") for one in names if one != base]
            found += [one / "__init__.py" for one in names]
            files += [one for one in found if one not in seen and one.is_file()]
            seen.update(found)
    return min(bases, key=lambda base: len(base.parts), default=None)


def _folder_of_named_package(
    path: Path, imports: AbstractSet[str], base: Path | None
) -> Path | None:
    """Return the folder above a package that the file lies in, and imports a module of."""
    for package in path.parents:
        is_high_enough = base is None or base.is_relative_to(package)
        modules = [name.split(".")[1] for name in imports if name.startswith(f"{package.name}.")]
        is_named = any(_has_module(package, module) for module in modules)
        if is_high_enough and is_named and not _is_found_elsewhere(package):
            return package.parent
    return None


def _is_found_elsewhere(package: Path) -> bool:
    """Return whether a package of this folder's name is already found, and is another one."""
    if package.name in sys.stdlib_module_names:
        return True
    try:
        spec = find_spec(package.name)
    except (ImportError, ValueError):
        return False
    places = None if spec is None else spec.submodule_search_locations
    return spec is not None and str(package) not in [str(Path(it).resolve()) for it in places or ()]


def _folder_of_regular_package(
    path: Path, imports: AbstractSet[str], base: Path | None
) -> Path | None:
    """Return the folder above the packages with an ``__init__.py``; None for a script."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        folder = folder.parent
    tops = {name.partition(".")[0] for name in imports}
    imports_neighbours = base is None and any(_has_module(path.parent, top) for top in tops)
    is_high_enough = base is None or folder in base.parents
    is_package = folder != path.parent and is_high_enough and not imports_neighbours
    return folder if is_package else None


def _has_module(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (name.isidentifier() and (folder / name).is_dir())


def _folder_of_namespace_package(base: Path) -> Path:
    """Return the folder above the packages without an ``__init__.py``."""
    on_path = {Path(entry).resolve() for entry in sys.path if entry}
    for folder in base.parents:
        if folder in on_path or folder.name == "src":
            return folder
    return base.parent


def loaded_module(path: Path) -> ModuleType | None:
    """Return the module that was loaded from a file already, or None."""
    for name, module in dict(sys.modules).items():
        file = getattr(module, "__file__", None)
        if (
            name != "__main__"
            and file
            and file.endswith(path.name)
            and Path(file).resolve() == path
        ):
            return module
    return None


class SameModule(MetaPathFinder, Loader):
    """Finds an app's own module under every name of its file: else there would be two apps.

    Args:
        name: the name that the app is loaded under.
        path: its file.
    """

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path = name, path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for another name of the app's file, once that is loaded or being loaded."""
        is_other_name = fullname != self._name and fullname.rpartition(".")[2] == self._path.stem
        if not is_other_name or self._name not in sys.modules:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or not found.origin or Path(found.origin).resolve() != self._path:
            return None
        return ModuleSpec(fullname, self, origin=found.origin)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the app's module."""
        module = sys.modules[self._name]
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module unchanged, with its former spec."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state
