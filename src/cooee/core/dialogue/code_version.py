"""Which program is loaded: a hash of the app's own source."""

from __future__ import annotations

import site
import sysconfig
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import PurePath
from types import ModuleType

LIBRARIES = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | set(site.getsitepackages())
    | {site.getusersitepackages()}
)
"""Where what others wrote is installed."""


def own_files(modules: Mapping[str, ModuleType], app: str) -> list[str]:
    """The files of the modules that belong to an app: below its own directory, no libraries.

    Args:
        modules: what is loaded: a copy of `sys.modules`.
        app: the file that the app is in.
    """
    home = PurePath(app).parent
    files = {getattr(module, "__file__", None) for module in modules.values()} | {app}
    return sorted(file for file in files if file and _is_own(file, home))


def _is_own(file: str, home: PurePath) -> bool:
    return (
        file.endswith(".py")
        and PurePath(file).is_relative_to(home)
        and not file.startswith(LIBRARIES)
    )


def program(sources: Iterable[tuple[str, bytes]], version: str = "") -> str:
    """A name of the program that these files are: other sources, another name.

    Args:
        sources: each file's name, relative to the app's directory, and its contents.
        version: of whatever else decides how a dialogue runs; cooee's own.
    """
    whole = blake2b(version.encode(), digest_size=16)
    for name, contents in sorted(sources):
        whole.update(f"{len(name)}:{name}:{len(contents)}:".encode() + contents)
    return whole.hexdigest()
