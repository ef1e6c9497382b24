"""Claims: conversations leased for their turns, and leases given back without a turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from cooee.storage.columns import from_millis_or_none
from cooee.storage.postgres import dialogues
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.records import Claim
from cooee.storage.turn_rows import make_pending_text

_MAX_TEXTS = 8  # of a claim
_lease_counts = count(1)


def new_lease(transaction: Transaction) -> int:
    """Return a lease that no worker ever had (storage rule 20)."""
    return transaction.worker << 32 | next(_lease_counts) & 0xFFFF_FFFF


async def claim_conversations(
    transaction: Transaction, limit: int, *, with_timers: bool
) -> list[Claim]:
    """Lease conversations with texts due, then conversations with timers due and no pending text.

    A suspect is leased by itself, when this worker has no other lease, for one text or timer.
    """
    lease, worker, now = new_lease(transaction), transaction.worker, transaction.now
    rows = await transaction.fetch("claim_due", worker, lease, now, limit, with_timers)
    rows = sorted(rows, key=_due_order)
    if with_timers and len(rows) < limit:
        room = limit - len(rows)
        timers = await transaction.fetch("claim_timers", worker, lease, now, room)
        rows += sorted(timers, key=_due_order)
    if rows or limit < 1:
        return await make_claims(transaction, rows, lease)
    # storage rule 5: after a crash each suspect goes alone, and its attempt is counted first.
    suspects = await transaction.fetch("claim_suspect", worker, lease, now, with_timers)
    return await make_claims(transaction, suspects, lease, max_texts=1)


async def claim_waiting(transaction: Transaction, after: bytes, limit: int) -> list[Claim]:
    """Lease the next conversations with open dialogues and no pending text, due or not."""
    lease = new_lease(transaction)
    rows = await transaction.fetch("claim_waiting", transaction.worker, lease, after, limit)
    return await make_claims(transaction, sorted(rows, key=_due_order), lease)


def _due_order(row: Row) -> tuple[int, bytes]:
    return row[-1], row[0]


async def make_claims(
    transaction: Transaction, rows: Sequence[Row], lease: int, *, max_texts: int = _MAX_TEXTS
) -> list[Claim]:
    """Return the claims of leased rows, in their order, with what a younger snapshot reads."""
    if not rows:
        return []
    ids, handled = [row[0] for row in rows], [row[5] for row in rows]
    found: dict[bytes, list[Row]] = {}
    # storage rule 21: texts that came while the claim waited are seen by the next statement only.
    for id, *rest in await transaction.fetch("claimed_texts", ids, handled, max_texts):
        found.setdefault(id, []).append(rest)
    in_dialogues = [id for id, texts in found.items() if texts[0][1]]
    records = await dialogues.open_dialogues(transaction, in_dialogues) if in_dialogues else {}
    return [
        Claim(
            conversation=id,
            ours=ours,
            theirs=theirs,
            lease_id=lease,
            attempt=attempts + 1,
            last_turn_at=from_millis_or_none(last_turn_at),
            state=found[id][0][0],
            texts=[
                make_pending_text(ours, theirs, text)
                for _, _, *text in found[id]
                if text[0] is not None
            ],
            handled_seq=handled_seq,
            dialogues=records.get(id, ()),
        )
        for id, ours, theirs, attempts, last_turn_at, handled_seq, _ in rows
    ]


async def release_claims(transaction: Transaction, claims: Sequence[Claim]) -> None:
    """End leases without a turn; the attempt of a suspect does not count."""
    await _release(transaction, claims)


async def postpone_claims(transaction: Transaction, claims: Sequence[Claim], until: int) -> None:
    """End leases without a turn; the conversations are due at `until`, or by a new text."""
    released = await _release(transaction, claims)
    await transaction.execute("postpone_texts", list(released), until)
    timers = [one.conversation for one in claims if not one.texts and one.conversation in released]
    if timers:
        await transaction.execute("postpone_dialogues", timers, until)
        await transaction.execute("set_timers", timers)


async def _release(transaction: Transaction, claims: Sequence[Claim]) -> set[bytes]:
    """End leases; return the conversations that were leased."""
    ids, leases = [one.conversation for one in claims], [one.lease_id for one in claims]
    return {id for (id,) in await transaction.fetch("release_claims", ids, leases)}
