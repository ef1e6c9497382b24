"""The code version of a loaded app."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from os.path import commonpath, relpath
from pathlib import Path
from types import ModuleType
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue.code_version import app_files, hash_sources


def code_version_of(app: App[Any, Any]) -> str:
    """Return the code version of an app.

    Another name is another program: a source of the app's own has changed, a dialogue has come,
    gone, moved or been renamed, or the app or cooee has another version. Its own are the modules
    loaded by now from below the directory of a dialogue's file, without libraries, and those of
    a dialogue's own package, wherever that is installed; what is imported later is not among
    them. Where all of it lies does not count, so that the same release in another folder is the
    same program.

    Ask once, when the app is loaded: what is read is on disk now.
    """
    versions = f"{version('cooee')} {app.version}"
    dialogues = app.routes.dialogues
    if not dialogues:
        return hash_sources((), versions)
    loaded_modules = dict(sys.modules)
    files = {file for dialogue in dialogues for file in _source_files(dialogue, loaded_modules)}
    root_dir = commonpath(
        {Path(_definition_location(dialogue)[0]).parent for dialogue in dialogues}
    )
    sources = [(relpath(file, root_dir), _read_source(Path(file))) for file in files]
    for dialogue in dialogues:
        file, line = _definition_location(dialogue)
        sources.append((dialogue.name, f"{relpath(file, root_dir)}:{line}".encode()))
    return hash_sources(sources, versions)


def _source_files(dialogue: Dialogue, loaded_modules: Mapping[str, ModuleType]) -> Iterator[str]:
    file = _definition_location(dialogue)[0]
    yield file
    yield from app_files(loaded_modules, file)
    package = str(dialogue.handler.function.__module__).partition(".")[0]
    for name, module in loaded_modules.items():
        source = getattr(module, "__file__", None)
        if source and source.endswith(".py") and name.partition(".")[0] == package:
            yield source


def _definition_location(dialogue: Dialogue) -> tuple[str, str]:
    """Return the absolute file and the line of a dialogue's definition."""
    file, _, line = dialogue.handler.location.rpartition(":")
    return str(Path(file).absolute()), line


def _read_source(file: Path) -> bytes:
    """Return a source file's bytes; for a file inside an archive, the archive's."""
    readable = next((path for path in (file, *file.parents) if path.is_file()), None)
    return b"" if readable is None else readable.read_bytes()
