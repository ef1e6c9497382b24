"""Turns: finished in batches, each whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cooee.core.messages import parse_outbound_id
from cooee.storage.columns import storable_text, to_millis, to_millis_or_none
from cooee.storage.postgres import dialogues
from cooee.storage.postgres.arrays import columns_of
from cooee.storage.postgres.outbox import make_attempt, take_replies_of
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.records import ClaimResult, FinishedClaim, NewOutbound, SendAttempt
from cooee.storage.statuses import InboundStatus
from cooee.storage.turn_rows import progress_after


async def finish_claims(
    transaction: Transaction, results: Sequence[ClaimResult]
) -> list[FinishedClaim]:
    """Write turns, and take their replies; a turn that lost its lease writes nothing."""
    # Of two results of one lease, the first ends the lease.
    turns = list({_lease_of(one): one for one in reversed(results)}.values())
    are_different = len({turn.claim.conversation for turn in turns}) == len(turns)
    if not are_different or any(_needs_more(turn) for turn in turns):
        # storage rule 2: the conversations are locked before what belongs to them is written.
        held = set(map(tuple, await transaction.fetch("lock_leases", *_lease_columns(turns))))
        turns = [turn for turn in turns if _lease_of(turn) in held]
        await _write_more(transaction, turns)
    ended = await _finish(transaction, turns) if turns else {}
    finished = {id(turn): ended[_lease_of(turn)] for turn in turns if _lease_of(turn) in ended}
    return [finished.get(id(result), FinishedClaim(is_committed=False)) for result in results]


def is_news(result: ClaimResult, finished: FinishedClaim) -> bool:
    """Tell whether a turn leaves work for another process, such as a reply that is not taken."""
    return len(finished.attempts) < len(result.drafts) or bool(
        result.failure or result.dialogue_updates or result.hurried_keys
    )


def _lease_of(result: ClaimResult) -> tuple[bytes, int]:
    return result.claim.conversation, result.claim.lease_id


def _lease_columns(turns: Sequence[ClaimResult]) -> tuple[list[bytes], list[int]]:
    return [one.claim.conversation for one in turns], [one.claim.lease_id for one in turns]


def _needs_more(result: ClaimResult) -> bool:
    """Tell whether a turn writes more than states, progress and drafts."""
    return bool(
        result.failure or result.dialogue_updates or result.withdrawn or result.hurried_keys
    )


async def _finish(
    transaction: Transaction, turns: Sequence[ClaimResult]
) -> Mapping[tuple[bytes, int], FinishedClaim]:
    """End the claims, save the states and queue the drafts; return the ends of held leases."""
    progress = [progress_after(turn) for turn in turns]
    offered = [
        None if turn.is_asking is None else "\n".join(map(storable_text, turn.offered_words))
        for turn in turns
    ]
    states = [(one.claim.conversation, one.state) for one in turns if one.state is not None]
    drafts = [row for turn in turns for row in _draft_rows(turn, transaction.now)]
    ended = await transaction.fetch(
        "finish_claim",
        *_lease_columns(turns),
        [handled for handled, _, _ in progress],
        [to_millis_or_none(turn.last_turn_at) for turn in turns],
        [attempts for _, attempts, _ in progress],
        [retry_at for _, _, retry_at in progress],
        [turn.is_asking for turn in turns],
        offered,
        *columns_of(states, 2),
        *columns_of(drafts, 9),
        transaction.now,
        [turn.take_limit for turn in turns],
        transaction.worker,
    )
    our_numbers = {turn.claim.conversation: turn.claim.ours for turn in turns}
    taken: dict[tuple[bytes, int], list[SendAttempt]] = {}
    for conversation, lease, _, _, *row in ended:
        attempts = taken.setdefault((conversation, lease), [])
        if row[0] is not None:
            attempts.append(make_attempt(our_numbers[conversation], row))
    others = {
        (conversation, lease)
        for conversation, lease, _, is_complete, *_ in ended
        if not is_complete
    }
    await _take_others(transaction, [turn for turn in turns if _lease_of(turn) in others], taken)
    return {
        (conversation, lease): FinishedClaim(
            True, taken[conversation, lease], has_pending=has_pending
        )
        for conversation, lease, has_pending, *_ in ended
    }


async def _take_others(
    transaction: Transaction,
    turns: Sequence[ClaimResult],
    taken: dict[tuple[bytes, int], list[SendAttempt]],
) -> None:
    """Take the replies of turns in conversations with other texts that may be open."""
    if turns:
        sought = [(one.claim.ours, one.claim.conversation, one.take_limit) for one in turns]
        found = await take_replies_of(transaction, sought)
        for turn in turns:
            taken[_lease_of(turn)] += found.get(turn.claim.conversation, [])


def _draft_rows(turn: ClaimResult, now: int) -> list[tuple[object, ...]]:
    """Return the drafts of a turn as rows; of two with one key, the first."""
    keys: set[str] = set()
    rows = []
    for draft in turn.drafts:
        if draft.key is not None:
            if (key := storable_text(draft.key)) in keys:
                continue
            keys.add(key)
        rows.append(draft_row(turn.claim.conversation, turn.handled_seq, draft, now))
    return rows


def draft_row(
    conversation: bytes, handled_seq: int, draft: NewOutbound, now: int
) -> tuple[object, ...]:
    """Return a draft as the row that `finish_claim` takes."""
    return (
        conversation,
        handled_seq if draft.follows is None else draft.follows,
        storable_text(draft.text),
        msgspec.json.encode(draft.media).decode() if draft.media else None,
        int(draft.priority),
        now if draft.due_at is None else to_millis(draft.due_at),
        to_millis_or_none(draft.good_until),
        None if draft.key is None else storable_text(draft.key),
        draft.cancelled,
    )


async def _write_more(transaction: Transaction, turns: Sequence[ClaimResult]) -> None:
    """Write what the turns change beside their conversations, which are locked."""
    in_dialogues = [
        turn
        for turn in turns
        if turn.dialogue_updates or (turn.failure and turn.failure.dialogue_id)
    ]
    if in_dialogues:
        await dialogues.update_dialogues(transaction, in_dialogues)
    await _withdraw_texts(transaction, turns)
    failed = [row for turn in turns for row in _failed_text(turn)]
    if failed:
        await transaction.execute("fail_text", *columns_of(failed, 5))


def _failed_text(turn: ClaimResult) -> list[tuple[object, ...]]:
    failure = turn.failure
    if failure is None or failure.dialogue_id:
        return []
    status = InboundStatus.PENDING if failure.retry_at else InboundStatus.SET_ASIDE
    words = (storable_text(failure.error), storable_text(failure.code_version))
    return [(turn.claim.conversation, failure.seq, int(status), *words)]


async def _withdraw_texts(transaction: Transaction, turns: Sequence[ClaimResult]) -> None:
    """Withdraw the questions that are asked no longer, and send what was said with them."""
    withdrawn: list[tuple[object, ...]] = []
    for text in (text for turn in turns for text in turn.withdrawn):
        text_key = parse_outbound_id(text.outbound_id)
        if text_key is not None:
            withdrawn.append((*text_key, None))
            withdrawn += [(text_key[0], None, part_key) for part_key in text.part_keys]
    if withdrawn:
        await transaction.execute("withdraw_text", *columns_of(withdrawn, 3), transaction.now)
    hurried = [
        (turn.claim.conversation, storable_text(key)) for turn in turns for key in turn.hurried_keys
    ]
    if hurried:
        await transaction.execute("hurry_texts", *columns_of(hurried, 2), transaction.now)
