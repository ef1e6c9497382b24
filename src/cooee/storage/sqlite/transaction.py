"""A transaction: the connection, the leases, and the time of the verb that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.database_file import Connection, Cursor
from cooee.storage.sqlite.key_file import KeyFile
from cooee.storage.sqlite.leases import Leases

_STATEMENTS = load_statements("sqlite")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One verb's part of an open transaction; the writer thread commits it or rolls it back.

    Attributes:
        connection: the connection, after ``begin``.
        leases: the leases of this process, rolled back together with the transaction.
        key_file: the key of the forgotten people.
        now: the time at which the verb was called, in milliseconds since 1970, UTC.
    """

    connection: Connection
    leases: Leases
    key_file: KeyFile
    now: int

    def execute(self, statement_name: str, parameters: Sequence[object] = ()) -> Cursor:
        """Execute a statement of ``statements.sql``."""
        return self.connection.execute(_STATEMENTS[statement_name], parameters)

    def execute_many(self, statement_name: str, rows: Iterable[Sequence[object]]) -> None:
        """Execute a statement of ``statements.sql`` once for each row of parameters."""
        self.connection.executemany(_STATEMENTS[statement_name], rows)
