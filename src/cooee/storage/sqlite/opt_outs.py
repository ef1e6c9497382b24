"""Opt-outs: recorded with their proof, and listed; each cancels the person's queued texts."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import Outbound, conversation_id, outbound_id
from cooee.storage.columns import storable_text
from cooee.storage.operator_rows import make_opt_out
from cooee.storage.sqlite.forgotten import find_forgotten
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.statuses import ConsentSource
from cooee.storage.summaries import OptOut


def record_opt_out(
    transaction: Transaction,
    conversation: bytes,
    numbers: tuple[str, str],
    since: int,
    *,
    source: ConsentSource,
    inbound: bytes | None = None,
    at_provider: bool,
) -> tuple[bool, Sequence[Outbound]]:
    """Record that a person opted out, and cancel the texts that are queued for them.

    Return whether the opt-out is new, and the cancelled texts.
    """
    row = (conversation, since, *numbers, source.value, inbound, int(at_provider))
    is_new, (ours, theirs) = transaction.execute("opt_out", row).rowcount > 0, numbers
    if at_provider and not is_new:
        transaction.execute("opt_out_at_provider", (conversation,))
    rows = transaction.execute("cancel_queued", (conversation,)).fetchall()
    return is_new, [
        Outbound(
            id=outbound_id(conversation, seq),
            sender=ours,
            recipient=theirs,
            text=text,
            attempt=attempts,
        )
        for seq, text, attempts in sorted(rows)
    ]


def lift_opt_out(
    transaction: Transaction,
    conversation: bytes,
    at: int,
    *,
    source: ConsentSource,
    inbound: bytes,
    only_at_provider: bool,
) -> bool:
    """Lift a person's opt-out by a text of theirs; return whether there was one to lift."""
    row = (conversation, at, source.value, inbound, int(only_at_provider))
    return transaction.execute("opt_in", row).rowcount > 0


def record_opt_outs(
    transaction: Transaction, ours: str, people: Sequence[str]
) -> tuple[int, Sequence[Outbound]]:
    """Record opt-outs that the provider lists.

    Return the number of new opt-outs, and the queued texts that they cancelled.
    """
    recorded = []
    for person in people:
        numbers = (storable_text(ours), storable_text(person))
        conversation = conversation_id(*numbers)
        forgotten = find_forgotten(transaction, conversation)
        recorded.append(
            record_opt_out(
                transaction,
                forgotten or conversation,
                ("", "") if forgotten else numbers,
                transaction.now,
                source=ConsentSource.PROVIDER,
                at_provider=True,
            )
        )
    return sum(is_new for is_new, _ in recorded), [text for _, texts in recorded for text in texts]


def list_opt_outs(transaction: Transaction, ours: str, theirs: str) -> list[OptOut]:
    """Return a person's opt-outs from a number, oldest first."""
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    rows = transaction.execute("list_opt_outs", (conversation,)).fetchall()
    if not rows and (forgotten := find_forgotten(transaction, conversation)):
        rows = transaction.execute("list_opt_outs", (forgotten,)).fetchall()
    return [make_opt_out(row) for row in rows]
