"""Inbound texts: stored once, each with its number in its conversation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec.structs import replace

from cooee.core.messages import conversation_id
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
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.records import NewInbound, ReceivedText


class ToReceive(NamedTuple):
    """A text to store: of which call of the verb, and how many claims that call may have."""

    new: NewInbound
    call: int
    claim_limit: int


async def receive_texts(transaction: Transaction, texts: Sequence[ToReceive]) -> list[ReceivedText]:
    """Store texts, and lease the conversations of new texts; a text stored before is not new."""
    rows = [_text_row(text.new) for text in texts]
    # storage rule 4: of two deliveries in one batch, the first is the new one.
    firsts = {(row[0], row[3]): nth for nth, row in reversed(list(enumerate(rows)))}
    columns = columns_of([rows[nth] for nth in sorted(firsts.values())], 11)
    stored = await transaction.fetch("receive_texts", *columns, transaction.now)
    new_ids = {id for id, _, _ in stored}
    received = [
        ReceivedText(row[4], is_new=row[4] in new_ids and firsts[row[0], row[3]] == nth)
        for nth, row in enumerate(rows)
    ]
    # storage rule 19: in one transaction, so that a text costs a commit less.
    last_texts = {row[0]: nth for nth, row in enumerate(rows) if received[nth].is_new}
    wanted = [
        (conversation, texts[nth].call, texts[nth].claim_limit)
        for conversation, nth in sorted(last_texts.items(), key=itemgetter(1))
        if texts[nth].claim_limit > 0
    ]
    for claim in await claim_received(transaction, wanted) if wanted else ():
        nth = last_texts[claim.conversation]
        received[nth] = replace(received[nth], claim=claim)
    return received


async def release_received(transaction: Transaction, received: Sequence[ReceivedText]) -> None:
    """End the leases that came with texts, without a turn."""
    claims = [text.claim for text in received if text.claim is not None]
    if claims:
        await release_claims(transaction, claims)


def _text_row(new: NewInbound) -> tuple[Any, ...]:
    """Return a text as the row that `receive_texts` takes."""
    inbound = new.inbound
    ours, theirs = storable_text(inbound.recipient), storable_text(inbound.sender)
    text, conversation = storable_text(inbound.text), conversation_id(ours, theirs)
    # A text without a key has one of chance: every text has a row among the keys.
    key = key_hash(inbound.key) if inbound.key else os.urandom(16)
    return (
        conversation,
        ours,
        theirs,
        key,
        inbound_id(conversation, key),
        storable_text(inbound.provider_id),
        text,
        # storage rule 8: the raw bytes are kept where a character had to be replaced.
        inbound.raw or (raw_bytes(inbound.text) if text != inbound.text else b""),
        to_millis_or_none(inbound.sent_at),
        to_millis(inbound.received_at),
        encode_media(inbound.media),
    )
