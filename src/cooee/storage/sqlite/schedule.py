"""Next due times, changes by other processes, and pruning of old keys."""

from __future__ import annotations

from cooee.storage import NextDue
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.columns import from_millis_or_none
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.turns import leased_ids_json

_SQL = load_statements("sqlite")
_MAX_PRUNED_KEYS = 2_000  # keys forgotten in one transaction, so that nobody waits long


def find_next_due(connection: Connection, leases: Leases, now: int) -> NextDue:
    """Return the next due times, leased conversations left out."""
    return NextDue(
        turn=from_millis_or_none(_next_turn(connection, leases, now)),
        send=from_millis_or_none(connection.execute(_SQL["next_send_due"], (now,)).fetchone()[0]),
        lookup=from_millis_or_none(_first_due(connection, _SQL["next_lookup_due"])),
        status_check=from_millis_or_none(_first_due(connection, _SQL["next_status_check_due"])),
    )


def _next_turn(connection: Connection, leases: Leases, now: int) -> int | None:
    if leases.by_conversation and connection.execute(_SQL["find_suspect"], (now,)).fetchone():
        return None  # a suspect goes alone: the end of a turn under way is what to wait for
    leased = leased_ids_json(leases)
    text_due = _first_due(connection, _SQL["next_text_due"], leased)
    timer_due = _first_due(connection, _SQL["next_timer_due"], leased)
    return min((due for due in (text_due, timer_due) if due is not None), default=None)


def _first_due(connection: Connection, statement: str, *parameters: object) -> int | None:
    due = connection.execute(statement, parameters).fetchone()
    return None if due is None else int(due[0])


def changed_externally(connection: Connection, leases: Leases) -> bool:
    """Return whether another connection committed since the last call."""
    (version,) = connection.execute(_SQL["data_version"]).fetchone()
    before, leases.data_version = leases.data_version, version
    return bool(before != version)


def prune_keys(connection: Connection, before: int) -> int:
    """Forget some of the keys, and of the receipts of unknown texts, that are older."""
    connection.execute(_SQL["prune_early_receipts"], (before,))
    return connection.execute(_SQL["prune_dedupe_keys"], (before, _MAX_PRUNED_KEYS)).rowcount
