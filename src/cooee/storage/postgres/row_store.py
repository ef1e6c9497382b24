"""PostgresRows: a database on a server, read and written row by row for a copy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from cooee.core.errors import DatabaseInUse, SettingError, StorageError
from cooee.storage.postgres import workers
from cooee.storage.postgres.connections import SCHEMA, Connections, read_address
from cooee.storage.postgres.migrate import upgrade_schema
from cooee.storage.postgres.server_errors import translate_error
from cooee.storage.postgres.transaction import Connection, Transaction
from cooee.storage.tables import COPY_MARK, HALF_COPIED, Row, Table

_STATEMENT_TIMEOUT_S = 86_400.0  # all rows of the largest table are counted and measured


class PostgresRows:
    """A `RowStore` on a server. Made by `open`."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._transaction = Transaction(connection, 0, now)

    @classmethod
    async def open(cls, url: str, now: int) -> PostgresRows:
        """Open a database for a copy; an empty one gets the schema.

        Args:
            url: the database.
            now: milliseconds since 1970, UTC.

        Raises:
            SettingError: the URL is that of a pooler.
            DatabaseInUse: an app runs on the database.
            StoreUnavailable: the server is not there.
            StorageError: the server refuses.
        """
        address = read_address(url)
        if address.behind_pgbouncer:
            raise SettingError("A copy needs the server itself: name it in place of the pooler.")
        with _translated():
            connections = Connections(address)
            connection = await connections.connect(statement_timeout_s=_STATEMENT_TIMEOUT_S)
            rows = cls(connection, now)
            try:
                await upgrade_schema(connection)
                await rows._check_unused()
            except BaseException:
                connection.terminate()
                raise
        return rows

    async def _check_unused(self) -> None:
        """Bury workers that died; refuse where one is alive."""
        async with self._connection.transaction():
            await workers.bury(self._transaction)
        alive = await self._connection.fetch("select name from workers order by name")
        if alive:
            names = ", ".join(name for (name,) in alive)
            raise DatabaseInUse(
                f"Processes run on this database ({names}). Stop them first; a process that died is"
                " forgotten after some seconds."
            )

    async def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        query = f"select count(*) from {table.name} where {_not_own(table)}"  # noqa: S608 -- constants
        with _translated():
            count: int = await self._connection.fetchval(query)
        return count

    async def read(self, table: Table, after: Row | None, limit: int) -> Sequence[Row]:
        """Return the next rows in the order of their keys."""
        key = ", ".join(table.key)
        places = ", ".join(f"${nth}" for nth, _ in enumerate(table.key, 2))
        behind = f"({key}) > ({places})" if after is not None else "true"
        query = (
            f"select {', '.join(map(_as_value(table), table.columns))} from {table.name}"  # noqa: S608 -- constants
            f" where {_not_own(table)} and {behind} order by {key} limit $1"
        )
        with _translated():
            return list(map(tuple, await self._connection.fetch(query, limit, *(after or ()))))

    async def last_key(self, table: Table) -> Row | None:
        """Return the key of the last row; None of an empty table."""
        order = ", ".join(f"{column} desc" for column in table.key)
        query = (
            f"select {', '.join(table.key)} from {table.name}"  # noqa: S608 -- constants
            f" where {_not_own(table)} order by {order} limit 1"
        )
        with _translated():
            found = await self._connection.fetchrow(query)
        return None if found is None else tuple(found)

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows in one transaction."""
        flags = [column in table.flags for column in table.columns]
        records = [
            [bool(value) if flag else value for value, flag in zip(row, flags, strict=True)]
            for row in rows
        ]
        with _translated():
            await self._connection.copy_records_to_table(
                table.name, schema_name=SCHEMA, columns=table.columns, records=records
            )

    async def get_mark(self) -> int | None:
        """Return the mark of a half copied database; None where it is whole."""
        with _translated():
            found = await self._transaction.fetch_row("get_metadata", COPY_MARK)
        return None if found is None else int(found[0])

    async def set_mark(self, mark: int) -> None:
        """Mark the database as half copied."""
        with _translated():
            await self._transaction.execute("set_metadata", COPY_MARK, mark)

    async def complete(self) -> None:
        """Fill in who has opted out and where numbers go on; measure the tables for plans."""
        with _translated():
            async with self._connection.transaction():
                await self._transaction.execute("set_all_opted_out")
                await self._transaction.execute("set_next_receipt_id")
                await self._transaction.execute("remove_metadata", COPY_MARK)
            await self._connection.execute("analyze")

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


async def refuse_half_copied(transaction: Transaction) -> None:
    """Refuse a database that is half copied from another one.

    Raises:
        StorageError: it is.
    """
    if await transaction.fetch_row("get_metadata", COPY_MARK) is not None:
        raise StorageError(HALF_COPIED)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise cooee's errors for those of the server."""
    try:
        yield
    except Exception as error:
        raise translate_error(error) from error


def _as_value(table: Table) -> Callable[[str], str]:
    """Return a function that writes a column such that its value is as a `Row` has it."""
    return lambda column: f"{column}::integer" if column in table.flags else column


def _not_own(table: Table) -> str:
    """Return the condition of rows that are copied."""
    words = ", ".join(f"'{word}'" for word in table.own)
    return f"{table.key[0]} not in ({words})" if words else "true"
