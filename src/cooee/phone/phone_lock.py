"""One phone a database: a lock that says where the open phone is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from cooee.core.errors import DatabaseInUse

TellPlace: TypeAlias = Callable[[str], None]

_MAX_PLACE_BYTES = 200


@contextmanager
def lock_phone(database: Path) -> Iterator[TellPlace]:
    """Keep a second phone from a database; yield a function that tells it where the first one is.

    The operating system frees the lock when its process dies. The lock file stays, since a file
    that a process removes may be locked by the next one already.

    Args:
        database: the path of the database; the lock file lies beside it.

    Raises:
        DatabaseInUse: another phone is open; the message says where.
    """
    try:
        descriptor = os.open(f"{database}.phone", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # no file can be made there, and the store says why
        yield lambda _: None
        return
    try:
        _lock(descriptor, database)
        yield lambda place: _write_place(descriptor, place)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, database: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        place = os.pread(descriptor, _MAX_PLACE_BYTES, 0).decode(errors="replace").strip()
        raise DatabaseInUse(
            f"A phone is open on {database} already{place and f', {place}'}. Go on there, or end"
            " it with Ctrl-C. To open a second one beside it, add --database second.db"
        ) from error
    except OSError:  # a file system without locks, of which the store says more
        return
    _write_place(descriptor, "")


def _write_place(descriptor: int, place: str) -> None:
    with suppress(OSError):  # a full disk: the place is for people, the lock holds
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, place.encode(), 0)
