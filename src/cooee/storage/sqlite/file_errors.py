"""Sentences for a database file or its lock that cannot be opened, and what to do next."""

from __future__ import annotations

import errno
from pathlib import Path

_REMEDIES = {
    errno.EROFS: "The disk is read-only: mount it for writing, or set COOEE_DATABASE to a file on"
    " another disk.",
    errno.ENOSPC: "The disk is full: make room.",
    errno.EDQUOT: "The disk quota is used up: make room.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOTDIR: "A part of the path is a file: make it a folder, or set COOEE_DATABASE to"
    " another file.",
    errno.ELOOP: "A link on the path leads to itself: mend it.",
    errno.EMFILE: "The process has too many files open: raise its limit (ulimit -n).",
}
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def explain_open_error(path: Path, error: OSError) -> str:
    """Return a sentence on why a file cannot be opened for writing, with the remedy."""
    problem = f"Cannot open {path} ({error.strerror})."
    if error.errno == errno.ENOENT:
        return f"{problem} There is no folder {path.parent}. Type: mkdir -p '{path.parent}'"
    if error.errno == errno.EISDIR:
        return f"{problem} It is a folder: name a file in it, such as sqlite:///{path}/cooee.db"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return (
            f"{problem} The user who runs cooee has to own the file and its folder. Type:"
            f" ls -ld '{path.parent}' '{path}'"
        )
    return f"{problem} {_REMEDIES.get(error.errno or 0, 'Mend that, or choose another file.')}"


def explain_lock_error(path: Path, error: OSError) -> str:
    """Return a sentence on why a file system cannot lock a file; "" where another holds it."""
    if error.errno not in _NO_LOCKS:
        return ""
    return (
        f"The file system of {path} cannot lock files ({error.strerror}). Set COOEE_DATABASE to a"
        " file on a local disk."
    )
