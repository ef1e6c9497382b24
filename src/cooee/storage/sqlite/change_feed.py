"""Tells of every row that is written, as it was and as it is, once the commit is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from cooee.storage.sqlite.database_file import Connection

Row: TypeAlias = Mapping[str, Any]
"""A row by its columns' names: numbers and words as they are, bytes in hex."""


Verb: TypeAlias = Literal["insert", "update", "delete"]


class Change(msgspec.Struct, frozen=True):
    """One row written: `before` is None for a new row, `after` for one that is gone."""

    verb: Verb
    table: str
    before: Row | None
    after: Row | None


Watch: TypeAlias = Callable[[Sequence[Change]], None]
"""Told of a commit's changes in their order, in the store's thread; it must not wait."""

_SIDES = {"insert": ("", "new"), "update": ("old", "new"), "delete": ("old", "")}


def watch(connection: Connection, tell: Watch) -> None:
    """Watch a connection from now on.

    The triggers are this connection's own and vanish with it. A transaction that is rolled back
    was never written, and nobody hears of it. For development: every row costs a call.
    """
    changes: list[Change] = []

    def note(verb: Verb, table: str, before: str | None, after: str | None) -> None:
        changes.append(Change(verb, table, _row(before), _row(after)))

    def follow(statement: str) -> None:
        if statement == "rollback":
            changes.clear()
        elif statement == "commit" and changes:
            committed = tuple(changes)
            changes.clear()
            tell(committed)

    connection.create_function("cooee_note", 4, note)
    for table in _tables(connection):
        for verb, (old, new) in _SIDES.items():
            connection.execute(_trigger(connection, table, verb, old, new))
    connection.set_trace_callback(follow)


def _tables(connection: Connection) -> list[str]:
    query = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'"
    return [name for (name,) in connection.execute(query)]


def _trigger(connection: Connection, table: str, verb: str, old: str, new: str) -> str:
    columns = [name for (name,) in connection.execute(_COLUMNS, (table,))]
    sides = ", ".join(_object(side, columns) for side in (old, new))
    return (
        f"create temp trigger cooee_{verb}_{table} after {verb} on main.{table} "
        f"begin select cooee_note('{verb}', '{table}', {sides}); end"
    )


_COLUMNS = "select name from pragma_table_info(?)"


def _object(side: str, columns: Sequence[str]) -> str:
    """SQL for a row as JSON, which has no form for bytes."""
    if not side:
        return "null"
    cells = (
        f"'{name}', iif(typeof({side}.{name}) = 'blob', hex({side}.{name}), {side}.{name})"
        for name in columns
    )
    return f"json_object({', '.join(cells)})"


def _row(words: str | None) -> Any:
    return None if words is None else msgspec.json.decode(words)
