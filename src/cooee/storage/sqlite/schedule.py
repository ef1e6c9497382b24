"""Next due times, and changes by other processes."""

from __future__ import annotations

from cooee.storage.columns import from_millis_or_none
from cooee.storage.records import NextDue
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.turns import leased_ids_json


def find_next_due(
    transaction: Transaction, *, turns: bool, outbound: bool, with_timers: bool
) -> NextDue:
    """Return the next due times, leased conversations left out."""
    turn = _next_turn(transaction, with_timers=with_timers) if turns else None
    if not outbound:
        return NextDue(turn=from_millis_or_none(turn))
    return NextDue(
        turn=from_millis_or_none(turn),
        send=from_millis_or_none(
            transaction.execute("next_send_due", (transaction.now,)).fetchone()[0]
        ),
        lookup=from_millis_or_none(_first_due(transaction, "next_lookup_due")),
        status_check=from_millis_or_none(_first_due(transaction, "next_status_check_due")),
    )


def _next_turn(transaction: Transaction, *, with_timers: bool) -> int | None:
    if (
        transaction.leases.by_conversation
        and transaction.execute("find_suspect", (transaction.now, with_timers)).fetchone()
    ):
        return (
            None  # storage rule 5: a suspect goes alone, so the end of a turn under way comes first
        )
    leased = leased_ids_json(transaction)
    text_due = _first_due(transaction, "next_text_due", leased)
    timer_due = _first_due(transaction, "next_timer_due", leased) if with_timers else None
    return min((due for due in (text_due, timer_due) if due is not None), default=None)


def _first_due(transaction: Transaction, statement: str, *parameters: object) -> int | None:
    due = transaction.execute(statement, parameters).fetchone()
    return None if due is None else int(due[0])


def changed_externally(transaction: Transaction) -> bool:
    """Return whether another connection committed since the last call."""
    (version,) = transaction.execute("data_version").fetchone()
    before, transaction.leases.data_version = transaction.leases.data_version, version
    return bool(before != version)
