"""When something is next due, what others changed, and what has become too old to keep."""

from __future__ import annotations

from cooee.storage import Alarms
from cooee.storage.sql_file import load
from cooee.storage.sqlite.columns import moment_or_none
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.turns import held_ids

_SQL = load("sqlite")
_SLICE = 2_000  # keys forgotten in one transaction, so that nobody waits long


def alarms(connection: Connection, leases: Leases, now: int) -> Alarms:
    """When something is next due, leased conversations left out."""
    return Alarms(
        turn=moment_or_none(_next_turn(connection, leases, now)),
        send=moment_or_none(connection.execute(_SQL["next_send"], (now,)).fetchone()[0]),
        check=moment_or_none(_first(connection, _SQL["next_check"])),
        report=moment_or_none(_first(connection, _SQL["next_report"])),
    )


def _next_turn(connection: Connection, leases: Leases, now: int) -> int | None:
    if leases.held and connection.execute(_SQL["find_suspect"], (now,)).fetchone():
        return None  # a suspect goes alone: the end of a turn under way is what to wait for
    held = held_ids(leases)
    texts = _first(connection, _SQL["next_turn"], held)
    dialogues = _first(connection, _SQL["next_alarm"], held)
    return min((due for due in (texts, dialogues) if due is not None), default=None)


def _first(connection: Connection, statement: str, *values: object) -> int | None:
    due = connection.execute(statement, values).fetchone()
    return None if due is None else int(due[0])


def changed(connection: Connection, leases: Leases) -> bool:
    """Whether another connection committed since the last asking."""
    (version,) = connection.execute(_SQL["data_version"]).fetchone()
    before, leases.data_version = leases.data_version, version
    return bool(before != version)


def prune(connection: Connection, before: int) -> int:
    """Forget some of the keys, and of the receipts of unknown texts, that are older."""
    connection.execute(_SQL["prune_early"], (before,))
    return connection.execute(_SQL["prune_keys"], (before, _SLICE)).rowcount
