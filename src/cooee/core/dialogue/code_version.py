"""The code version of an app: a hash of its own source files."""

from __future__ import annotations

import site
import sysconfig
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import PurePath
from types import ModuleType

LIBRARY_FOLDERS = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | set(site.getsitepackages())
    | {site.getusersitepackages()}
)
"""Folders of the standard library and of installed packages."""


def app_files(modules: Mapping[str, ModuleType], app_file: str) -> list[str]:
    """Return the files of an app's modules: below its own folder, without libraries.

    Args:
        modules: the loaded modules, a copy of `sys.modules`.
        app_file: the file of the app.
    """
    folder = PurePath(app_file).parent
    files = {getattr(module, "__file__", None) for module in modules.values()} | {app_file}
    return sorted(file for file in files if file and _is_app_file(file, folder))


def _is_app_file(file: str, folder: PurePath) -> bool:
    return (
        file.endswith(".py")
        and PurePath(file).is_relative_to(folder)
        and not file.startswith(LIBRARY_FOLDERS)
    )


def hash_sources(sources: Iterable[tuple[str, bytes]], version: str = "") -> str:
    """Return the code version of these sources (replay rule 10: other sources, other version).

    Args:
        sources: each file's name, relative to the app's folder, and its contents.
        version: the versions of other code that decides how a dialogue runs, such as cooee's.
    """
    hasher = blake2b(version.encode(), digest_size=16)
    for name, contents in sorted(sources):
        hasher.update(f"{len(name)}:{name}:{len(contents)}:".encode() + contents)
    return hasher.hexdigest()
