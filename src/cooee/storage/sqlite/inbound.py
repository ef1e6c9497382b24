"""Inbound texts: stored once, each with its number in its conversation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

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
from cooee.storage.records import NewInbound, ReceivedText
from cooee.storage.sqlite.forgotten import (
    find_forgotten,
    has_forgotten_text,
    recall_conversation,
)
from cooee.storage.sqlite.opt_outs import lift_opt_out, record_opt_out
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.turns import ClaimRow, claim_received, release_claims
from cooee.storage.statuses import InboundStatus, SenderConsent


def receive_texts(
    transaction: Transaction, inbounds: Sequence[NewInbound], claim_limit: int = 0
) -> list[ReceivedText]:
    """Store texts, and lease the conversations of new texts, at most `claim_limit`."""
    claim_rows: dict[bytes, ClaimRow | None] = {}
    last_texts: dict[bytes, int] = {}
    received = []
    for index, new in enumerate(inbounds):
        conversation, text, claim_row = _receive_text(transaction, new)
        received.append(text)
        if text.is_new:  # with another new text, the claim is to have both
            claim_rows[conversation] = None if conversation in last_texts else claim_row
            last_texts[conversation] = index
    # storage rule 19: in one transaction, so that a text costs a commit less.
    for claim in claim_received(transaction, claim_rows, claim_limit) if claim_limit > 0 else ():
        index = last_texts[claim.conversation]
        received[index] = replace(received[index], claim=claim)
    return received


def release_received(transaction: Transaction, received: Sequence[ReceivedText]) -> None:
    """End the leases that came with texts, without a turn."""
    release_claims(transaction, [text.claim for text in received if text.claim is not None])


def _receive_text(
    transaction: Transaction, new: NewInbound
) -> tuple[bytes, ReceivedText, ClaimRow | None]:
    """Store a text; return its conversation, the result, and the row of a claim of it alone."""
    inbound = new.inbound
    ours, theirs, text = (
        storable_text(inbound.recipient),
        storable_text(inbound.sender),
        storable_text(inbound.text),
    )
    conversation, received_at = conversation_id(ours, theirs), to_millis(inbound.received_at)
    key = key_hash(inbound.key) if inbound.key else os.urandom(16)
    id = inbound_id(conversation, key)
    # storage rule 4: the key and the text are stored in one commit.
    if (
        inbound.key
        and not transaction.execute("add_dedupe_key", (conversation, key, received_at)).rowcount
    ):
        return conversation, ReceivedText(id, is_new=False), None
    is_opt_out = _is_opt_out(transaction, conversation, new)
    place = (conversation, (ours, theirs), received_at, None if is_opt_out else transaction.now)
    seq, *counters = _next_seq(transaction, *place)
    # storage rule 9: a first text may be of a forgotten person, whose rows are under a keyed id.
    if seq == 1 and find_forgotten(transaction, conversation):
        if has_forgotten_text(transaction, conversation, key):
            _undo_repetition(transaction, conversation, key)
            return conversation, ReceivedText(id, is_new=False), None
        recall_conversation(transaction, conversation, (ours, theirs))
        seq, *counters = _next_seq(transaction, *place)
    is_back = new.consent == "in" and _lift_opt_out(transaction, conversation, new, id)
    row = (
        conversation,
        seq,
        id,
        storable_text(inbound.provider_id),
        text,
        # storage rule 8: the raw bytes are kept where a character had to be replaced.
        inbound.raw or (raw_bytes(inbound.text) if text != inbound.text else b""),
        to_millis_or_none(inbound.sent_at),
        received_at,
        int(InboundStatus.OPT_OUT if is_opt_out else InboundStatus.PENDING),
        encode_media(inbound.media),
        int(SenderConsent.BACK_IN if is_back else SenderConsent.IN),
    )
    [consent] = transaction.execute("add_inbound", row).fetchone()
    cancelled = _record_opt_out(transaction, conversation, new, id) if is_opt_out else ()
    received = ReceivedText(id, True, is_opt_out, cancelled, is_back)
    stored = (*row[1:-1], consent)
    return conversation, received, _claim_row(transaction, (ours, theirs), counters, row[0], stored)


def _claim_row(
    transaction: Transaction,
    numbers: tuple[str, str],
    counters: Sequence[Any],
    conversation: bytes,
    stored: Sequence[Any],
) -> ClaimRow | None:
    """Return the row of `claim_received` for a stored text; None where that has to be asked."""
    if not counters:  # an opt-out
        return None
    *counted, due_at, suspect_seq = counters
    is_alone = counted[-1] == stored[0] - 1  # all texts before it are handled
    is_due = due_at <= transaction.now and suspect_seq is None
    return (conversation, *numbers, *counted, *stored) if is_alone and is_due else None


def _record_opt_out(
    transaction: Transaction, conversation: bytes, new: NewInbound, id: bytes
) -> Sequence[Outbound]:
    """Record the opt-out of a text; return the texts that it cancelled."""
    numbers = (storable_text(new.inbound.recipient), storable_text(new.inbound.sender))
    # law 10: in the transaction of its text, so that no queued text slips out in between.
    _, cancelled = record_opt_out(
        transaction,
        conversation,
        numbers,
        to_millis(new.inbound.received_at),
        source=new.consent_source,
        inbound=id,
        at_provider=new.at_provider,
    )
    return cancelled


def _lift_opt_out(
    transaction: Transaction, conversation: bytes, new: NewInbound, id: bytes
) -> bool:
    """Lift an opt-out by a text that opts in; return whether there was one to lift."""
    return lift_opt_out(
        transaction,
        conversation,
        to_millis(new.inbound.received_at),
        source=new.consent_source,
        inbound=id,
        only_at_provider=new.at_provider,
    )


def _is_opt_out(transaction: Transaction, conversation: bytes, new: NewInbound) -> bool:
    """Tell whether a text opts out: neither a wish nor an offered word does to a question."""
    if new.consent not in {"out", "wish"} or (new.consent == "out" and not new.unless_offered):
        return new.consent == "out"
    question = transaction.execute("open_question", (conversation,)).fetchone()
    if question is None or not question[0]:
        return True
    return new.consent == "out" and new.unless_offered not in question[1].split("\n")


def _next_seq(
    transaction: Transaction,
    conversation: bytes,
    numbers: tuple[str, str],
    received_at: int,
    due: int | None,
) -> Sequence[Any]:
    """Return a text's new number in its conversation, due at `due` (None: never).

    The conversation's further counters, with its state, follow where the text is due.
    """
    if due is None:
        counters = transaction.execute("assign_opt_out_seq", (conversation, *numbers, received_at))
    else:
        counters = transaction.execute(
            "assign_text_seq", (conversation, *numbers, received_at, due)
        )
    row: Sequence[Any] = counters.fetchone()
    return row


def _undo_repetition(transaction: Transaction, conversation: bytes, key: bytes) -> None:
    """Remove the traces of a text whose person was forgotten after its first delivery."""
    transaction.execute("remove_conversation", (conversation,))
    transaction.execute("remove_dedupe_key", (conversation, key))
