"""A transaction: the connection, the worker, and the time of the verb that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from cooee.storage.forget_key import NO_KEY, ForgetKey
from cooee.storage.sql_file import load_statements

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row: TypeAlias = Sequence[Any]

_STATEMENTS = load_statements("postgres")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One verb's transaction; the database commits it or rolls it back, and may run it again.

    Attributes:
        connection: the connection, after ``begin``.
        worker: the number of this process among the workers; 0: it neither claims nor sends.
        now: the time of the verb in milliseconds since 1970, UTC.
        forget_key: the key of the forgotten people.
    """

    connection: Connection
    worker: int
    now: int
    forget_key: ForgetKey = NO_KEY

    async def fetch(self, statement_name: str, *parameters: object) -> Sequence[Row]:
        """Execute a statement of ``statements.sql``; return its rows."""
        rows: Sequence[Row] = await self.connection.fetch(_STATEMENTS[statement_name], *parameters)
        return rows

    async def fetch_row(self, statement_name: str, *parameters: object) -> Row | None:
        """Execute a statement of ``statements.sql``; return its first row, if any."""
        row: Row | None = await self.connection.fetchrow(_STATEMENTS[statement_name], *parameters)
        return row

    async def execute(self, statement_name: str, *parameters: object) -> int:
        """Execute a statement of ``statements.sql``; return the number of rows that it wrote."""
        status: str = await self.connection.execute(_STATEMENTS[statement_name], *parameters)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0
