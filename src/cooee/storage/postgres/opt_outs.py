"""Opt-outs: recorded with their proof, and listed; each cancels the person's queued texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cooee.core.messages import Outbound, conversation_id, outbound_id
from cooee.storage.columns import storable_text
from cooee.storage.operator_rows import make_opt_out
from cooee.storage.postgres.forgotten import find_forgotten
from cooee.storage.postgres.locks import Numbers, lock_conversations
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.statuses import ConsentSource
from cooee.storage.summaries import OptOut


class NewOptOut(NamedTuple):
    """An opt-out to record; both numbers are "" for a forgotten person."""

    conversation: bytes
    since: int
    ours: str
    theirs: str
    source: ConsentSource
    inbound_id: bytes | None = None
    at_provider: bool = False


class RecordedOptOut(NamedTuple):
    """Whether an opt-out is new, and the queued texts that it cancelled."""

    is_new: bool
    cancelled: Sequence[Outbound]


async def record_new_opt_outs(
    transaction: Transaction, opt_outs: Sequence[NewOptOut]
) -> dict[bytes, RecordedOptOut]:
    """Record opt-outs, at most one a conversation; return each, by its conversation.

    The caller holds the locks of the conversations that have a row.
    """
    if not opt_outs:
        return {}
    # storage rule 21: beside the ledger, the conversation's own row says so, under its lock.
    rows = await transaction.fetch("opt_out", *zip(*opt_outs, strict=True))
    new = {conversation for (conversation,) in rows}
    conversations = [one.conversation for one in opt_outs]
    cancelled: dict[bytes, list[Outbound]] = {id: [] for id in conversations}
    texts = await transaction.fetch("cancel_queued", conversations)
    for id, seq, ours, theirs, text, attempts in sorted(texts, key=lambda row: tuple(row[:2])):
        cancelled[id].append(
            Outbound(
                id=outbound_id(id, seq), sender=ours, recipient=theirs, text=text, attempt=attempts
            )
        )
    return {id: RecordedOptOut(id in new, texts) for id, texts in cancelled.items()}


async def lift_opt_out(
    transaction: Transaction,
    conversation: bytes,
    at: int,
    *,
    source: ConsentSource,
    inbound: bytes,
    only_at_provider: bool,
) -> bool:
    """Lift a person's opt-out by a text of theirs; return whether there was one to lift."""
    row = (conversation, at, source.value, inbound, only_at_provider)
    return await transaction.fetch_row("opt_in", *row) is not None


async def lock_people(
    transaction: Transaction, conversations: Sequence[bytes]
) -> tuple[dict[bytes, Numbers], dict[bytes, bytes]]:
    """Lock the rows of conversations, those of forgotten people under their keyed ids too.

    Return the numbers of those who are known, and the keyed ids of those who are forgotten.
    """
    known = await lock_conversations(transaction, conversations)
    strangers = [id for id in conversations if id not in known]
    forgotten = await find_forgotten(transaction, strangers) if strangers else {}
    if not forgotten:
        return known, {}
    rows = await lock_conversations(transaction, forgotten.values())
    # storage rule 9: who came back while their row was waited for is known again.
    known |= await lock_conversations(
        transaction, [id for id, keyed in forgotten.items() if keyed not in rows]
    )
    return known, {id: keyed for id, keyed in forgotten.items() if keyed in rows}


async def record_opt_outs(
    transaction: Transaction, ours: str, people: Sequence[str]
) -> tuple[int, Sequence[Outbound]]:
    """Record opt-outs that the provider lists.

    Return the number of new opt-outs, and the queued texts that they cancelled.
    """
    pairs = [(storable_text(ours), storable_text(person)) for person in people]
    numbers = {conversation_id(*pair): pair for pair in pairs}
    _, forgotten = await lock_people(transaction, list(numbers))
    opt_outs = [
        NewOptOut(
            forgotten.get(id, id),
            transaction.now,
            *(("", "") if id in forgotten else pair),
            source=ConsentSource.PROVIDER,
            at_provider=True,
        )
        for id, pair in numbers.items()
    ]
    recorded = (await record_new_opt_outs(transaction, opt_outs)).values()
    return sum(one.is_new for one in recorded), [text for one in recorded for text in one.cancelled]


async def list_opt_outs(transaction: Transaction, ours: str, theirs: str) -> list[OptOut]:
    """Return a person's opt-outs from a number, oldest first."""
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    rows = await transaction.fetch("list_opt_outs", conversation)
    if not rows and (forgotten := await find_forgotten(transaction, [conversation])):
        rows = await transaction.fetch("list_opt_outs", forgotten[conversation])
    return [make_opt_out(row) for row in rows]
