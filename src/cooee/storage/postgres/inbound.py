"""Inbound texts: stored once, each with its number in its conversation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from cooee.core.messages import Outbound, conversation_id
from cooee.storage.columns import (
    encode_media,
    inbound_id,
    key_hash,
    raw_bytes,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.postgres.arrays import columns_of
from cooee.storage.postgres.claims import claim_received, release_claims
from cooee.storage.postgres.forgotten import (
    find_forgotten,
    find_forgotten_texts,
    recall_conversations,
)
from cooee.storage.postgres.opt_outs import NewOptOut, lift_opt_out, record_new_opt_outs
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.records import NewInbound, ReceivedText
from cooee.storage.statuses import SenderConsent


class ToReceive(NamedTuple):
    """A text to store: of which call of the verb, and how many claims that call may have."""

    new: NewInbound
    call: int
    claim_limit: int


class _Text(NamedTuple):
    """A text as the row that `receive_texts` takes, and its effect on consent."""

    conversation: bytes
    ours: str
    theirs: str
    key: bytes
    id: bytes
    row: tuple[Any, ...]
    new: NewInbound


async def receive_texts(transaction: Transaction, texts: Sequence[ToReceive]) -> list[ReceivedText]:
    """Store texts, and lease the conversations of new texts; a text stored before is not new."""
    named = [_name_text(text.new) for text in texts]
    # storage rule 4: of two deliveries in one batch, the first is the new one.
    firsts = {text.id: nth for nth, text in reversed(list(enumerate(named)))}
    stored = await _store_texts(transaction, [named[nth] for nth in sorted(firsts.values())])
    received = [
        stored[text.id]
        if text.id in stored and firsts[text.id] == nth
        else ReceivedText(text.id, False)
        for nth, text in enumerate(named)
    ]
    # storage rule 19: in one transaction, so that a text costs a commit less.
    # The conversations are in the order of their first new texts; a claim comes with the last one.
    last_texts = {text.conversation: nth for nth, text in enumerate(named) if received[nth].is_new}
    wanted = [
        (conversation, texts[nth].call, texts[nth].claim_limit)
        for conversation, nth in last_texts.items()
        if texts[nth].claim_limit > 0
    ]
    for claim in await claim_received(transaction, wanted) if wanted else ():
        nth = last_texts[claim.conversation]
        received[nth] = replace(received[nth], claim=claim)
    return received


def is_news(_: ToReceive, received: ReceivedText) -> bool:
    """Tell whether a text is work for another process: new, and not claimed by this one."""
    return received.is_new and received.claim is None


async def release_received(transaction: Transaction, received: Sequence[ReceivedText]) -> None:
    """End the leases that came with texts, without a turn."""
    claims = [text.claim for text in received if text.claim is not None]
    if claims:
        await release_claims(transaction, claims)


def _name_text(new: NewInbound) -> _Text:
    inbound = new.inbound
    ours, theirs = storable_text(inbound.recipient), storable_text(inbound.sender)
    text, conversation = storable_text(inbound.text), conversation_id(ours, theirs)
    # A text without a key has one of chance: every text has a row among the keys.
    key = key_hash(inbound.key) if inbound.key else os.urandom(16)
    id = inbound_id(conversation, key)
    row = (
        conversation,
        ours,
        theirs,
        key,
        id,
        storable_text(inbound.provider_id),
        text,
        # storage rule 8: the raw bytes are kept where a character had to be replaced.
        inbound.raw or (raw_bytes(inbound.text) if text != inbound.text else b""),
        to_millis_or_none(inbound.sent_at),
        to_millis(inbound.received_at),
        encode_media(inbound.media),
    )
    return _Text(conversation, ours, theirs, key, id, row, new)


async def _store_texts(
    transaction: Transaction, texts: Sequence[_Text]
) -> dict[bytes, ReceivedText]:
    """Store texts with different ids; return the result of each that is new, by its id."""
    if any(text.new.consent for text in texts):
        return await _store_one_by_one(transaction, texts)
    stored = await _add_texts(transaction, texts)
    first_of = [conversation for _, conversation, seq in stored if seq == 1]
    # storage rule 9: a first text may be of a forgotten person, whose rows are under a keyed id.
    forgotten = await find_forgotten(transaction, first_of)
    results = {id: ReceivedText(id, True) for id, one, _ in stored if one not in forgotten}
    if forgotten:
        await transaction.execute("undo_first_texts", list(forgotten))
        again = [text for text in texts if text.conversation in forgotten]
        results |= await _store_one_by_one(transaction, again)
    return results


async def _add_texts(
    transaction: Transaction,
    texts: Sequence[_Text],
    *,
    are_new: bool = False,
    is_opt_out: bool = False,
    consent: SenderConsent = SenderConsent.IN,
) -> Sequence[tuple[bytes, bytes, int]]:
    """Store texts; return the id, conversation and number of each that is new.

    Args:
        transaction: the transaction.
        texts: the texts.
        are_new: whether their keys are stored, and their conversations locked.
        is_opt_out: whether they opt out, so that no handler sees them.
        consent: of their senders, by the texts themselves.
    """
    columns = columns_of([text.row for text in texts], 11)
    effects = (are_new, is_opt_out, int(consent))
    rows = await transaction.fetch("receive_texts", *columns, transaction.now, *effects)
    return [(id, conversation, seq) for id, conversation, seq in rows]


async def _store_one_by_one(
    transaction: Transaction, texts: Sequence[_Text]
) -> dict[bytes, ReceivedText]:
    """Store texts of which some change consent, in their order; return those that are new."""
    keys = [(text.conversation, text.key, text.row[9]) for text in texts]
    added = await transaction.fetch("add_dedupe_key", *columns_of(keys, 3))
    new_keys = {(conversation, key) for conversation, key in added}
    fresh = [text for text in texts if (text.conversation, text.key) in new_keys]
    results = {}
    for text in await _lock_and_recall(transaction, fresh):
        results[text.id] = await _store_one(transaction, text)
    return results


async def _lock_and_recall(transaction: Transaction, texts: Sequence[_Text]) -> Sequence[_Text]:
    """Lock the texts' conversations, with what stayed of forgotten ones; return what is new."""
    numbers = {text.conversation: (text.ours, text.theirs) for text in texts}
    rows = [(id, *pair) for id, pair in numbers.items()]
    # storage rule 2: all are locked at once, in the order of their ids.
    locked = await transaction.fetch("add_or_lock_conversations", *columns_of(rows, 3))
    first_of = [id for id, last_in_seq in locked if last_in_seq == 0]
    forgotten = await find_forgotten(transaction, first_of)
    if not forgotten:
        return texts
    sought = [(text.conversation, text.key) for text in texts if text.conversation in forgotten]
    known = await find_forgotten_texts(transaction, forgotten, sought)
    new_texts = [text for text in texts if (text.conversation, text.key) not in known]
    back = {text.conversation for text in new_texts}
    # A person whose old texts are delivered again stays forgotten.
    await transaction.execute("remove_dedupe_key", *columns_of(list(known), 2))
    await transaction.execute("undo_first_texts", [id for id in forgotten if id not in back])
    await recall_conversations(transaction, {id: numbers[id] for id in forgotten if id in back})
    return new_texts


