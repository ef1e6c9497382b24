"""Counts, conversations and histories for operators; forgetting a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cooee.core.errors import SettingError
from cooee.core.messages import Media, Status, conversation_id
from cooee.storage.columns import (
    NO_LIMIT,
    decode_media,
    from_millis,
    from_millis_or_none,
    storable_text,
    to_millis,
)
from cooee.storage.sqlite.forgotten import forget_conversation, secure_deletion
from cooee.storage.sqlite.media import queue_media_erasure
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.statuses import InboundStatus
from cooee.storage.summaries import ConversationFilter, ConversationSummary, Counts, StoredText

_LAST_SEQ = 2**63 - 1
_MOST_OVERTAKEN = 20  # texts that we start while replies to earlier texts are being written
_STATUS_NAMES = {InboundStatus.SET_ASIDE: "set aside", InboundStatus.OPT_OUT: "opt-out"}


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
    last_text_at, last_id = _parse_cursor(after) if after else (None, None)
    parameters = (*_filter_parameters(matching), last_text_at, last_id, limit)
    return [_make_summary(row) for row in transaction.execute("list_conversations", parameters)]


def count_conversations(transaction: Transaction, matching: ConversationFilter) -> int:
    """Return the number of conversations that a filter lets through."""
    parameters = _filter_parameters(matching)
    (count,) = transaction.execute("count_conversations", parameters).fetchone()
    return int(count)


def _filter_parameters(matching: ConversationFilter) -> tuple[object, ...]:
    return (
        storable_text(matching.ours),
        storable_text(matching.theirs),
        0 if matching.since is None else to_millis(matching.since),
        matching.pending,
        matching.opted_out,
        matching.troubled,
    )


def _parse_cursor(cursor: str) -> tuple[int, bytes]:
    last_text_at, _, id = cursor.partition("-")
    try:
        return int(last_text_at), bytes.fromhex(id)
    except ValueError:
        raise SettingError(
            f"{cursor!r} is no place in the list. Take it from the last line of the page before."
        ) from None


def _make_summary(row: Sequence[Any]) -> ConversationSummary:
    id, ours, theirs, texts_in, texts_out, last_text_at, *counts, opted_out = row
    pending, set_aside, unknown, refused = counts
    return ConversationSummary(
        ours,
        theirs,
        texts_in,
        texts_out,
        from_millis_or_none(last_text_at),
        pending,
        set_aside,
        unknown,
        refused,
        bool(opted_out),
        f"{last_text_at or 0}-{id.hex()}",
    )


def read_history(
    transaction: Transaction,
    ours: str,
    theirs: str,
    limit: int,
    up_to: int | None,
    *,
    unsent: bool,
) -> list[StoredText]:
    """Return the last texts of a conversation, in its order.

    The order is that of the person's texts, each with what we wrote after it.
    """
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    last_in = _LAST_SEQ if up_to is None else up_to
    limit = max(limit, 0)
    texts = [
        _make_inbound(row)
        for row in transaction.execute("history_in", (conversation, last_in, limit)).fetchall()
    ]
    texts += [
        _make_outbound(row, transaction.execute("receipts_of", (conversation, row[0])))
        for row in transaction.execute(
            "history_out", (conversation, unsent, limit + _MOST_OVERTAKEN)
        ).fetchall()
    ]
    # delivery rule 23: never by a time, since a reply may be written after the person's next text
    texts.sort(key=lambda one: (one.follows, one.direction == "out", one.seq))
    return texts[max(len(texts) - limit, 0) :]


def _make_inbound(row: Sequence[Any]) -> StoredText:
    seq, at, text, status, error, media, handled_seq, attempts = row
    return StoredText(
        direction="in",
        seq=seq,
        follows=seq,
        text=text,
        at=from_millis(at),
        status=_STATUS_NAMES.get(status) or ("handled" if seq <= handled_seq else "pending"),
        error=error,
        attempts=attempts if seq == handled_seq + 1 else 0,
        media=_readable_media(media),
    )


def _readable_media(column: bytes | None) -> tuple[Media, ...]:
    """Return the media of a text; none where the row is damaged, for the text can be read."""
    try:
        return decode_media(column) if column else ()
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        return ()


def _make_outbound(row: Sequence[Any], receipts: Iterable[Any]) -> StoredText:
    seq, at, follows, text, status, error, media, attempts, provider_id = row
    return StoredText(
        direction="out",
        seq=seq,
        follows=follows,
        text=text,
        at=from_millis(at),
        status=Status(status).name.lower(),
        error=error,
        attempts=attempts,
        provider_id=provider_id,
        notes=tuple(f"{word} ({code})" if code else word for word, code in receipts),
        media=tuple(Media(url=url) for url in msgspec.json.decode(media or "[]")),
    )


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
