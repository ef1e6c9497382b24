"""Outbound texts: enqueue, take, defer, and find due checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from cooee.core.messages import (
    Outbound,
    Priority,
    conversation_id,
    outbound_id,
    parse_outbound_id,
)
from cooee.storage.columns import (
    CHECK_AGES_MS,
    from_millis,
    from_millis_or_none,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.postgres.forgotten import recall_conversations
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.records import NewOutbound, ProactiveOutbound, SendAttempt


class _Text(NamedTuple):
    """A text to queue: its conversation, the two numbers, its key and the draft."""

    conversation: bytes
    ours: str
    theirs: str
    key: str | None
    draft: NewOutbound


async def enqueue_texts(transaction: Transaction, texts: Sequence[ProactiveOutbound]) -> list[str]:
    """Queue proactive texts; return the outbound id of each (by key, the earlier text's)."""
    named = [_name_text(place, text) for place, text in enumerate(texts)]
    seqs = await _find_keys(transaction, [text for _, text in named])
    fresh: dict[Hashable, _Text] = {}
    for name, text in named:
        if name not in seqs:
            fresh.setdefault(name, text)
    if fresh:
        seqs |= await _add_texts(transaction, fresh)
    return [outbound_id(text.conversation, seqs[name]) for name, text in named]


def _name_text(place: int, text: ProactiveOutbound) -> tuple[Hashable, _Text]:
    """Return a text with its identity in a call: its conversation and key, or its place."""
    ours, theirs, draft = storable_text(text.ours), storable_text(text.theirs), text.draft
    conversation = conversation_id(ours, theirs)
    key = None if draft.key is None else storable_text(draft.key)
    name: Hashable = place if key is None else (conversation, key)
    return name, _Text(conversation, ours, theirs, key, draft)


async def _find_keys(transaction: Transaction, texts: Sequence[_Text]) -> dict[Hashable, int]:
    """Return the numbers of the texts that are stored, by conversation and key."""
    keys = [(text.conversation, text.key) for text in texts if text.key is not None]
    if not keys:
        return {}
    rows = await transaction.fetch("find_outbound_key", *zip(*keys, strict=True))
    return {(conversation, key): seq for conversation, key, seq in rows}


async def _add_texts(transaction: Transaction, texts: dict[Hashable, _Text]) -> dict[Hashable, int]:
    """Store new texts; return the number of each."""
    seqs: dict[Hashable, int] = {}
    rows = []
    # storage rule 2: the conversations are locked here, by id; where another process has stored a
    # key meanwhile, the unique index refuses it, and the verb runs again.
    last_seqs = await _assign_seqs(transaction, list(texts.values()))
    for name, text in reversed(texts.items()):
        last_out, last_in = last_seqs[text.conversation]
        last_seqs[text.conversation] = (last_out - 1, last_in)
        seqs[name] = last_out
        rows.append(_draft_row(text, last_out, last_in, transaction.now))
    await transaction.execute("add_outbound", *zip(*rows, strict=True), transaction.now)
    return seqs


async def _assign_seqs(
    transaction: Transaction, texts: Sequence[_Text]
) -> dict[bytes, tuple[int, int]]:
    """Count new texts in their conversations; return the last numbers out and in of each."""
    counts = Counter(text.conversation for text in texts)
    numbers = {text.conversation: (text.ours, text.theirs) for text in texts}
    places = [(id, *numbers[id], count) for id, count in counts.items()]
    rows = await transaction.fetch(
        "assign_outbound_seq", *zip(*places, strict=True), transaction.now
    )
    last_seqs = {id: (last_out, last_in) for id, last_out, last_in in rows}
    first = {id: numbers[id] for id, (last_out, _) in last_seqs.items() if last_out == counts[id]}
    # storage rule 9: a first text may be to a forgotten person, who may have opted out.
    if first and (recalled := await recall_conversations(transaction, first)):
        last_seqs |= await _assign_seqs(
            transaction, [text for text in texts if text.conversation in recalled]
        )
    return last_seqs


def _draft_row(text: _Text, seq: int, last_in_seq: int, now: int) -> tuple[object, ...]:
    draft = text.draft
    return (
        text.conversation,
        seq,
        last_in_seq if draft.follows is None else draft.follows,
        text.ours,
        text.theirs,
        storable_text(draft.text),
        msgspec.json.encode(draft.media).decode() if draft.media else None,
        int(draft.priority),
        now if draft.due_at is None else to_millis(draft.due_at),
        to_millis_or_none(draft.good_until),
        text.key,
        draft.cancelled,
    )


async def take_texts(
    transaction: Transaction, ours: str, limit: int, *, bulk_share: int
) -> Sequence[SendAttempt]:
    """Record the next attempts; at least `bulk_share` of them are for due bulk texts."""
    # storage rule 6: an attempt is recorded before it is made, and by this worker.
    rows = await transaction.fetch(
        "next_texts", storable_text(ours), transaction.now, limit, transaction.worker, bulk_share
    )
    in_order = sorted(rows, key=lambda row: (*row[10:], *row[:2]))  # by priority and due time
    return [make_attempt(ours, row) for row in in_order]


async def take_replies(
    transaction: Transaction, ours: str, theirs: str, limit: int
) -> Sequence[SendAttempt]:
    """Record the next attempts of one conversation's due replies, in order."""
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    await transaction.fetch("lock_conversations", [conversation])
    taken = await take_replies_of(transaction, [(ours, conversation, limit)])
    return taken.get(conversation, [])


async def take_replies_of(
    transaction: Transaction, conversations: Sequence[tuple[str, bytes, int]]
) -> dict[bytes, list[SendAttempt]]:
    """Record the next attempts of the due replies of conversations, which are locked.

    `conversations` has our number, the conversation, and the most attempts of it.
    """
    our_numbers = {conversation: ours for ours, conversation, _ in conversations}
    limits = [limit for _, _, limit in conversations]
    # A sender may be taking one of them: which of them are next is known when it is done.
    await transaction.execute("expire_late", list(our_numbers), transaction.now)
    rows = await transaction.fetch(
        "next_replies", list(our_numbers), transaction.now, limits, transaction.worker
    )
    taken: dict[bytes, list[SendAttempt]] = {}
    for row in sorted(rows, key=lambda row: (row[0], row[1])):
        taken.setdefault(row[0], []).append(make_attempt(our_numbers[row[0]], row))
    return taken


def make_attempt(ours: str, row: Row) -> SendAttempt:
    """Return a row of `outbound` as the attempt that it counted last."""
    conversation, seq, theirs, text, media, good_until, queued_at, *rest = row
    provider_id, attempts, attempted_at, priority, *_ = rest
    outbound = Outbound(
        id=outbound_id(conversation, seq),
        sender=ours,
        recipient=theirs,
        text=text,
        attempt=attempts,
        at=from_millis_or_none(attempted_at),
        media=tuple(msgspec.json.decode(media)) if media else (),
        good_until=from_millis_or_none(good_until),
        provider_id=provider_id or "",
    )
    return SendAttempt(outbound, from_millis(queued_at), Priority(priority))


async def defer_texts(
    transaction: Transaction, deferred: Sequence[tuple[Outbound, datetime]]
) -> None:
    """Queue taken texts that were not attempted again, each for a later time."""
    keys = [(parse_outbound_id(outbound.id), outbound, until) for outbound, until in deferred]
    rows = [(*key, to_millis(until), outbound.attempt) for key, outbound, until in keys if key]
    if rows:
        await transaction.fetch("lock_conversations", sorted({row[0] for row in rows}))
        await transaction.execute("defer_text", *zip(*rows, strict=True))


async def due_lookups(transaction: Transaction, ours: str, limit: int) -> list[SendAttempt]:
    """Return texts of unknown end whose look-up is due."""
    return await _due_checks(transaction, "due_lookups", ours, limit)


async def due_status_checks(transaction: Transaction, ours: str, limit: int) -> list[SendAttempt]:
    """Return accepted texts whose status check is due."""
    return await _due_checks(transaction, "due_status_checks", ours, limit)


async def _due_checks(
    transaction: Transaction, statement_name: str, ours: str, limit: int
) -> list[SendAttempt]:
    rows = await transaction.fetch(
        statement_name, storable_text(ours), transaction.now, limit, CHECK_AGES_MS
    )
    return [make_attempt(ours, row) for row in sorted(rows, key=lambda row: int(row[11]))]


async def answered_texts(
    transaction: Transaction, outbound_ids: Sequence[str]
) -> Mapping[str, bytes]:
    """Return the id of the text that each reply answers."""
    text_keys = [key for key in map(parse_outbound_id, outbound_ids) if key is not None]
    if not text_keys:
        return {}
    rows = await transaction.fetch("answered_text", *zip(*text_keys, strict=True))
    return {outbound_id(conversation, seq): id for conversation, seq, id in rows}
