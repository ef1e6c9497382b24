"""Finishes: commit the turns of claims, with what they say, and take the replies."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from cooee.core.messages import Priority, parse_outbound_id
from cooee.storage.columns import storable_text, to_millis_or_none
from cooee.storage.records import (
    ClaimResult,
    FinishedClaim,
    NewOutbound,
    SendAttempt,
    TurnFailure,
)
from cooee.storage.sqlite.dialogues import update_dialogues
from cooee.storage.sqlite.outbox import add_attempts, take_replies_of
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.turns import outbound_row, without_known_keys
from cooee.storage.statuses import InboundStatus
from cooee.storage.turn_rows import progress_after


def finish_claims(transaction: Transaction, results: Sequence[ClaimResult]) -> list[FinishedClaim]:
    """Write turns, and take their replies; a turn that lost its lease writes nothing."""
    finished: list[FinishedClaim] = []
    to_take: list[int] = []  # the places of those whose replies were queued
    queued: list[tuple[object, ...]] = []
    states: list[tuple[bytes, bytes]] = []
    for result in results:
        claim = result.claim
        drafts = without_known_keys(transaction, claim.conversation, result.drafts)
        ended = _finish_one(transaction, result, len(drafts))
        if ended is None:
            finished.append(FinishedClaim(is_committed=False))
            continue
        last_out, due_at = ended
        update_dialogues(transaction, result)
        _withdraw_texts(transaction, result)
        if result.state is not None:
            states.append((claim.conversation, result.state))
        origin = (claim.conversation, result.handled_seq, claim.ours, claim.theirs)
        rows = [
            outbound_row(origin, seq, draft, transaction.now)
            for seq, draft in enumerate(drafts, last_out - len(drafts) + 1)
        ]
        attempts: Sequence[SendAttempt] = ()
        if _may_begin(transaction, result, drafts):
            attempts = add_attempts(transaction, rows)
        else:
            queued += rows
            to_take += [len(finished)] if result.take_limit else []
        finished.append(FinishedClaim(True, attempts, has_pending=due_at is not None))
    transaction.execute_many("save_state", states)
    transaction.execute_many("add_outbound", queued)
    # storage rule 19: a turn without its lease writes nothing, so it takes nothing either.
    taken = _take_replies(transaction, [results[at] for at in to_take])
    for at, attempts in zip(to_take, taken, strict=True):
        finished[at] = replace(finished[at], attempts=attempts)
    return finished


def _may_begin(
    transaction: Transaction, result: ClaimResult, drafts: Sequence[NewOutbound]
) -> bool:
    """Tell whether a turn's replies are all that `take_replies` would take: no text waits.

    Then each is written once, instead of queued first and taken then.
    """
    is_plain = 0 < len(drafts) <= result.take_limit and all(
        draft.priority is Priority.REPLY and draft.due_at is None and draft.good_until is None
        for draft in drafts
    )
    conversation = (result.claim.conversation,)
    return is_plain and transaction.execute("is_any_open", conversation).fetchone() is None


def _take_replies(
    transaction: Transaction, results: Sequence[ClaimResult]
) -> Sequence[Sequence[SendAttempt]]:
    taking = [(one.claim.ours, one.claim.conversation, one.take_limit) for one in results]
    return take_replies_of(transaction, taking) if taking else ()


def _finish_one(
    transaction: Transaction, result: ClaimResult, draft_count: int
) -> tuple[int, int | None] | None:
    """End a claim; return the last outbound's number and when texts are due, None: lease lost."""
    claim = result.claim
    # storage rule 3: a turn that lost its lease writes nothing; the row's epoch is checked too.
    lease = transaction.leases.end(claim.conversation, claim.lease_id)
    if lease is None:
        return None
    handled_seq, failed_attempts, retry_at = progress_after(result)
    last_turn_at = to_millis_or_none(result.last_turn_at)
    progress = (
        claim.conversation,
        lease.epoch,
        handled_seq,
        last_turn_at,
        draft_count,
        transaction.now,
        failed_attempts,
        retry_at,
    )
    is_asking, offered = result.is_asking, "\n".join(map(storable_text, result.offered_words))
    row = (*progress, *((None, None) if is_asking is None else (int(is_asking), offered)))
    updated = transaction.execute("finish_claim", row).fetchone()
    if updated is None:
        return None
    if result.failure is not None and not result.failure.dialogue_id:
        _fail_text(transaction, claim.conversation, result.failure)
    return int(updated[0]), updated[1]


def _withdraw_texts(transaction: Transaction, result: ClaimResult) -> None:
    """Withdraw the questions that are asked no longer, and send what was said with them."""
    for text in result.withdrawn:
        text_key = parse_outbound_id(text.outbound_id)
        if text_key is None:
            continue
        transaction.execute("withdraw_text", (*text_key, transaction.now))
        for part_key in text.part_keys:
            part = transaction.execute("find_outbound_key", (text_key[0], part_key)).fetchone()
            if part is None:
                break
            transaction.execute("withdraw_text", (text_key[0], part[0], transaction.now))
    if result.hurried_keys:
        keys = msgspec.json.encode(list(map(storable_text, result.hurried_keys))).decode()
        hurried = (result.claim.conversation, transaction.now, keys)
        transaction.execute("hurry_texts", hurried)


def _fail_text(transaction: Transaction, conversation: bytes, failure: TurnFailure) -> None:
    status = InboundStatus.PENDING if failure.retry_at else InboundStatus.SET_ASIDE
    parameters = (
        int(status),
        storable_text(failure.error),
        storable_text(failure.code_version),
        conversation,
        failure.seq,
    )
    transaction.execute("fail_text", parameters)
