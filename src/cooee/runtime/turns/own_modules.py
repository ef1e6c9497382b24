"""The modules of the user's own: those that are loaded, and those that they may import later."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from msgspec.structs import replace

from cooee.core.dialogue.code_version import (
    functions_of,
    hash_bytes,
    hash_code,
    hash_source,
    imported_names,
)
from cooee.core.own_code import is_own_file

_NEVER_OWN = {"cooee", "sitecustomize", "usercustomize"}


class OwnModule(msgspec.Struct, frozen=True):
    """A module of the user's own: a hash of its content, its file, what it may import later."""

    content: bytes
    file: str = ""
    imports: Sequence[str] = ()


def read_own_modules(homes: AbstractSet[str] = frozenset()) -> Mapping[str, OwnModule]:
    """Return each module of the user's own that has a file or any content, by a lasting name.

    Modules count that are loaded, and those that they name in an import inside of a function: so
    they are the same before such an import and after it.

    Args:
        homes: the names of modules that are the user's own wherever they lie.
    """
    found = {_lasting_name(module): _read_loaded(module) for module in own_modules(homes)}
    later = [name for module in found.values() for name in module.imports]
    seen = set(later)
    while later:
        name = later.pop()
        module = _read_unloaded(name)
        if module is not None:
            found[name] = module
            later += [one for one in module.imports if one not in seen]
            seen.update(module.imports)
    return {name: module for name, module in found.items() if module.content or module.file}


def own_modules(homes: AbstractSet[str] = frozenset()) -> Sequence[ModuleType]:
    """Return the loaded modules of the user's own, each once: see `read_own_modules`."""
    modules = {id(module): (name, module) for name, module in dict(sys.modules).items()}
    # An app that is itself installed lies among the libraries.
    installed = [_top_of(home) for home in homes if _is_library(home)]
    own_packages = set[str]().union(*map(_packages_installed_with, installed))
    return [
        module
        for name, module in modules.values()
        if issubclass(type(module), ModuleType)
        and _top_of(name) not in _NEVER_OWN
        and (name in homes or _top_of(name) in own_packages or _is_own(module, name))
    ]


def _top_of(name: str) -> str:
    return name.partition(".")[0]


def _is_own(module: ModuleType, name: str) -> bool:
    file = _file_of(module)
    if not file:  # of a notebook, say, or of Python itself
        return _top_of(name) not in sys.stdlib_module_names
    # The command that starts an app, such as bin/uvicorn, has the path of its Python inside.
    is_command = name == "__main__" and not file.endswith((".py", ".pyc"))
    return not is_command and is_own_file(file)


def _is_library(name: str) -> bool:
    module = sys.modules.get(name)
    file = "" if module is None else _file_of(module)
    return bool(file) and not is_own_file(file)


@cache
def _packages_installed_with(package: str) -> AbstractSet[str]:
    """Return a package, and the others that its distribution installed."""
    module = sys.modules.get(package)
    paths = [] if module is None else [_file_of(module), *(_names_of(module).get("__path__") or ())]
    for folder in {PurePath(path).parent for path in paths if path}:
        # importlib.metadata parses every line of every distribution, which takes a second.
        for metadata in Path(folder).glob("*.dist-info"):
            packages = _packages_listed_in(metadata)
            if package in packages:
                return packages
    return {package}


def _packages_listed_in(metadata: Path) -> AbstractSet[str]:
    for name in ("top_level.txt", "RECORD"):
        with suppress(OSError, UnicodeError):
            lines = (metadata / name).read_text(encoding="utf-8").splitlines()
            return {re.split(r"[/.,]", line, maxsplit=1)[0] for line in lines} - {""}
    return set()


# One module


_read_modules: WeakKeyDictionary[ModuleType, tuple[object, OwnModule]] = WeakKeyDictionary()
"""Each loaded module as it was first read, with its spec, since a reload has another one."""


def _read_loaded(module: ModuleType) -> OwnModule:
    """Read a module once: what its file has later is not what is loaded."""
    names = _names_of(module)
    spec = names.get("__spec__")
    known = _read_modules.get(module)
    if known is not None and known[0] is spec:
        return known[1]
    loader = names.get("__loader__") or getattr(spec, "loader", None)
    name = str(getattr(loader, "name", None) or names.get("__name__"))
    read = _read_stored(loader, name, _file_of(module), _package_of(names), is_loaded=True)
    if read.content or read.file:
        _read_modules[module] = spec, read
        return read
    # A notebook, or what `exec` has made: its functions may become others.
    functions = functions_of(names, str(names.get("__name__")))
    return OwnModule(b"".join(map(hash_code, functions)))


def _read_unloaded(name: str) -> OwnModule | None:
    """Return a module that is not loaded, if there is one and it is the user's own."""
    spec = None if name in sys.modules or not name else _find_spec(name)
    if spec is None or not spec.has_location or not spec.origin or not is_own_file(spec.origin):
        return None
    parent = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    read = _read_stored(spec.loader, name, spec.origin, parent, is_loaded=False)
    packages = [name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)]
    return replace(read, imports=[*read.imports, *packages])


def _find_spec(name: str) -> ModuleSpec | None:
    """Return the spec of a module without importing the packages that it lies in."""
    package, _, _ = name.rpartition(".")
    if _top_of(name) in sys.stdlib_module_names or _top_of(name) in _NEVER_OWN:
        return None
    path: Iterable[str] | None = None
    if package:
        loaded = sys.modules.get(package)
        spec = _find_spec(package) if loaded is None else None
        path = (
            getattr(spec, "submodule_search_locations", None)
            if loaded is None
            else _names_of(loaded).get("__path__")
        )
        if path is None:
            return None
    for finder in [*sys.meta_path]:
        with suppress(Exception):  # a finder is anybody's code
            found = finder.find_spec(name, path if path is None else [*path], None)
            if found is not None:
                return found
    return None


def _read_stored(loader: Any, name: str, file: str, package: str, *, is_loaded: bool) -> OwnModule:
    """Read a module's source, as its loader gives it, or else its file, or else its code."""
    source: str | None = None
    with suppress(Exception):  # a loader is anybody's code, and a file may be gone
        source = loader.get_source(name)
    with suppress(OSError):
        if source is None and file.endswith(".py"):
            source = Path(file).read_text(encoding="utf-8", errors="surrogateescape")
        if source is None and file and not file.endswith(".pyc"):
            return OwnModule(hash_bytes(Path(file).read_bytes()), file)
    if source is not None:
        imports = tuple(imported_names(source, package, only_later=is_loaded))
        return OwnModule(hash_source(source) if source else b"", file, imports)
    with suppress(Exception):
        return OwnModule(hash_code(loader.get_code(name)), file)
    return OwnModule(b"")


def _names_of(module: ModuleType) -> dict[str, Any]:
    """Return a module's names, without waking a module that is loaded lazily."""
    names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return names


def _file_of(module: ModuleType) -> str:
    return str(_names_of(module).get("__file__") or "")


def _package_of(names: Mapping[str, Any]) -> str:
    package = names.get("__package__") or ""
    return str(package)


def _lasting_name(module: ModuleType) -> str:
    """Return a module's name, however it was started: app, for app.py run as a script."""
    names, file = _names_of(module), PurePath(_file_of(module))
    name = str(getattr(names.get("__spec__"), "name", None) or names.get("__name__"))
    is_file = file.suffix in {".py", ".pyc"} and not file.stem.startswith("__")
    return file.stem if is_file and "." not in name else name
