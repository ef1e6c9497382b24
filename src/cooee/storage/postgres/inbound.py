"""Inbound texts: stored once, each with its number in its conversation."""

from __future__ import annotations

import os
from collections.abc import Sequence

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
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.postgres.turns import columns_of
from cooee.storage.records import NewInbound, ReceivedText


async def receive_texts(
    transaction: Transaction, inbounds: Sequence[NewInbound]
) -> list[ReceivedText]:
    """Store texts; a text that was stored before is not new."""
    rows = [_text_row(new) for new in inbounds]
    # storage rule 4: of two deliveries in one batch, the first is the new one.
    firsts = {(row[0], row[3]): nth for nth, row in reversed(list(enumerate(rows)))}
    columns = columns_of([rows[nth] for nth in sorted(firsts.values())], 11)
    stored = await transaction.fetch("receive_texts", *columns, transaction.now)
    new_ids = {id for id, _, _ in stored}
    return [
        ReceivedText(row[4], is_new=row[4] in new_ids and firsts[row[0], row[3]] == nth)
        for nth, row in enumerate(rows)
    ]


def _text_row(
    new: NewInbound,
) -> tuple[bytes, str, str, bytes, bytes, str, str, bytes, object, int, object]:
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
