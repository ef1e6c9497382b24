"""Next due times of turns, sends, look-ups and status checks."""

from __future__ import annotations

from cooee.storage.columns import storable_text
from cooee.storage.postgres.transaction import Transaction


async def next_turn(transaction: Transaction, *, with_timers: bool) -> int | None:
    """Return the time of the next turn, leased conversations left out; None: none is to come."""
    waiting = await transaction.fetch_row(
        "is_suspect_waiting", transaction.worker, transaction.now, with_timers
    )
    if waiting is not None and waiting[0]:
        return None  # storage rule 5: the end of a turn under way comes first
    text = await transaction.fetch_row("next_text_due", transaction.worker)
    timer = (
        await transaction.fetch_row("next_timer_due", transaction.worker) if with_timers else None
    )
    return min((int(row[0]) for row in (text, timer) if row is not None), default=None)


async def next_outbound(
    transaction: Transaction, ours: str | None
) -> tuple[int | None, int | None, int | None]:
    """Return the times of the next send, look-up and status check; None: none is to come.

    They are those of one of our numbers; of every number where `ours` is None.
    """
    numbers = await _all_numbers(transaction) if ours is None else [storable_text(ours)]
    send = await transaction.fetch_row("next_send_due", transaction.now, numbers)
    lookup = await transaction.fetch_row("next_lookup_due", numbers)
    status_check = await transaction.fetch_row("next_status_check_due", numbers)
    due_send, due_lookup, due_check = (
        None if row is None else row[0] for row in (send, lookup, status_check)
    )
    return due_send, due_lookup, due_check


async def _all_numbers(transaction: Transaction) -> list[str]:
    """Return our numbers with texts that something is to happen to."""
    unsent = await transaction.fetch("numbers_with_unsent")
    checked = await transaction.fetch("numbers_with_checks")
    return list({ours for (ours,) in [*unsent, *checked]})
