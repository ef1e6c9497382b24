"""Claims: lease conversations, and release or postpone them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import msgspec

from cooee.storage.columns import (
    from_millis_or_none,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.records import (
    Claim,
    NewOutbound,
    PendingText,
)
from cooee.storage.sqlite import dialogues as sqlite_dialogues
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.turn_rows import make_pending_text

ClaimRow: TypeAlias = tuple[Any, ...]
"""A row of `claim_due`: a conversation, with one of its texts."""
ClaimRows: TypeAlias = Mapping[bytes, ClaimRow | None]


def claim_conversations(transaction: Transaction, limit: int, *, with_timers: bool) -> list[Claim]:
    """Lease conversations with texts due, then conversations with timers due and no pending text.

    After a crash, each suspect conversation is claimed by itself, one text or timer at a time, and
    its attempt is counted before the turn: the text that crashes the process is found, and no
    other is set aside with it.
    """
    # storage rule 5: after a crash each suspect goes alone, and its attempt is counted first.
    suspect = transaction.execute("find_suspect", (transaction.now, with_timers)).fetchone()
    if suspect is not None:
        if transaction.leases.by_conversation or limit < 1:
            return []
        transaction.execute("count_suspect_attempt", suspect)
        suspects = transaction.execute("claim_suspect", suspect)
        return _make_claims(transaction, suspects, is_suspect=True)
    leased = leased_ids_json(transaction)
    due_rows = transaction.execute("claim_due", (transaction.now, leased, limit))
    claims = _make_claims(transaction, due_rows, is_suspect=False)
    if with_timers and len(claims) < limit:
        timer_rows = transaction.execute(
            "claim_timers", (transaction.now, leased, limit - len(claims))
        )
        claims += _make_claims(transaction, timer_rows, is_suspect=False)
    return claims


def claim_received(transaction: Transaction, claim_rows: ClaimRows, limit: int) -> list[Claim]:
    """Lease conversations with new texts where `claim_conversations` would, at most `limit`.

    Args:
        transaction: the transaction that has stored the texts.
        claim_rows: by conversation, the row of `claim_received`; None where it is to be read.
        limit: how many conversations to lease.
    """
    # storage rule 5: while a suspect is due, it is claimed alone.
    if transaction.leases.has_suspects:
        suspect = transaction.execute("find_suspect", (transaction.now, True))
        if suspect.fetchone() is not None:
            return []
    free = [id for id in claim_rows if id not in transaction.leases.by_conversation][:limit]
    rows = [
        [row]
        if (row := claim_rows[id]) is not None
        else transaction.execute("claim_received", (id, transaction.now)).fetchall()
        for id in free
    ]
    return _make_claims(transaction, chain.from_iterable(rows), is_suspect=False)


def claim_waiting(transaction: Transaction, after: bytes, limit: int) -> list[Claim]:
    """Lease the next conversations with open dialogues and no pending text, due or not."""
    leased = leased_ids_json(transaction)
    rows = transaction.execute("claim_waiting", (after, leased, limit)).fetchall()
    return _make_claims(transaction, rows, is_suspect=False)


def leased_ids_json(transaction: Transaction) -> str:
    """Return the ids of leased conversations, as a JSON list of SQLite's upper-case hex."""
    return msgspec.json.encode(
        [id.hex().upper() for id in transaction.leases.by_conversation]
    ).decode()


def _make_claims(transaction: Transaction, rows: Iterable[Any], *, is_suspect: bool) -> list[Claim]:
    claims: list[Claim] = []
    texts: list[PendingText] = []
    last_id = any_dialogues = None
    for id, ours, theirs, epoch, attempts, last_turn_ms, state, handled_seq, *text in rows:
        if id != last_id:
            if last_id is None:
                any_dialogues = sqlite_dialogues.has_open_dialogues(transaction)
            last_id, texts = id, []
            lease_id = transaction.leases.grant(id, epoch, is_suspect=is_suspect)
            last_turn_at = from_millis_or_none(last_turn_ms)
            dialogues = sqlite_dialogues.open_dialogues(transaction, id) if any_dialogues else ()
            claim = (
                id,
                ours,
                theirs,
                lease_id,
                attempts + 1,
                last_turn_at,
                state,
                texts,
                handled_seq,
                dialogues,
            )
            claims.append(Claim(*claim))
        if text[0] is not None:
            texts.append(make_pending_text(ours, theirs, text))
    return claims


def release_claims(transaction: Transaction, claims: Sequence[Claim]) -> None:
    """End leases without a turn; the attempt of a suspect does not count."""
    for claim in claims:
        lease = transaction.leases.end(claim.conversation, claim.lease_id)
        if lease is not None and lease.is_suspect:
            transaction.execute("uncount_suspect_attempt", (claim.conversation, lease.epoch))


def postpone_claims(transaction: Transaction, claims: Sequence[Claim], until: int) -> None:
    """End leases without a turn; the conversations are due at `until`, or by a new text."""
    for claim in claims:
        conversation = claim.conversation
        lease = transaction.leases.by_conversation.get(conversation)
        if lease is None or lease.id != claim.lease_id:
            continue
        release_claims(transaction, [claim])
        transaction.execute("postpone_text", (until, conversation, lease.epoch))
        if not claim.texts:
            sqlite_dialogues.postpone_timers(transaction, conversation, lease.epoch, until)


def without_known_keys(
    transaction: Transaction, conversation: bytes, drafts: Sequence[NewOutbound]
) -> list[NewOutbound]:
    """Return the drafts whose keys are not stored yet."""
    keys: set[str] = set()
    new_drafts = []
    for draft in drafts:
        if draft.key is not None:
            key = storable_text(draft.key)
            if (
                key in keys
                or transaction.execute("find_outbound_key", (conversation, key)).fetchone()
            ):
                continue
            keys.add(key)
        new_drafts.append(draft)
    return new_drafts


def outbound_row(
    origin: tuple[bytes, int, str, str], seq: int, draft: NewOutbound, now: int
) -> tuple[object, ...]:
    """Return a draft as a row of `outbound`; `origin`: conversation, turn, ours and theirs."""
    conversation, turn, ours, theirs = origin
    return (
        conversation,
        seq,
        turn if draft.follows is None else draft.follows,
        ours,
        theirs,
        storable_text(draft.text),
        msgspec.json.encode(draft.media).decode() if draft.media else None,
        int(draft.priority),
        now,
        now if draft.due_at is None else to_millis(draft.due_at),
        to_millis_or_none(draft.good_until),
        None if draft.key is None else storable_text(draft.key),
        int(draft.cancelled),
    )
