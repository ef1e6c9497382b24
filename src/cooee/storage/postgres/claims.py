"""Claims: conversations leased for their turns, and leases given back without a turn."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.storage.columns import from_millis_or_none, storable_text
from cooee.storage.postgres import dialogues
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.records import Claim
from cooee.storage.turn_rows import make_pending_text

_MAX_TEXTS = 8  # of a claim
_LEASE_COUNTS = 1 << 32
_last_lease = 0


def new_leases(transaction: Transaction, limit: int) -> int:
    """Return the number before the next `limit` leases; no worker ever had any of them."""
    # storage rule 20: a number that came again would be no fence for whoever had it before.
    global _last_lease  # noqa: PLW0603 -- one count for all stores of the process
    before = _last_lease if _last_lease + limit < _LEASE_COUNTS else 0
    _last_lease = before + limit
    return transaction.worker * _LEASE_COUNTS + before


async def claim_conversations(
    transaction: Transaction, limit: int, *, with_timers: bool
) -> Sequence[Claim]:
    """Lease conversations with texts due, then conversations with timers due and no pending text.

    A suspect is leased by itself, when this worker has no other lease, for one text or timer.
    """
    if limit < 1:
        return []
    leases, worker, now = new_leases(transaction, limit), transaction.worker, transaction.now
    due = await transaction.fetch("claim_due", worker, leases, now, limit, with_timers)
    rows = sorted(due, key=_order)
    if with_timers and len(rows) < limit:
        timers = await transaction.fetch(
            "claim_timers", worker, leases + len(rows), now, limit - len(rows)
        )
        rows += sorted(timers, key=_order)
    if rows:
        return await make_claims(transaction, rows)
    # storage rule 5: after a crash each suspect goes alone, and its attempt is counted first.
    suspects = await transaction.fetch("claim_suspect", worker, leases, now, with_timers)
    return await make_claims(transaction, suspects, max_texts=1)


async def claim_received(
    transaction: Transaction, received: Sequence[tuple[bytes, int, int]]
) -> Sequence[Claim]:
    """Lease conversations with new texts where `claim_conversations` would.

    `received` has, of each conversation, the number of the call that stored its last text, and how
    many that call may lease.
    """
    leases, columns = new_leases(transaction, len(received)), zip(*received, strict=True)
    free = await transaction.fetch(
        "claim_received", transaction.worker, leases, transaction.now, *map(list, columns)
    )
    return await make_claims(transaction, sorted(free, key=_order))


async def claim_waiting(transaction: Transaction, after: bytes, limit: int) -> Sequence[Claim]:
    """Lease the next conversations with open dialogues and no pending text, due or not."""
    leases = new_leases(transaction, limit)
    rows = await transaction.fetch("claim_waiting", transaction.worker, leases, after, limit)
    return await make_claims(transaction, sorted(rows, key=_order))


def _order(row: Row) -> tuple[int, bytes]:
    return row[-1], row[0]


async def make_claims(
    transaction: Transaction, rows: Sequence[Row], *, max_texts: int = _MAX_TEXTS
) -> Sequence[Claim]:
    """Return the claims of leased rows, in their order, with what a younger snapshot reads."""
    if not rows:
        return []
    ids, handled = [row[0] for row in rows], [row[6] for row in rows]
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
        for id, lease, ours, theirs, attempts, last_turn_at, handled_seq, _ in rows
    ]


async def release_claims(transaction: Transaction, claims: Sequence[Claim]) -> None:
    """End leases without a turn; the attempt of a suspect does not count."""
    await _release(transaction, claims)


async def hand_over_claims(
    transaction: Transaction, claims: Sequence[Claim], code_version: str
) -> None:
    """End leases without a turn, for the processes of a code version while one lives."""
    await _release(transaction, claims, reserved_for=storable_text(code_version))


async def postpone_claims(transaction: Transaction, claims: Sequence[Claim], until: int) -> None:
    """End leases without a turn; the conversations are due at `until`, or by a new text."""
    released = await _release(transaction, claims)
    await transaction.execute("postpone_text", list(released), until)
    timers = [one.conversation for one in claims if not one.texts and one.conversation in released]
    if timers:
        await transaction.execute("postpone_dialogues", timers, until)
        await transaction.execute("set_timer", timers)


async def _release(
    transaction: Transaction, claims: Sequence[Claim], *, reserved_for: str | None = None
) -> set[bytes]:
    """End leases; return the conversations that were leased."""
    ids, leases = [one.conversation for one in claims], [one.lease_id for one in claims]
    rows = await transaction.fetch("release_claims", ids, leases, reserved_for)
    return {id for (id,) in rows}