async def _store_one(transaction: Transaction, text: _Text) -> ReceivedText:
    """Store a text whose conversation is locked, with its effect on consent."""
    if await _is_opt_out(transaction, text):
        await _add_texts(transaction, [text], are_new=True, is_opt_out=True)
        cancelled = await _record_opt_out(transaction, text)
        return ReceivedText(text.id, True, opted_out=True, cancelled=cancelled)
    is_back = text.new.consent == "in" and await lift_opt_out(
        transaction,
        text.conversation,
        to_millis(text.new.inbound.received_at),
        source=text.new.consent_source,
        inbound=text.id,
        only_at_provider=text.new.at_provider,
    )
    consent = SenderConsent.BACK_IN if is_back else SenderConsent.IN
    await _add_texts(transaction, [text], are_new=True, consent=consent)
    return ReceivedText(text.id, True, opted_in=is_back)


async def _is_opt_out(transaction: Transaction, text: _Text) -> bool:
    """Tell whether a text opts out: neither a wish nor an offered word does to a question."""
    new = text.new
    if new.consent not in {"out", "wish"} or (new.consent == "out" and not new.unless_offered):
        return new.consent == "out"
    question = await transaction.fetch_row("open_question", text.conversation)
    if question is None or not question[0]:
        return True
    return new.consent == "out" and new.unless_offered not in question[1].split("\n")


async def _record_opt_out(transaction: Transaction, text: _Text) -> Sequence[Outbound]:
    """Record the opt-out of a text; return the texts that it cancelled."""
    opt_out = NewOptOut(
        text.conversation,
        to_millis(text.new.inbound.received_at),
        text.ours,
        text.theirs,
        source=text.new.consent_source,
        inbound_id=text.id,
        at_provider=text.new.at_provider,
    )
    # law 10: in the transaction of its text, so that no queued text slips out in between.
    recorded = await record_new_opt_outs(transaction, [opt_out])
    return recorded[text.conversation].cancelled
