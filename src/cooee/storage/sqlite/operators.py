"""Counts, conversations and histories for operators; forgetting a person."""

from __future__ import annotations

from cooee.core.messages import conversation_id
from cooee.storage.columns import NO_LIMIT, storable_text
from cooee.storage.operator_rows import (
    MOST_OVERTAKEN,
    filter_parameters,
    last_texts,
    make_summary,
    make_text_in,
    make_text_out,
    parse_cursor,
)
from cooee.storage.sqlite.forgotten import forget_conversation, secure_deletion
from cooee.storage.sqlite.media import queue_media_erasure
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.summaries import ConversationFilter, ConversationSummary, Counts, StoredText

_LAST_SEQ = 2**63 - 1


def count_all(transaction: Transaction, up_to: int | None) -> Counts:
    """Count conversations, texts, opt-outs and dialogues of each kind, up to a limit."""
    limit = NO_LIMIT if up_to is None else up_to
    return Counts(*transaction.execute("count_all", (limit,)).fetchone())


def list_conversations(
    transaction: Transaction, matching: ConversationFilter, after: str, limit: int
) -> list[ConversationSummary]:
    """Return a page of conversations, the latest text first.

    Raises:
        SettingError: `after` is no cursor.
    """
    parameters = (*filter_parameters(matching), *parse_cursor(after), limit)
    return [make_summary(row) for row in transaction.execute("list_conversations", parameters)]


def count_conversations(transaction: Transaction, matching: ConversationFilter) -> int:
    """Return the number of conversations that a filter lets through."""
    parameters = filter_parameters(matching)
    (count,) = transaction.execute("count_conversations", parameters).fetchone()
    return int(count)


def read_history(
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
    last_in = _LAST_SEQ if up_to is None else up_to
    limit = max(limit, 0)
    texts = [
        make_text_in(row)
        for row in transaction.execute("history_in", (conversation, last_in, limit)).fetchall()
    ]
    texts += [
        make_text_out(row, transaction.execute("receipts_of", (conversation, row[0])))
        for row in transaction.execute(
            "history_out", (conversation, unsent, limit + MOST_OVERTAKEN)
        ).fetchall()
    ]
    return last_texts(texts, limit)


def forget_person(transaction: Transaction, theirs: str) -> bool:
    """Erase a person; freed pages are overwritten. False if the person is not known."""
    numbers = (storable_text(theirs),)
    conversations = [
        *transaction.execute("conversations_of", numbers).fetchall(),
        *transaction.execute("opt_outs_alone_of", numbers).fetchall(),
    ]
    with secure_deletion(transaction):
        for (conversation,) in conversations:
            # storage rule 9: the paths are noted in the commit that erases the rows.
            queue_media_erasure(transaction, conversation)
            forget_conversation(transaction, conversation)
    return bool(conversations)
