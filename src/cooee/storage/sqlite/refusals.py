"""Refused texts: each begins its refusal, and is sent again as an operator asks."""

from __future__ import annotations

import msgspec

from cooee.core.dialogue.refusals import (
    REFUSAL_DIALOGUE,
    copy_key,
    encode_refusal,
    is_apology,
    is_copy,
)
from cooee.core.messages import Priority, Refusal, outbound_id
from cooee.storage.columns import from_millis, from_millis_or_none, storable_text
from cooee.storage.records import DialogueStart, NewOutbound, ProactiveOutbound
from cooee.storage.sqlite.dialogues import start_dialogues
from cooee.storage.sqlite.transaction import Transaction


def begin_refusal(
    transaction: Transaction, text_key: tuple[bytes, int], code: str, reason: str
) -> None:
    """Note a text that has just failed as refused, and begin its refusal (delivery rule 27)."""
    found = transaction.execute("failed_text", text_key).fetchone()
    if found is None:
        return
    ours, theirs, text, media, priority, key = found
    if is_apology(key):
        return
    transaction.execute("mark_refused", text_key)
    refusal = Refusal(
        id=outbound_id(*text_key),
        text=text,
        media=_decode_media(media),
        code=code,
        reason=reason,
        is_awaited=priority == Priority.REPLY and not is_copy(key),
    )
    id, head = encode_refusal(refusal, from_millis(transaction.now))
    start = DialogueStart(ours=ours, theirs=theirs, id=id, handler=REFUSAL_DIALOGUE, head=head)
    start_dialogues(transaction, [start])


def copies_of_refused(transaction: Transaction, theirs: str | None) -> list[ProactiveOutbound]:
    """Return a copy of each refused text, to be queued now; none is refused any more."""
    stored_theirs = None if theirs is None else storable_text(theirs)
    rows = transaction.execute("refused_texts", (stored_theirs,)).fetchall()
    transaction.execute_many("settle_refused", [row[:2] for row in rows])
    return [
        ProactiveOutbound(
            ours,
            person,
            NewOutbound(
                text=text,
                media=_decode_media(media),
                priority=Priority(priority),
                key=copy_key(outbound_id(conversation, seq)),
                good_until=from_millis_or_none(good_until),
            ),
        )
        for conversation, seq, ours, person, text, media, priority, good_until in rows
    ]


def _decode_media(media: str | None) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(media)) if media else ()
