"""The database file: opened, brought up to date, checked and copied."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from cooee.core.error_text import error_text
from cooee.core.errors import StorageError, StoreUnavailable
from cooee.storage import migrations
from cooee.storage.sqlite.file_errors import explain_open_error
from cooee.storage.sqlite.file_systems import find_network_file_system, read_mounts
from cooee.storage.sqlite.key_file import KeyFile, find_key_problem

Connection: TypeAlias = sqlite3.Connection
Cursor: TypeAlias = sqlite3.Cursor

logger = logging.getLogger("cooee")

_PRAGMAS = (
    "pragma journal_mode = wal",
    # storage rule 13: no killed process shows a missing sync, so a test counts the syncs (law 1).
    "pragma synchronous = full",
    "pragma fullfsync = on",  # macOS: a plain fsync stops in the drive's cache
    "pragma temp_store = memory",
    "pragma cache_size = -65536",
    "pragma journal_size_limit = 67108864",
    "pragma wal_autocheckpoint = 4000",  # pages; a sync of the database every 16 MB
)
_CACHED_STATEMENTS = 256  # prepared statements that a connection keeps

_TEMPORARY_ERRORS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def absolute_path(path: str | Path) -> Path:
    """Return a file's absolute path.

    Raises:
        StorageError: it names no file.
    """
    if Path(path).name == ":memory:":
        raise StorageError("A conversation must outlive the process: give a file, not :memory:.")
    return Path(path).absolute()


def prepare_file(path: str | Path) -> Path:
    """Return a file's absolute path; a new file is its owner's alone from its first byte.

    Raises:
        StorageError: the file cannot be made there.
    """
    path = absolute_path(path)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageError(explain_open_error(path, error)) from error
    if not path.is_file():
        raise StorageError(f"{path} is no ordinary file. Set COOEE_DATABASE to a file on a disk.")
    # storage rule 14: SQLite's locks and shared memory do not work over a network.
    file_system = find_network_file_system(path.resolve(), read_mounts())
    if file_system:
        logger.warning("database-on-network", extra={"fields": {"file_system": file_system}})
    return path


def open_connection(path: Path, busy_timeout: float) -> Connection:
    """Open an existing file; `busy_timeout`: seconds to wait for another process's lock.

    Raises:
        StorageError: the file is no database, or cannot be opened.
    """
    with translate_errors():
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, cached_statements=_CACHED_STATEMENTS
        )
        # Bytes of a damaged row that are no UTF-8 become U+FFFD: an error would end all claims.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
    return connection


def upgrade_schema(connection: Connection) -> None:
    """Run the missing migrations, each whole or not at all.

    Raises:
        SchemaTooNew: a newer cooee wrote this file.
    """
    known = migrations.load_migrations("sqlite")
    for step in migrations.missing_migrations(schema_version(connection), known):
        with translate_errors(), transaction(connection):
            if schema_version(connection) < step.version:  # another process may have been quicker
                for statement in step.statements:
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {step.version}")


def is_outdated(connection: Connection) -> bool:
    """Tell whether the schema lacks a migration.

    Raises:
        SchemaTooNew: a newer cooee wrote this file.
    """
    known = migrations.load_migrations("sqlite")
    return bool(migrations.missing_migrations(schema_version(connection), known))


def schema_version(connection: Connection) -> int:
    """Return the file's schema version, 0 at first."""
    with translate_errors():
        number: int = connection.execute("pragma user_version").fetchone()[0]
    return number


@contextlib.contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run a block in a transaction: committed, or rolled back if the block raises."""
    # storage rule 2: the one lock is taken at the start, so that no commit can clash.
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: Connection) -> None:
    """Roll back the open transaction, if any; SQLite does so itself on a full disk."""
    if connection.in_transaction:
        connection.execute("rollback")


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Raise cooee's errors for those of SQLite."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate_error(error) from error


def translate_error(error: BaseException) -> BaseException:
    """Return cooee's error for an error of SQLite; any other error unchanged."""
    if not isinstance(error, Exception) or isinstance(error, StopIteration):
        return StorageError(f"The database's thread raised {error_text(error)}.")
    if not isinstance(error, sqlite3.Error):
        return error
    if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _TEMPORARY_ERRORS:
        return StoreUnavailable(
            f"The database is not available ({error}). Nothing was written; look for a full disk"
            " or a process that holds the file, and try again."
        )
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        return StorageError(
            "The file is not a database, or it is damaged. Set COOEE_DATABASE to another file,"
            " or restore a backup."
        )
    return StorageError(f"The database refused: {error}.")


def copy_database(source: Path, target: Path) -> None:
    """Copy a database, whole and consistent, while it is in use.

    Raises:
        StorageError: the target exists, or cannot be made.
        StoreUnavailable: the disk is full; the unfinished copy is removed.
    """
    with translate_errors(), contextlib.closing(sqlite3.connect(source)) as connection:
        copy_connection(connection, target)


def copy_connection(connection: Connection, target: Path) -> None:
    """Copy the database of a connection, as `copy_database`."""
    try:
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise StorageError(f"{target} exists already. Choose another name.") from error
    except OSError as error:
        raise StorageError(f"Cannot write {target} ({error.strerror}).") from error
    try:
        with translate_errors():
            connection.execute("vacuum into ?", (str(target),))
        os.pwrite(descriptor, bytes(4), 68)  # storage rule 15: a copy lacks the owner's mark
        os.fsync(descriptor)
    except BaseException:
        target.unlink()
        raise
    finally:
        os.close(descriptor)


def truncate_wal(path: Path) -> None:
    """Write the write-ahead log into the database and empty the log, unless a reader needs it."""
    with translate_errors(), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()


def read_journal_mode(path: Path) -> str:
    """Return the journal mode of a database, such as *wal*."""
    with translate_errors(), contextlib.closing(sqlite3.connect(path)) as connection:
        mode: str = connection.execute("pragma journal_mode").fetchone()[0]
    return mode


def find_problems(path: Path) -> Sequence[str]:
    """Return sentences on how a database file is kept: each a problem, with its remedy.

    Raises:
        StorageError: the file is no database, or cannot be opened.
    """
    problems = []
    mode = read_journal_mode(path)
    if mode != "wal":
        problems.append(f"Its journal mode is {mode}, where it should be wal: commits are slow.")
    # storage rule 14: SQLite's locks and shared memory do not work over a network.
    kind = find_network_file_system(path.resolve(), read_mounts())
    if kind:
        problems.append(
            f"It lies on {kind}, a network or a shared folder, whose locks are not sure: use a"
            " local disk."
        )
    key_file = KeyFile(path)
    problems += [
        f"Others may read it. Type: chmod 600 {file}"
        for file in (path, key_file.path)
        if file.exists() and file.stat().st_mode & 0o077
    ]
    problems.append(find_key_problem(key_file, _read_key_check(path)))
    return [problem for problem in problems if problem]


def _read_key_check(path: Path) -> int | None:
    with translate_errors(), contextlib.closing(sqlite3.connect(path)) as connection:
        query = "select value from metadata where name = 'key_check'"
        found = connection.execute(query).fetchone() if schema_version(connection) else None
    return None if found is None else int(found[0])
