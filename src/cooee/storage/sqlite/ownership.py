"""Ownership of a database: its lock, the owner's start after another, and its clean exit."""

from __future__ import annotations

import contextlib
import fcntl
import os
from functools import partial
from pathlib import Path

from cooee.core.errors import DatabaseInUse, StorageError
from cooee.storage.sqlite import database_file, schedule
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.file_errors import explain_lock_error, explain_open_error
from cooee.storage.sqlite.file_guard import FileGuard, refuse_after_loss
from cooee.storage.sqlite.forgotten import prepare_forgotten
from cooee.storage.sqlite.key_file import KeyFile
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.writer_thread import WriterThread
from cooee.storage.tables import COPY_MARK, HALF_COPIED

_MAX_SUSPECTS = 2_000  # at each end of the backlog; some seconds of turns, one after the other


class OwnerLock:
    """The lock file beside a database: held by one process, and freed when the process ends.

    Raises:
        DatabaseInUse: another process holds the lock.
        StorageError: the lock file cannot be made, or its file system has no locks.
    """

    def __init__(self, path: Path) -> None:
        # storage rule 10: the operating system frees the lock when its owner dies.
        lock_path = path.with_name(path.name + ".lock")
        try:
            self._descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(explain_open_error(lock_path, error)) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            if no_locks := explain_lock_error(lock_path, error):
                raise StorageError(no_locks) from error
            raise DatabaseInUse(
                f"Another cooee (process {holder or 'unknown'}) runs on {path}. Stop it first,"
                " or set COOEE_DATABASE to another file."
            ) from error
        with contextlib.suppress(OSError):  # a full disk: the number is for people, the lock holds
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let another process own the database."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


async def open_thread(
    path: Path, busy_timeout: float, now: int, *, owner: bool
) -> tuple[Path, OwnerLock | None, Leases, WriterThread]:
    """Open a database in a thread of its own; return the file, its lock, leases and thread.

    Arguments and errors are those of `connect`.
    """
    if owner:
        refuse_after_loss(path)
    path = database_file.prepare_file(path)
    lock = OwnerLock(path) if owner else None
    leases = Leases()
    thread = WriterThread(partial(connect, path, busy_timeout, leases, now, owner=owner), leases)
    try:
        await thread.open()
    except BaseException:
        if lock is not None:
            lock.close()
        raise
    return path, lock, leases, thread


def connect(
    path: Path, busy_timeout: float, leases: Leases, now: int, *, owner: bool
) -> tuple[Connection, FileGuard]:
    """Open a guarded connection, bring the schema up to date, and take over as the owner.

    Args:
        path: an existing file.
        busy_timeout: seconds to wait while another process writes.
        leases: the leases of this process.
        now: milliseconds since 1970, UTC.
        owner: whether this process holds the `OwnerLock`.

    Raises:
        DatabaseInUse: the schema is old, and an older cooee owns the file.
        SchemaTooNew: a newer cooee wrote the file.
        StorageError: the file is no database, is half copied, or cannot be opened.
    """
    connection = database_file.open_connection(path, busy_timeout)
    transaction = Transaction(connection, leases, KeyFile(path), now)
    try:
        if owner:
            database_file.upgrade_schema(connection)
            with database_file.translate_errors(), database_file.transaction(connection):
                _refuse_half_copied(transaction)
                prepare_forgotten(transaction)
                _take_over(transaction)
        elif database_file.is_outdated(connection):
            # An older owner must not meet a newer schema: upgrade only where there is no owner.
            with contextlib.closing(OwnerLock(path)):
                database_file.upgrade_schema(connection)
                with database_file.translate_errors(), database_file.transaction(connection):
                    prepare_forgotten(transaction)
        with database_file.translate_errors():
            schedule.changed_externally(transaction)
            guard = FileGuard(path, connection, owner=owner)
    except BaseException:
        connection.close()
        raise
    return connection, guard


def _refuse_half_copied(transaction: Transaction) -> None:
    if transaction.execute("get_metadata", (COPY_MARK,)).fetchone() is not None:
        raise StorageError(HALF_COPIED)


def _take_over(transaction: Transaction) -> None:
    """Record that the last owner's attempts have no known end, and count its unclean exit."""
    was_clean = transaction.execute("begin_running").rowcount == 1
    if not was_clean:
        transaction.execute("count_unclean_exit")
        # storage rule 5: every text that was pending when the process died is a suspect; of a long
        # backlog the ends, at which turns are claimed.
        transaction.execute("mark_suspect_texts", (_MAX_SUSPECTS,))
        transaction.execute("mark_suspect_timers", (transaction.now, _MAX_SUSPECTS))
    transaction.leases.has_suspects = transaction.execute("any_suspect").fetchone() is not None
    transaction.execute("add_interrupted_receipts", (transaction.now,))
    transaction.execute("mark_interrupted_unknown", (transaction.now,))


def mark_clean_exit(transaction: Transaction) -> None:
    """Record that this owner closed the database."""
    transaction.execute("end_running")
