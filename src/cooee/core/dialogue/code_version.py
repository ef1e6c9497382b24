"""Which program is loaded: a hash of the app's own source."""

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
"""Where what others wrote is installed."""


def app_files(modules: Mapping[str, ModuleType], app_file: str) -> list[str]:
    """The files of the modules that belong to an app: below its own directory, no libraries.

    Args:
        modules: what is loaded: a copy of `sys.modules`.
        app: the file that the app is in.
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
    """A name of the program that these files are: other sources, another name.

    Args:
        sources: each file's name, relative to the app's directory, and its contents.
        version: of whatever else decides how a dialogue runs; cooee's own.
    """
    hasher = blake2b(version.encode(), digest_size=16)
    for name, contents in sorted(sources):
        hasher.update(f"{len(name)}:{name}:{len(contents)}:".encode() + contents)
    return hasher.hexdigest()
