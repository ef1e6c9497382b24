"""What is kept for each number of ours, and the secrets of the house."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.storage.sqlite_file import Connection
from cooee.storage.statements import load
from cooee.storage.values import fit

_SQL = load("sqlite")


def numbers(connection: Connection) -> Sequence[str]:
    """Our numbers with texts still on their way."""
    return [ours for (ours,) in connection.execute(_SQL["numbers"])]


def keep_number(connection: Connection, ours: str) -> None:
    """Remember that a number is ours."""
    connection.execute(_SQL["keep_number"], (fit(ours),))


def our_numbers(connection: Connection) -> Sequence[str]:
    """The numbers that were ever ours."""
    return [ours for (ours,) in connection.execute(_SQL["our_numbers"])]


def cursor(connection: Connection, ours: str) -> str:
    """Where reading that number goes on; "" at first."""
    found = connection.execute(_SQL["cursor"], (ours,)).fetchone()
    return "" if found is None else str(found[0])


def advance(connection: Connection, ours: str, cursor: str) -> None:
    """Remember where reading goes on."""
    connection.execute(_SQL["advance"], (ours, fit(cursor)))


def doubt_read(connection: Connection, ours: str) -> None:
    """Count a destructive read whose answer was lost."""
    connection.execute(_SQL["doubt_read"], (ours,))


def secret(connection: Connection, name: str, word: str) -> str:
    """The word kept under a name; `word` itself where there was none."""
    found = connection.execute(_SQL["secret"], (name,)).fetchone()
    if found is not None:
        return str(found[0])
    connection.execute(_SQL["keep_secret"], (name, word))
    return word
