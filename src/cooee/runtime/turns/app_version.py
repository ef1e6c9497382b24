"""Which program an app is: the code that its dialogues run, as this process has loaded it."""

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
from cooee.core.dialogue.code_version import own_files, program


def program_of(app: App[Any, Any]) -> str:
    """A name of the program.

    Another name is another program: a source of the app's own has changed, a dialogue has come,
    gone, moved or been renamed, or the app or cooee has another version. Its own are the modules
    loaded by now from below the directory of a dialogue's file, without libraries, and those of
    a dialogue's own package, wherever that is installed; what is imported later is not among
    them. Where all of it lies does not count, so that the same release in another folder is the
    same program.

    Ask once, when the app is loaded: what is read is on disk now.
    """
    decisive = f"{version('cooee')} {app.version}"
    dialogues = app.routes.dialogues
    if not dialogues:
        return program((), decisive)
    loaded = dict(sys.modules)
    files = {file for dialogue in dialogues for file in _files(dialogue, loaded)}
    home = commonpath({Path(_place(dialogue)[0]).parent for dialogue in dialogues})
    sources = [(relpath(file, home), _contents(Path(file))) for file in files]
    for dialogue in dialogues:
        file, line = _place(dialogue)
        sources.append((dialogue.name, f"{relpath(file, home)}:{line}".encode()))
    return program(sources, decisive)


def _files(dialogue: Dialogue, loaded: Mapping[str, ModuleType]) -> Iterator[str]:
    file = _place(dialogue)[0]
    yield file
    yield from own_files(loaded, file)
    package = str(dialogue.handler.call.__module__).partition(".")[0]
    for name, module in loaded.items():
        source = getattr(module, "__file__", None)
        if source and source.endswith(".py") and name.partition(".")[0] == package:
            yield source


def _place(dialogue: Dialogue) -> tuple[str, str]:
    """The file that a dialogue is in, absolute, and its line."""
    file, _, line = dialogue.handler.where.rpartition(":")
    return str(Path(file).absolute()), line


def _contents(file: Path) -> bytes:
    """What a source file holds; of one inside an archive, all that the archive holds."""
    found = next((place for place in (file, *file.parents) if place.is_file()), None)
    return b"" if found is None else found.read_bytes()
