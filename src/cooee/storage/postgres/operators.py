"""Counts, conversations and histories for operators; forgetting a person."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import conversation_id
from cooee.storage.columns import storable_text
from cooee.storage.operator_rows import (
    MOST_OVERTAKEN,
    filter_parameters,
    last_texts,
    make_summary,
    make_text_in,
    make_text_out,
    parse_cursor,
)
from cooee.storage.postgres.forgotten import forget_conversations
from cooee.storage.postgres.media import queue_media_erasure
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.summaries import ConversationFilter, ConversationSummary, Counts, StoredText

_LAST_SEQ = 2**63 - 1


async def count_all(transaction: Transaction, up_to: int | None) -> Counts:
    """Count conversations, texts, opt-outs and dialogues of each kind, up to a limit."""
    counts = await transaction.fetch_row("count_all", up_to)
    assert counts is not None
    return Counts(*counts)


async def list_conversations(
    transaction: Transaction, matching: ConversationFilter, after: str, limit: int
) -> list[ConversationSummary]:
    """Return a page of conversations, the latest text first.

    Raises:
        SettingError: `after` is no cursor.
    """
    parameters = (*filter_parameters(matching), *parse_cursor(after), limit)
    await _allow_reading_all(transaction)
    return [make_summary(row) for row in await transaction.fetch("list_conversations", *parameters)]


async def count_conversations(transaction: Transaction, matching: ConversationFilter) -> int:
    """Return the number of conversations that a filter lets through."""
    await _allow_reading_all(transaction)
    found = await transaction.fetch_row("count_conversations", *filter_parameters(matching))
    assert found is not None
    return int(found[0])


async def _allow_reading_all(transaction: Transaction) -> None:
    # storage rule 27: a list reads each narrow row once, in the table's own order.
    await transaction.execute("allow_reading_all")


async def read_history(
    transaction: Transaction,
    ours: str,
    theirs: str,
    limit: int,
    up_to: int | None,
    *,
    unsent: bool,
) -> list[StoredText]:
    """Return the last texts of a conversation, in its order."""
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    limit, last_in = max(limit, 0), _LAST_SEQ if up_to is None else up_to
    texts_in = await transaction.fetch("history_in", conversation, last_in, limit)
    texts_out = await transaction.fetch("history_out", conversation, unsent, limit + MOST_OVERTAKEN)
    receipts: dict[int, list[Row]] = {row[0]: [] for row in texts_out}
    for seq, *receipt in await transaction.fetch("receipts_of", conversation, list(receipts)):
        receipts[seq].append(receipt)
    texts = [make_text_in(row) for row in texts_in]
    return last_texts([*texts, *(make_text_out(row, receipts[row[0]]) for row in texts_out)], limit)


async def forget_person(transaction: Transaction, theirs: str) -> bool:
    """Erase a person. False if the person is not known."""
    number = storable_text(theirs)
    # storage rule 2: the conversations are locked before what belongs to them is read.
    rows: Sequence[Row] = [
        *await transaction.fetch("conversations_of", number),
        *await transaction.fetch("opt_outs_alone_of", number),
    ]
    conversations = [conversation for (conversation,) in rows]
    if conversations:
        # storage rule 9: the paths are noted in the commit that erases the rows.
        await queue_media_erasure(transaction, await transaction.fetch("media_of", conversations))
        await forget_conversations(transaction, conversations)
    return bool(conversations)
