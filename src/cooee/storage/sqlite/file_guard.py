"""FileGuard: notices that a database's files were removed, replaced or overwritten."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from cooee.core.errors import CooeeError, DatabaseLost, StorageError
from cooee.storage.sqlite.database_file import Connection, copy_connection

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100  # https://sqlite.org/fileformat.html, section 1.3
_RESCUED, _ORPHAN_WAL = ".rescued", "-wal.orphan"


class FileGuard:
    """The identity of a database's files, as they were when the connection was opened.

    SQLite goes on in files that were removed, and the commits are gone with its process
    (storage rule 15). So `check` is called before each transaction and after each commit, before
    anybody hears of the commit.

    Args:
        path: the database.
        connection: a connection that has written, so that all files exist.
        owner: whether this process owns the database; only the owner marks the header.
    """

    def __init__(self, path: Path, connection: Connection, *, owner: bool) -> None:
        self._path, self._connection = path, connection
        self._marks = _mark_header(connection) if owner else None
        # Held to the end: closing any descriptor of the file would drop SQLite's locks on it.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        ids = ((each, _file_id(each)) for each in (path, *_companions(path)))
        self._ids = {each: found for each, found in ids if found is not None}
        self._header, self._size = self._read_header()
        if self._marks is not None:
            self._marks |= {_mark(self._header)}
        self._loss: DatabaseLost | None = None

    def check(self) -> None:
        """Check that the database's files are those that were opened.

        Raises:
            DatabaseLost: a file was removed, replaced, cut or overwritten.
        """
        if self._loss is None:
            overwriting = self._find_overwriting()
            if what := overwriting or self._find_move():
                self._loss = DatabaseLost(f"{what} {self._save(is_whole=not overwriting)}")
        if self._loss is not None:
            raise DatabaseLost(str(self._loss))

    def close(self) -> None:
        """Close the connection, and then the guard's own descriptor."""
        if self._loss is None:
            self._connection.close()
            os.close(self._descriptor)
            return
        # Closing would write our log into what now lies there: the connection is never closed.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))

    def _find_move(self) -> str:
        """Return a sentence on the first file that is another now; "" where there is none."""
        for path, known in self._ids.items():
            if _file_id(path) != known:
                verb = "replaced" if path.exists() else "removed"
                return f"{path} was {verb} while cooee ran on it."
        return ""

    def _find_overwriting(self) -> str:
        """Return a sentence where the file has other contents; "" where it has ours."""
        header, size = self._read_header()
        shrunk, self._size = size < self._size, size
        if header[:16] != _MAGIC or (shrunk and size < _declared_bytes(header)):
            return f"{self._path} was cut or overwritten while cooee ran on it."
        if self._marks is not None and _mark(header) not in self._marks:
            return f"{self._path} was overwritten with another database while cooee ran on it."
        return ""

    def _read_header(self) -> tuple[bytes, int]:
        return os.pread(self._descriptor, _HEADER_BYTES, 0), os.fstat(self._descriptor).st_size

    def _save(self, *, is_whole: bool) -> str:
        """Save what the connection still holds; return a sentence on what to do next."""
        if is_whole and _file_id(self._path) == self._ids[self._path]:
            # only the log is gone: the connection still has it, and the database is ours
            self._connection.execute("pragma wal_checkpoint(full)").fetchall()
            return "What it held was saved in the database. Start cooee again."
        rescued = self._rescue() if is_whole else None
        _set_log_aside(self._path, self._ids)
        if rescued:
            return (
                f"All that it held was saved in {rescued}. To go on with it, type:"
                f" mv {rescued} {self._path}"
            )
        return (
            f"Its last writes may lie in {self._path}{_ORPHAN_WAL}. Stop cooee, restore a backup,"
            " and start cooee again."
        )

    def _rescue(self) -> Path | None:
        target = next(path for path in _rescue_paths(self._path) if not path.exists())
        try:
            copy_connection(self._connection, target)
        except CooeeError:
            return None
        return target


def refuse_after_loss(path: Path) -> None:
    """Refuse to begin anew where a database was lost under a running cooee.

    Raises:
        StorageError: the database is missing or empty, and what was saved of it lies beside it.
    """
    if path.exists() and path.stat().st_size > 0:
        return
    left = [*path.parent.glob(f"{path.name}{_RESCUED}*"), path.with_name(path.name + _ORPHAN_WAL)]
    if found := next((each for each in left if each.exists()), None):
        raise StorageError(
            f"{path} is gone, and {found} was saved when it was lost. Put it, or a backup, in its"
            f" place: mv {found} {path}. To begin with an empty database, move it elsewhere."
        )


def _mark_header(connection: Connection) -> set[bytes]:
    """Write a random number into the database's header; return the marks that are ours.

    A backup that is copied over the file has another mark, or none.
    """
    number = secrets.randbelow(2**31 - 1) + 1
    connection.execute(f"pragma application_id = {number}")
    connection.execute("pragma wal_checkpoint(passive)").fetchall()
    return {number.to_bytes(4, "big")}


def _mark(header: bytes) -> bytes:
    return header[68:72]


def _declared_bytes(header: bytes) -> int:
    page_size = int.from_bytes(header[16:18], "big")
    return int.from_bytes(header[28:32], "big") * (65_536 if page_size == 1 else page_size)


def _companions(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _rescue_paths(path: Path) -> Iterator[Path]:
    first = path.with_name(path.name + _RESCUED)
    yield first
    yield from (first.with_name(f"{first.name}-{n}") for n in itertools.count(2))


def _set_log_aside(path: Path, ids: dict[Path, tuple[int, int]]) -> None:
    """Rename our log, and remove its index: SQLite would write it into the file that lies there."""
    log, index = _companions(path)
    with contextlib.suppress(OSError):
        if _file_id(log) == ids.get(log):
            log.rename(path.with_name(path.name + _ORPHAN_WAL))
    with contextlib.suppress(OSError):
        if _file_id(index) == ids.get(index):
            index.unlink()
