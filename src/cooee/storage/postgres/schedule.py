"""Next due times of turns."""

from __future__ import annotations

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
