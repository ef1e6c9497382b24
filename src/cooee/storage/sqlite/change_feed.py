"""Tells of every row that is written, as it was and as it is, once the commit is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from cooee.storage.sqlite.database_file import Connection

Row: TypeAlias = Mapping[str, Any]
"""A row by its columns' names: numbers and words as they are, bytes in hex."""


RowOperation: TypeAlias = Literal["insert", "update", "delete"]


class RowChange(msgspec.Struct, frozen=True):
    """One row written: `before` is None for a new row, `after` for one that is gone."""

    operation: RowOperation
    table: str
    before: Row | None
    after: Row | None


ChangeListener: TypeAlias = Callable[[Sequence[RowChange]], None]
"""Told of a commit's changes in their order, in the store's thread; it must not wait."""

_TRIGGER_ROWS = {"insert": ("", "new"), "update": ("old", "new"), "delete": ("old", "")}


def listen_to_changes(connection: Connection, listener: ChangeListener) -> None:
    """Watch a connection from now on.

    The triggers are this connection's own and vanish with it. A transaction that is rolled back
    was never written, and nobody hears of it. For development: every row costs a call.
    """
    changes: list[RowChange] = []

    def record_change(
        operation: RowOperation, table: str, before: str | None, after: str | None
    ) -> None:
        changes.append(RowChange(operation, table, _decode_row(before), _decode_row(after)))

    def on_statement(statement: str) -> None:
        if statement == "rollback":
            changes.clear()
        elif statement == "commit" and changes:
            committed = tuple(changes)
            changes.clear()
            listener(committed)

    connection.create_function("cooee_note", 4, record_change)
    for table in _table_names(connection):
        for operation, (old, new) in _TRIGGER_ROWS.items():
            connection.execute(_trigger_sql(connection, table, operation, old, new))
    connection.set_trace_callback(on_statement)


def _table_names(connection: Connection) -> list[str]:
    query = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'"
    return [name for (name,) in connection.execute(query)]


def _trigger_sql(connection: Connection, table: str, operation: str, old: str, new: str) -> str:
    columns = [name for (name,) in connection.execute(_COLUMNS_QUERY, (table,))]
    row_objects = ", ".join(_row_object_sql(side, columns) for side in (old, new))
    return (
        f"create temp trigger cooee_{operation}_{table} after {operation} on main.{table} "
        f"begin select cooee_note('{operation}', '{table}', {row_objects}); end"
    )


_COLUMNS_QUERY = "select name from pragma_table_info(?)"


def _row_object_sql(row_name: str, columns: Sequence[str]) -> str:
    """SQL for a row as JSON, which has no form for bytes."""
    if not row_name:
        return "null"
    pairs = (
        f"'{name}', iif(typeof({row_name}.{name}) = 'blob', hex({row_name}.{name}), {row_name}.{name})"
        for name in columns
    )
    return f"json_object({', '.join(pairs)})"


def _decode_row(encoded: str | None) -> Any:
    return None if encoded is None else msgspec.json.decode(encoded)
