"""SQLiteRows: a database file, read and written row by row for a copy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from cooee.storage.sqlite import database_file, ownership
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.key_file import KeyFile
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.ownership import OwnerLock
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.tables import COPY_MARK, Row, Table

_BUSY_TIMEOUT_S = 5.0


class SQLiteRows:
    """A `RowStore` in a file, whose lock is held, so that no app starts on it.

    Args:
        path: the file; a target is made where there is none.
        now: milliseconds since 1970, UTC.
        is_source: whether the file is copied, so that what a crash left is settled first.

    Raises:
        DatabaseInUse: an app runs on the file.
        StorageError: the file cannot be opened, or is no database.
    """

    def __init__(self, path: Path, now: int, *, is_source: bool) -> None:
        path = database_file.prepare_file(path)
        self._lock = OwnerLock(path)
        try:
            self._connection = _open(path, now, is_source=is_source)
        except BaseException:
            self._lock.close()
            raise
        self._transaction = Transaction(self._connection, Leases(), KeyFile(path), now)
        if is_source:
            # storage rule 25: a copy that is killed leaves its source as it was.
            with self._writing():
                ownership.mark_clean_exit(self._transaction)

    async def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        [(count,)] = self._select(f"select count(*) from {table.name} where {_not_own(table)}")  # noqa: S608 -- constants
        return int(count)

    async def read(self, table: Table, after: Row | None, limit: int) -> Sequence[Row]:
        """Return the next rows in the order of their keys."""
        key = ", ".join(table.key)
        behind = f"({key}) > ({_places(table.key)})" if after is not None else "true"
        return self._select(
            f"select {', '.join(table.columns)} from {table.name}"  # noqa: S608 -- constants
            f" where {_not_own(table)} and {behind} order by {key} limit ?",
            *(after or ()),
            limit,
        )

    async def last_key(self, table: Table) -> Row | None:
        """Return the key of the last row; None of an empty table."""
        order = ", ".join(f"{column} desc" for column in table.key)
        found = self._select(
            f"select {', '.join(table.key)} from {table.name}"  # noqa: S608 -- constants
            f" where {_not_own(table)} order by {order} limit 1"
        )
        return found[0] if found else None

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows in one transaction."""
        columns = table.columns
        insert = f"insert into {table.name} ({', '.join(columns)}) values ({_places(columns)})"  # noqa: S608 -- constants
        with self._writing():
            self._connection.executemany(insert, rows)

    async def get_mark(self) -> int | None:
        """Return the mark of a half copied database; None where it is whole."""
        with database_file.translate_errors():
            found = self._transaction.execute("get_metadata", (COPY_MARK,)).fetchone()
        return None if found is None else int(found[0])

    async def set_mark(self, mark: int) -> None:
        """Mark the database as half copied."""
        with self._writing():
            self._transaction.execute("set_metadata", (COPY_MARK, mark))

    async def complete(self) -> None:
        """Remove the mark; a file derives nothing from its rows."""
        with self._writing():
            self._transaction.execute("remove_metadata", (COPY_MARK,))

    async def close(self) -> None:
        """Let processes work on the file again."""
        self._connection.close()
        self._lock.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with database_file.translate_errors(), database_file.transaction(self._connection):
            yield

    def _select(self, query: str, *parameters: object) -> list[Row]:
        with database_file.translate_errors():
            return self._connection.execute(query, parameters).fetchall()


def _open(path: Path, now: int, *, is_source: bool) -> Connection:
    """Return a connection to a file whose owner this process is."""
    if is_source:
        # storage rule 6: what was under way when a process died is in doubt in the copy too.
        connection, _ = ownership.connect(path, _BUSY_TIMEOUT_S, Leases(), now, owner=True)
        return connection
    connection = database_file.open_connection(path, _BUSY_TIMEOUT_S)
    try:
        database_file.upgrade_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _places(columns: Sequence[str]) -> str:
    return ", ".join("?" for _ in columns)


def _not_own(table: Table) -> str:
    """Return the condition of rows that are copied."""
    words = ", ".join(f"'{word}'" for word in table.own)
    return f"{table.key[0]} not in ({words})" if words else "true"
