"""Next due times, and changes by other processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.storage.columns import from_millis_or_none, storable_text
from cooee.storage.records import NextDue
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.turns import leased_ids_json


def find_next_due(
    transaction: Transaction, *, turns: bool, outbound: bool, with_timers: bool, ours: str | None
) -> NextDue:
    """Return the next due times, leased conversations left out."""
    turn = _next_turn(transaction, with_timers=with_timers) if turns else None
    if not outbound:
        return NextDue(turn=from_millis_or_none(turn))
    numbers = _all_numbers(transaction) if ours is None else [storable_text(ours)]
    checks = [(number,) for number in numbers]
    sends = [(transaction.now, number) for number in numbers]
    return NextDue(
        turn=from_millis_or_none(turn),
        send=from_millis_or_none(_earliest(transaction, "next_send_due", sends)),
        lookup=from_millis_or_none(_earliest(transaction, "next_lookup_due", checks)),
        status_check=from_millis_or_none(_earliest(transaction, "next_status_check_due", checks)),
    )


def _all_numbers(transaction: Transaction) -> set[str]:
    """Return our numbers with texts that something is to happen to."""
    unsent = transaction.execute("numbers_with_unsent").fetchall()
    return {ours for (ours,) in [*unsent, *transaction.execute("numbers_with_checks")]}


def _earliest(
    transaction: Transaction, statement: str, parameters: Iterable[Sequence[object]]
) -> int | None:
    found = [transaction.execute(statement, each).fetchone()[0] for each in parameters]
    return min((due for due in found if due is not None), default=None)


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
