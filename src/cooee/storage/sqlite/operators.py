"""Counts, conversations and histories for operators; forgetting a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cooee.core.messages import Status, conversation_id
from cooee.storage.sqlite.columns import from_millis, from_millis_or_none, storable_text
from cooee.storage.sqlite.media import queue_media_erasure
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.statuses import InboundStatus
from cooee.storage.summaries import ConversationSummary, Counts, StoredText

_STATUS_NAMES = {InboundStatus.SET_ASIDE: "set aside", InboundStatus.OPT_OUT: "opt-out"}
_FORGET_STATEMENTS = (
    "forget_state",
    "forget_dialogues",
    "forget_journal_entries",
    "forget_inbound",
    "forget_outbound",
    "forget_receipts",
    "forget_opt_outs",
    "forget_conversation",
)


def count_all(transaction: Transaction) -> Counts:
    """Count conversations, texts, opt-outs and dialogues of each kind."""
    return Counts(*transaction.execute("count_all").fetchone())


def list_conversations(
    transaction: Transaction, limit: int, *, troubled_only: bool
) -> list[ConversationSummary]:
    """Return the conversations with the latest texts; or only the troubled conversations."""
    rows = transaction.execute(
        "list_troubled_conversations" if troubled_only else "list_conversations", (limit,)
    )
    return [_make_summary(row) for row in rows]


def _make_summary(row: Sequence[Any]) -> ConversationSummary:
    ours, theirs, texts_in, texts_out, last_text_at, pending, set_aside, unknown, opted_out = row
    last_text_time = from_millis_or_none(last_text_at)
    return ConversationSummary(
        ours,
        theirs,
        texts_in,
        texts_out,
        last_text_time,
        pending,
        set_aside,
        unknown,
        bool(opted_out),
    )


def read_history(transaction: Transaction, ours: str, theirs: str, limit: int) -> list[StoredText]:
    """Return the last texts of a conversation, oldest first.

    Of two texts of one time, a reply comes after the text that it answers.
    """
    parameters = (conversation_id(storable_text(ours), storable_text(theirs)), max(limit, 0))
    texts_in = transaction.execute("history_in", parameters).fetchall()
    texts_out = transaction.execute("history_out", parameters).fetchall()
    keyed_texts = [((at, seq, 0), _make_inbound(row)) for row in texts_in for seq, at in [row[:2]]]
    keyed_texts += [
        (
            (at, turn, seq),
            _make_outbound(row, transaction.execute("receipts_of", (parameters[0], seq))),
        )
        for row in texts_out
        for seq, at, turn in [row[:3]]
    ]
    keyed_texts.sort(key=lambda one: one[0])
    return [entry for _, entry in keyed_texts[max(len(keyed_texts) - parameters[1], 0) :]]


def _make_inbound(row: Sequence[Any]) -> StoredText:
    seq, at, text, status, error, handled_seq, attempts = row
    return StoredText(
        direction="in",
        seq=seq,
        text=text,
        at=from_millis(at),
        status=_STATUS_NAMES.get(status) or ("handled" if seq <= handled_seq else "pending"),
        error=error,
        attempts=attempts if seq == handled_seq + 1 else 0,
    )


def _make_outbound(row: Sequence[Any], receipts: Iterable[Any]) -> StoredText:
    seq, at, _, text, status, error, attempts, provider_id = row
    return StoredText(
        direction="out",
        seq=seq,
        text=text,
        at=from_millis(at),
        status=Status(status).name.lower(),
        error=error,
        attempts=attempts,
        provider_id=provider_id,
        notes=tuple(f"{word} ({code})" if code else word for word, code in receipts),
    )


def forget_person(transaction: Transaction, theirs: str) -> bool:
    """Erase a person; freed pages are overwritten. False if the person is not known."""
    conversations = transaction.execute("conversations_of", (storable_text(theirs),)).fetchall()
    transaction.connection.execute("pragma secure_delete = on")
    try:
        for conversation in conversations:
            # storage rule 9: the paths are noted in the commit that erases the rows.
            queue_media_erasure(transaction, conversation[0])
            for name in _FORGET_STATEMENTS:
                transaction.execute(name, conversation)
    finally:
        transaction.connection.execute("pragma secure_delete = off")
    return bool(conversations)
