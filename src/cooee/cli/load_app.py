"""Imports the app named by a command, and reports errors with the line of the app."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from cooee.cli.app_file import SameModule, loaded_module, module_of_file
from cooee.core.app.app import App
from cooee.core.errors import DefinitionError, SettingError

_NAMING_HINT = "Name a file (app.py), a file's app (app.py:name) or a module's (module:name)."


def import_app(reference: str) -> App[Any, Any]:
    """Import the app that ``app.py``, ``app.py:name``, ``module`` or ``module:name`` names.

    Raises:
        SettingError: there is no such file or module.
        DefinitionError: it cannot be run, or which app is meant cannot be told.
    """
    source, colon, name = reference.rpartition(":")
    if not colon:
        source, name = reference, ""
    if not source:
        raise SettingError(f"{reference!r} names no app. {_NAMING_HINT}")
    module = _import_file(Path(source)) if _names_file(source) else _import_module(source)
    return _app_named(module, source, name) if name else _only_app(module, source)


def _names_file(source: str) -> bool:
    return source.endswith(".py") or "/" in source or Path(source).exists()


def _import_file(path: Path) -> ModuleType:
    if (path / "__init__.py").is_file():
        path /= "__init__.py"
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no such file"
        raise SettingError(f"{path} is {kind} (looked in {Path.cwd()}). {_NAMING_HINT}")
    path = path.resolve()
    loaded = loaded_module(path)
    if loaded is not None:
        return loaded
    app_module = module_of_file(path)
    sys.path.insert(0, str(app_module.folder))  # it may import its neighbours, as a script may
    _search_working_folder()
    name = app_module.name
    is_script = app_module.folder == path.parent
    if is_script and (name in sys.modules or name in sys.stdlib_module_names):
        name = f"cooee_app_{name}"
    sys.meta_path.insert(0, SameModule(name, path))
    with _import_errors(path, str(path)):
        return _execute_file(path, name) if is_script else _import_from_package(path, name)


def _execute_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingError(f"{path} is not Python. {_NAMING_HINT}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # as an import does: what is half loaded is nobody's
        raise
    return module


def _import_from_package(path: Path, name: str) -> ModuleType:
    """Import a file as a module of its package."""
    module = importlib.import_module(name)
    if Path(module.__file__ or "").resolve() != path:
        raise SettingError(
            f"{path} is the module {name} of its package, and {module.__file__} has that name"
            " already. Rename the package, or start where it is the only one."
        )
    return module


def _import_module(name: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")
    source_folder = Path.cwd() / "src"
    top = name.partition(".")[0]
    if (source_folder / top).is_dir() and find_spec(top) is None:
        sys.path.insert(0, str(source_folder))
    with _import_errors(None, name):
        return importlib.import_module(name)


def _search_working_folder() -> None:
    """Let an app import from the folder that the command is run in, last of all."""
    folder = str(Path.cwd())
    if not {"", folder} & {*sys.path}:
        sys.path.append(folder)


@contextmanager
def _import_errors(path: Path | None, source: str) -> Iterator[None]:
    """Turn an exception of the import into an error that says what to mend, or to type."""
    try:
        yield
    except SettingError:
        raise
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if path is None and f"{source}.".startswith(f"{missing}."):
            problem = f"There is no module {missing!r} (looked in {Path.cwd()} too). {_NAMING_HINT}"
            raise SettingError(problem) from error
        raise _import_error(source, error, _where_it_lies(missing, path)) from error
    except (Exception, SystemExit) as error:
        raise _import_error(source, error) from error


def _where_it_lies(missing: str, path: Path | None) -> str:
    """Return what to type where a module that an app imports lies in a folder above."""
    if path is None or not missing or "." in missing:
        return ""
    for folder in path.parents:
        if (folder / f"{missing}.py").is_file() or (folder / missing).is_dir():
            file = path.relative_to(folder)
            return f"{missing} lies in {folder}. Start there, with `cd {folder}`, and name {file}."
    return ""


def _app_named(module: ModuleType, source: str, name: str) -> App[Any, Any]:
    found = getattr(module, name, None)
    if isinstance(found, App):
        return found
    problem = (
        f"There is no {name} in {source}."
        if found is None
        else f"{name} in {source} is a {type(found).__name__}, not an App."
    )
    if any(found in _functions_of_dialogues(app) for app in _apps_in(module).values()):
        problem += f" It is a dialogue: name it behind the app, as in {source} {name}."
    choices = "\n".join(f"  {source}:{known}" for known in sorted(_apps_in(module)))
    advice = f"Name an app of it:\n{choices}" if choices else "Write an app: app = App()"
    raise DefinitionError(f"{problem} {advice}")


def _only_app(module: ModuleType, source: str) -> App[Any, Any]:
    apps = _apps_in(module)
    different = {id(app): app for app in apps.values()}
    if len(different) == 1:
        return next(iter(different.values()))
    if not different:
        raise DefinitionError(f"There is no App in {source}. Write one: app = App()")
    choices = "\n".join(f"  {source}:{name}" for name in sorted(apps))
    raise DefinitionError(f"There are {len(different)} apps in {source}. Name one:\n{choices}")


def _apps_in(module: ModuleType) -> dict[str, App[Any, Any]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, App)}


def _functions_of_dialogues(app: App[Any, Any]) -> list[Any]:
    return [dialogue.handler.function for dialogue in app.routes.dialogues]


def _import_error(source: str, error: BaseException, advice: str = "") -> DefinitionError:
    """Return an error for an exception of the app's own code, with the raising line."""
    if isinstance(error, DefinitionError):
        return DefinitionError(f"{error}\n{_failing_line(error.__traceback__)}".rstrip())
    if isinstance(error, SyntaxError):
        return DefinitionError("".join(traceback.format_exception_only(error)).rstrip())
    problem = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, ModuleNotFoundError) and not advice:
        advice = (
            f"Install it for the Python that cooee runs in ({sys.executable} -m pip install …),"
            " or mend the import."
        )
    where = _failing_line(error.__traceback__)
    return DefinitionError(f"{source} cannot be loaded.\n{where}\n{problem}\n{advice}".rstrip())


def _failing_line(trace: TracebackType | None) -> str:
    """Return the last line outside of Python's libraries and of cooee: the line to mend."""
    libraries = (str(Path(importlib.__file__).parents[1]), str(Path(__file__).parents[1]))
    frames = [
        frame
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith((*libraries, "<frozen"))
    ]
    if not frames:
        return ""
    last = frames[-1]
    code = linecache.getline(last.filename, last.lineno or 0).strip()
    return f"  {last.filename}, line {last.lineno}\n    {code}"
