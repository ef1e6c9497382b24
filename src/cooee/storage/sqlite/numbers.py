"""Our numbers with their cursors, and the secrets of this installation."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.columns import storable_text
from cooee.storage.sqlite.database_file import Connection

_SQL = load_statements("sqlite")


def numbers_with_unsent(connection: Connection) -> Sequence[str]:
    """Our numbers with texts still on their way."""
    return [ours for (ours,) in connection.execute(_SQL["numbers_with_unsent"])]


def add_our_number(connection: Connection, ours: str) -> None:
    """Remember that a number is ours."""
    connection.execute(_SQL["add_our_number"], (storable_text(ours),))


def our_numbers(connection: Connection) -> Sequence[str]:
    """The numbers that were ever ours."""
    return [ours for (ours,) in connection.execute(_SQL["our_numbers"])]


def get_cursor(connection: Connection, ours: str) -> str:
    """Where reading that number goes on; "" at first."""
    found = connection.execute(_SQL["get_cursor"], (ours,)).fetchone()
    return "" if found is None else str(found[0])


def set_cursor(connection: Connection, ours: str, cursor: str) -> None:
    """Remember where reading goes on."""
    connection.execute(_SQL["set_cursor"], (ours, storable_text(cursor)))


def count_lost_read(connection: Connection, ours: str) -> None:
    """Count a destructive read whose answer was lost."""
    connection.execute(_SQL["count_lost_read"], (ours,))


def get_or_add_secrets(connection: Connection, name: str, new_secret: str) -> list[str]:
    """Return the secrets of a name, the newest first; store `new_secret` where there is none."""
    stored = [word for (word,) in connection.execute(_SQL["secrets"], (name,))]
    if stored:
        return stored
    connection.execute(_SQL["add_secret"], (name, new_secret))
    return [new_secret]


def rotate_secret(connection: Connection, name: str, new_secret: str) -> bool:
    """Put a new word before the one there is; False where there are two."""
    if len(connection.execute(_SQL["secrets"], (name,)).fetchall()) > 1:
        return False
    connection.execute(_SQL["age_secret"], (name,))
    connection.execute(_SQL["add_secret"], (name, new_secret))
    return True


def retire_secret(connection: Connection, name: str) -> bool:
    """Remove the older of two secrets; False where there is only one."""
    return connection.execute(_SQL["retire_secret"], (name,)).rowcount > 0
