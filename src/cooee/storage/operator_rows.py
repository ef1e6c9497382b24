"""Rows for operators, the same in every database: conversations, and the texts of a history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cooee.core.errors import SettingError
from cooee.core.messages import Media, Status
from cooee.storage.columns import (
    from_millis,
    from_millis_or_none,
    readable_media,
    storable_text,
    to_millis,
)
from cooee.storage.statuses import ConsentSource, InboundStatus
from cooee.storage.summaries import ConversationFilter, ConversationSummary, OptOut, StoredText

MOST_OVERTAKEN = 20
"""Texts that we start while replies to earlier texts are being written."""

_STATUS_NAMES = {InboundStatus.SET_ASIDE: "set aside", InboundStatus.OPT_OUT: "opt-out"}


def filter_parameters(matching: ConversationFilter) -> tuple[object, ...]:
    """Return a filter as the first six parameters of `list_conversations`."""
    return (
        storable_text(matching.ours),
        storable_text(matching.theirs),
        0 if matching.since is None else to_millis(matching.since),
        matching.pending,
        matching.opted_out,
        matching.troubled,
    )


def make_opt_out(row: Sequence[Any]) -> OptOut:
    """Return a row of `list_opt_outs` as an opt-out."""
    since, source, text, lifted_at, lifted_source, lifted_text = row
    return OptOut(
        since=from_millis(since),
        source=ConsentSource(source),
        text=text,
        lifted_at=from_millis_or_none(lifted_at),
        lifted_source=ConsentSource(lifted_source) if lifted_source else None,
        lifted_text=lifted_text,
    )


def parse_cursor(cursor: str) -> tuple[int | None, bytes | None]:
    """Return the place in a list that a cursor names; of "" it is None, the beginning.

    Raises:
        SettingError: the words are no cursor.
    """
    if not cursor:
        return None, None
    last_text_at, _, id = cursor.partition("-")
    try:
        return int(last_text_at), bytes.fromhex(id)
    except ValueError:
        raise SettingError(
            f"{cursor!r} is no place in the list. Take it from the last line of the page before."
        ) from None


def make_summary(row: Sequence[Any]) -> ConversationSummary:
    """Return a conversation as one line of a list."""
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


def make_text_in(row: Sequence[Any]) -> StoredText:
    """Return a person's text as its row says."""
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
        media=readable_media(media),
    )


def make_text_out(row: Sequence[Any], receipts: Iterable[Any]) -> StoredText:
    """Return a text of ours as its row and its receipts say."""
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


def last_texts(texts: Iterable[StoredText], limit: int) -> list[StoredText]:
    """Return the last texts in the order of the person's, each with what we wrote after it."""
    # delivery rule 23: never by a time, since a reply may be written after the person's next text
    ordered = sorted(texts, key=lambda one: (one.follows, one.direction == "out", one.seq))
    return ordered[max(len(ordered) - limit, 0) :]
