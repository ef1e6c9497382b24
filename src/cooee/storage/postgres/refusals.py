"""Refused texts: each begins its refusal, and is sent again as an operator asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from cooee.core.dialogue.refusals import (
    REFUSAL_DIALOGUE,
    copy_key,
    encode_refusal,
    is_apology,
    is_copy,
)
from cooee.core.messages import Priority, Refusal, outbound_id, parse_outbound_id
from cooee.storage.columns import from_millis, from_millis_or_none, storable_text
from cooee.storage.postgres.dialogues import start_dialogues
from cooee.storage.postgres.locks import lock_conversations
from cooee.storage.postgres.outbox import enqueue_texts
from cooee.storage.postgres.pages import PageDone
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.records import DialogueStart, NewOutbound, ProactiveOutbound


class NewRefusal(NamedTuple):
    """A text that has just failed, and the provider's words."""

    text_key: tuple[bytes, int]
    code: str
    reason: str


async def begin_refusals(transaction: Transaction, refusals: Sequence[NewRefusal]) -> None:
    """Note texts that have just failed as refused, and begin their refusals (delivery rule 27).

    The caller holds the locks of their conversations.
    """
    if not refusals:
        return
    rows = await transaction.fetch(
        "failed_text", *zip(*[one.text_key for one in refusals], strict=True)
    )
    failed = {(row[0], row[1]): row[2:] for row in rows}
    told = [
        one
        for one in refusals
        if one.text_key in failed and not is_apology(failed[one.text_key][-1])
    ]
    if not told:
        return
    await transaction.execute("mark_refused", *zip(*[one.text_key for one in told], strict=True))
    starts = [_make_start(one, failed[one.text_key], transaction.now) for one in told]
    await start_dialogues(transaction, starts)


def _make_start(refusal: NewRefusal, row: Row, now: int) -> DialogueStart:
    ours, theirs, text, media, priority, key = row
    told = Refusal(
        id=outbound_id(*refusal.text_key),
        text=text,
        media=_decode_media(media),
        code=refusal.code,
        reason=refusal.reason,
        is_awaited=priority == Priority.REPLY and not is_copy(key),
    )
    id, head = encode_refusal(told, from_millis(now))
    return DialogueStart(ours=ours, theirs=theirs, id=id, handler=REFUSAL_DIALOGUE, head=head)


async def resend_refused(
    transaction: Transaction, theirs: str | None, after: bytes, limit: int
) -> PageDone | None:
    """Queue copies of the refused texts of a page of conversations; None where there are no more.

    A copy to a person who has opted out is cancelled, and does not count.
    """
    stored_theirs = None if theirs is None else storable_text(theirs)
    found = await transaction.fetch("refused_texts", stored_theirs, after, limit)
    if not found:
        return None
    await lock_conversations(transaction, {conversation for conversation, _ in found})
    # Of several operators who ask at once, each copies the texts that are still refused.
    rows = await transaction.fetch("settle_refused", *zip(*found, strict=True))
    in_order = sorted(rows, key=lambda row: tuple(row[:2]))
    ids = await enqueue_texts(transaction, [_make_copy(row) for row in in_order])
    copies = [key for key in map(parse_outbound_id, ids) if key is not None]
    queued = await transaction.fetch("is_queued", *zip(*copies, strict=True)) if copies else ()
    return PageDone(max(row[0] for row in found), sum(is_queued for (is_queued,) in queued))


def _make_copy(row: Row) -> ProactiveOutbound:
    conversation, seq, ours, theirs, text, media, priority, good_until = row
    draft = NewOutbound(
        text=text,
        media=_decode_media(media),
        priority=Priority(priority),
        key=copy_key(outbound_id(conversation, seq)),
        good_until=from_millis_or_none(good_until),
    )
    return ProactiveOutbound(ours, theirs, draft)


def _decode_media(media: str | None) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(media)) if media else ()
