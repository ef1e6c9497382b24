"""The user's own code: which files are neither Python's, nor an installed library's, nor cooee's.

Where a folder's kind cannot be told, its files count as the user's own. A library that counts only
makes the code version change more often, and an own file that does not count is an edit unseen.
"""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig
from functools import lru_cache
from os.path import realpath
from pathlib import Path, PurePath

_LIBRARY_PATHS = ("stdlib", "platstdlib", "purelib", "platlib")
_INSTALLED_FOLDER = re.compile(r"(?i)[/\\](lib(32|64)?|python[\d.]*t?)[/\\](site|dist)-packages$")
_COOEE_FOLDER = str(Path(__file__).parents[1])


def is_own_file(file: str) -> bool:
    """Return whether a file is the user's own, wherever symbolic links lead.

    The folders of libraries are those of the interpreter, of the environment that it was made
    from, of the user, and each folder of `sys.path` that looks like one of them. A folder that a
    ``.pth`` file or an editable install adds is the user's own.
    """
    return not file.startswith("<frozen") and _is_own_folder(
        file.rpartition(os.sep)[0], tuple(sys.path)
    )


@lru_cache(maxsize=4096)
def _is_own_folder(folder: str, search_path: tuple[str, ...]) -> bool:
    # Resolved: a library folder may be reached through a link, and a link in one may lead to the
    # user's own code.
    place = PurePath(realpath(folder))
    return not any(place.is_relative_to(library) for library in _library_folders(search_path))


@lru_cache(maxsize=4)
def _library_folders(search_path: tuple[str, ...]) -> frozenset[str]:
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    folders = {site.getusersitepackages(), *site.getsitepackages(list(prefixes))}
    for prefix in prefixes:
        names = ("base", "platbase", "installed_base", "installed_platbase")
        of_prefix = dict.fromkeys(names, prefix)
        folders |= {sysconfig.get_path(name, vars=of_prefix) for name in _LIBRARY_PATHS}
    folders |= {entry for entry in search_path if _INSTALLED_FOLDER.search(realpath(entry))}
    return frozenset({*map(realpath, folders), realpath(_COOEE_FOLDER)})
