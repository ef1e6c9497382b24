"""Joined verbs: a `receive` that leases as `claim` does, and a `finish` that takes replies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias, TypeVar

import pytest
from msgspec.structs import replace

from cooee.core.messages import Priority, Status
from cooee.storage import Claim, ClaimResult, NewInbound, NewOutbound, SendAttempt
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    CLEO,
    OURS,
    StoreHarness,
    texts_of,
)

T = TypeVar("T")
Scene: TypeAlias = Callable[[StoreHarness], Awaitable[object]]


async def _nothing(_: StoreHarness) -> None:
    return


async def _a_turn_before(harness: StoreHarness) -> None:
    await harness.receive("START")
    await harness.finish(await harness.claim_one(), "running", state=b"state")


async def _a_text_that_waits(harness: StoreHarness) -> None:
    await harness.receive("one")


async def _more_texts_than_a_claim_has(harness: StoreHarness) -> None:
    await harness.receive(*map(str, range(10)))


async def _a_leased_conversation(harness: StoreHarness) -> None:
    await harness.receive("one")
    await harness.claim_one()


async def _a_failed_text(harness: StoreHarness) -> None:
    await harness.receive("bad")
    await harness.fail(await harness.claim_one(), harness.clock.later(seconds=10))


async def _a_failed_text_that_is_due(harness: StoreHarness) -> None:
    await _a_failed_text(harness)
    harness.clock.advance(seconds=10)


async def _a_text_set_aside(harness: StoreHarness) -> None:
    await harness.receive("bad")
    await harness.fail(await harness.claim_one(), None)


async def _a_postponed_text(harness: StoreHarness) -> None:
    await harness.receive("one")
    until = harness.clock.later(minutes=1)
    await harness.store.postpone([await harness.claim_one()], until)


async def _an_opt_out(harness: StoreHarness) -> None:
    await harness.receive("STOP", consent="out")


async def _an_opt_out_behind_a_text(harness: StoreHarness) -> None:
    await harness.receive("one")
    await harness.receive("STOP", consent="out")


async def _a_forgotten_person(harness: StoreHarness) -> None:
    await _a_turn_before(harness)
    await harness.store.forget(ANNA)


_BEFORE_A_TEXT: Mapping[str, tuple[Scene, bool]] = {
    "a first text": (_nothing, True),
    "a turn before": (_a_turn_before, True),
    "a text that waits": (_a_text_that_waits, True),
    "more texts than a claim has": (_more_texts_than_a_claim_has, True),
    "a leased conversation": (_a_leased_conversation, False),
    "a failed text": (_a_failed_text, False),
    "a failed text that is due": (_a_failed_text_that_is_due, True),
    "a text set aside": (_a_text_set_aside, True),
    "a postponed text": (_a_postponed_text, True),
    "an opt-out": (_an_opt_out, True),
    "an opt-out behind a text": (_an_opt_out_behind_a_text, True),
    "a forgotten person": (_a_forgotten_person, True),
}


class ReceiveAndClaimTests:
    """Promises of `Store.receive` with a `claim_limit`."""

    @pytest.mark.parametrize("before", _BEFORE_A_TEXT)
    async def test_a_new_text_brings_the_claim_that_claim_would_make(
        self, harness: StoreHarness, before: str
    ) -> None:
        scene, is_free = _BEFORE_A_TEXT[before]
        await scene(harness)
        claims = await _receive_claims(harness, harness.new_inbound("new"), limit=5)
        assert len(claims) == is_free
        assert list(await harness.store.claim(10)) == []
        await harness.store.release(claims)
        expected = await harness.store.claim(10)
        assert _without_leases(claims) == _without_leases(expected)

    async def test_a_text_brings_no_claim_unless_it_is_asked_for(
        self, harness: StoreHarness
    ) -> None:
        assert await _receive_claims(harness, harness.new_inbound("hello"), limit=0) == []
        assert (await harness.claim_one()).theirs == ANNA

    async def test_the_first_conversations_are_leased_up_to_the_limit(
        self, harness: StoreHarness
    ) -> None:
        texts = [harness.new_inbound("hello", sender=sender) for sender in (CLEO, ANNA, BERT)]
        claims = await _receive_claims(harness, *texts, limit=2)
        assert [claim.theirs for claim in claims] == [CLEO, ANNA]
        assert (await harness.claim_one()).theirs == BERT

    async def test_the_last_of_several_texts_has_the_claim_of_all(
        self, harness: StoreHarness
    ) -> None:
        texts = [harness.new_inbound(text) for text in ("one", "two")]
        received = await harness.store.receive(texts, claim_limit=5)
        assert [one.claim is not None for one in received] == [False, True]
        [claim] = [one.claim for one in received if one.claim is not None]
        assert [pending.inbound.text for pending in claim.texts] == ["one", "two"]

    async def test_a_repetition_and_an_opt_out_bring_no_claim(self, harness: StoreHarness) -> None:
        text = harness.new_inbound("hello", key="k")
        await harness.store.receive([text])
        assert await _receive_claims(harness, text, limit=5) == []
        await harness.finish(await harness.claim_one())
        stop = harness.new_inbound("STOP", consent="out")
        assert await _receive_claims(harness, stop, limit=5) == []

    async def test_a_lease_that_came_with_a_text_is_checked_at_its_commit(
        self, harness: StoreHarness
    ) -> None:
        [claim] = await _receive_claims(harness, harness.new_inbound("hello"), limit=1)
        assert await harness.finish(claim, "hi")
        assert not await harness.finish(claim, "hi again")
        [claim] = await _receive_claims(harness, harness.new_inbound("more"), limit=1)
        await harness.store.forget(ANNA)
        assert not await harness.finish(claim, "to nobody")

    async def test_a_cancelled_receive_keeps_its_text_and_no_lease(
        self, harness: StoreHarness
    ) -> None:
        receiving = harness.store.receive([harness.new_inbound("hello")], claim_limit=1)
        await _cancelled(receiving)
        assert [claim.theirs for claim in await _soon(lambda: harness.store.claim(10))] == [ANNA]


async def _no_text_before(_: StoreHarness) -> None:
    return


async def _a_reply_that_waits(harness: StoreHarness) -> None:
    await harness.enqueue("before", priority=Priority.REPLY)


async def _a_reply_for_later(harness: StoreHarness) -> None:
    later = harness.clock.later(minutes=5)
    await harness.enqueue("before", priority=Priority.REPLY, due_at=later)


async def _a_reply_under_way(harness: StoreHarness) -> None:
    await harness.enqueue("before", priority=Priority.REPLY)
    await harness.take_one()


async def _a_reply_in_doubt(harness: StoreHarness) -> None:
    await harness.enqueue("before", priority=Priority.REPLY)
    await harness.record(await harness.take_one(), Status.UNKNOWN, retry_at=harness.clock())


async def _a_reply_in_doubt_for_long(harness: StoreHarness) -> None:
    await harness.enqueue("before", priority=Priority.REPLY)
    later = harness.clock.later(minutes=10)
    await harness.record(await harness.take_one(), Status.UNKNOWN, retry_at=later)


async def _a_reply_to_be_repeated(harness: StoreHarness) -> None:
    await harness.enqueue("before", priority=Priority.REPLY)
    later = harness.clock.later(minutes=1)
    await harness.record(await harness.take_one(), Status.QUEUED, retry_at=later)


async def _a_late_reply(harness: StoreHarness) -> None:
    until = harness.clock()
    await harness.enqueue("before", priority=Priority.REPLY, good_until=until)


async def _bulk_that_waits(harness: StoreHarness) -> None:
    await harness.enqueue("before", priority=Priority.BULK)


async def _an_opt_out_before(harness: StoreHarness) -> None:
    await harness.receive("STOP", sender=ANNA, consent="out")


async def _somebody_elses_reply(harness: StoreHarness) -> None:
    await harness.enqueue("to Bert", to=BERT, priority=Priority.REPLY)


_BEFORE_A_REPLY: Mapping[str, tuple[Scene, Sequence[str]]] = {
    "nothing": (_no_text_before, ["a", "b", "c"]),
    "a reply that waits": (_a_reply_that_waits, ["before", "a", "b", "c"]),
    "a reply for later": (_a_reply_for_later, ["a", "b", "c"]),
    "a reply under way": (_a_reply_under_way, []),
    "a reply in doubt": (_a_reply_in_doubt, []),
    "a reply in doubt for long": (_a_reply_in_doubt_for_long, ["a", "b", "c"]),
    "a reply to be repeated": (_a_reply_to_be_repeated, []),
    "a reply that is too late": (_a_late_reply, ["a", "b", "c"]),
    "bulk": (_bulk_that_waits, ["a", "b", "c"]),
    "an opt-out": (_an_opt_out_before, []),
    "somebody else's reply": (_somebody_elses_reply, ["a", "b", "c"]),
}


class FinishAndTakeTests:
    """Promises of `Store.finish` with a `take_limit`."""

    @pytest.mark.parametrize("limit", [2, 5])
    @pytest.mark.parametrize("before", _BEFORE_A_REPLY)
    async def test_a_turn_brings_the_attempts_that_take_replies_would_record(
        self, harness: StoreHarness, before: str, limit: int
    ) -> None:
        scene, expected = _BEFORE_A_REPLY[before]
        claim = await _claimed(harness)
        await scene(harness)
        attempts = await _finish_taking(harness, claim, limit, "a", "b", "c")
        assert texts_of(attempts) == list(expected)[:limit]
        for one in attempts:
            assert (one.outbound.attempt, one.outbound.at) == (1, harness.clock())
        now = harness.clock()
        await harness.store.defer([(attempt.outbound, now) for attempt in attempts])
        assert attempts == list(await harness.store.take_replies(OURS, ANNA, limit))

    @pytest.mark.parametrize("before", _BEFORE_A_REPLY)
    async def test_the_first_attempt_is_the_one_that_take_would_record(
        self, harness: StoreHarness, before: str
    ) -> None:
        claim = await _claimed(harness)
        await _BEFORE_A_REPLY[before][0](harness)
        attempts = await _finish_taking(harness, claim, 1, "a", "b")
        now = harness.clock()
        await harness.store.defer([(attempt.outbound, now) for attempt in attempts])
        taken = await harness.store.take(OURS, 10)
        replies = [one for one in taken if one.priority is Priority.REPLY]
        assert attempts == [one for one in replies if one.outbound.recipient == ANNA]

    async def test_what_was_taken_with_a_turn_is_under_way(self, harness: StoreHarness) -> None:
        [attempt] = await _finish_taking(harness, await _claimed(harness), 1, "a", "b")
        assert await harness.statuses() == ["hello: handled", "a: sending", "b: queued"]
        assert await harness.take() == []  # law 6: and the next text waits for its end
        await harness.record(attempt.outbound, Status.ACCEPTED)
        assert await harness.take() == ["b"]

    async def test_a_turn_takes_nothing_unless_it_is_asked_to(self, harness: StoreHarness) -> None:
        assert await _finish_taking(harness, await _claimed(harness), 0, "a") == []
        assert await harness.take() == ["a"]

    async def test_only_replies_that_are_due_are_taken(self, harness: StoreHarness) -> None:
        claim, later = await _claimed(harness), harness.clock.later(minutes=1)
        drafts = [
            NewOutbound(text="proactive", priority=Priority.PROACTIVE),
            NewOutbound(text="bulk", priority=Priority.BULK),
            NewOutbound(text="later", due_at=later),
            NewOutbound(text="now"),
        ]
        result = ClaimResult(claim=claim, handled_seq=1, drafts=drafts, take_limit=10)
        [finished] = await harness.store.finish([result])
        assert texts_of(finished.attempts) == ["now"]

    async def test_a_turn_says_that_a_text_came_meanwhile(self, harness: StoreHarness) -> None:
        claim = await _claimed(harness)
        await harness.receive("and more")
        [finished] = await harness.store.finish([ClaimResult(claim=claim, handled_seq=1)])
        assert finished.has_pending

    async def test_each_turn_has_its_own_limit_and_attempts(self, harness: StoreHarness) -> None:
        for sender in (ANNA, BERT, CLEO):
            await harness.receive("hello", sender=sender)
        claims = await harness.store.claim(10)
        await harness.store.release(claims[:1])
        drafts = [NewOutbound(text=text) for text in ("a", "b")]
        results = [
            ClaimResult(claim=claim, handled_seq=1, drafts=drafts, take_limit=limit)
            for claim, limit in zip(claims, (5, 1, 2), strict=True)
        ]
        finished = await harness.store.finish(results)
        assert [one.is_committed for one in finished] == [False, True, True]
        recipients = [[one.outbound.recipient for one in each.attempts] for each in finished]
        assert recipients == [[], [claims[1].theirs], [claims[2].theirs] * 2]

    async def test_a_turn_that_lost_its_lease_takes_nothing(self, harness: StoreHarness) -> None:
        claim = await _claimed(harness)
        await harness.store.release([claim])
        await harness.enqueue("before", priority=Priority.REPLY)
        result = ClaimResult(claim=claim, handled_seq=1, take_limit=5)
        [finished] = await harness.store.finish([result])
        assert (finished.is_committed, list(finished.attempts)) == (False, [])
        assert await harness.take() == ["before"]

    async def test_a_person_who_opts_out_between_text_and_turn_gets_no_attempt(
        self, harness: StoreHarness
    ) -> None:
        [claim] = await _receive_claims(harness, harness.new_inbound("hello"), limit=1)
        await harness.receive("STOP", consent="out")
        assert await _finish_taking(harness, claim, 1, "too late") == []
        assert "too late: cancelled" in await harness.statuses()

    async def test_a_cancelled_finish_keeps_its_turn_and_puts_the_replies_back(
        self, harness: StoreHarness
    ) -> None:
        claim = await _claimed(harness)
        drafts = [NewOutbound(text="a")]
        result = ClaimResult(claim=claim, handled_seq=1, drafts=drafts, take_limit=1)
        await _cancelled(harness.store.finish([result]))
        [again] = await _soon(lambda: harness.store.take(OURS, 10))
        assert (again.outbound.text, again.outbound.attempt) == ("a", 2)
        assert await harness.statuses() == ["hello: handled", "a: sending"]


async def _receive_claims(harness: StoreHarness, *texts: NewInbound, limit: int) -> list[Claim]:
    received = await harness.store.receive(texts, claim_limit=limit)
    return [one.claim for one in received if one.claim is not None]


def _without_leases(claims: Sequence[Claim]) -> list[Claim]:
    return [replace(claim, lease_id=0) for claim in claims]


async def _claimed(harness: StoreHarness) -> Claim:
    await harness.receive("hello")
    return await harness.claim_one()


async def _finish_taking(
    harness: StoreHarness, claim: Claim, limit: int, *replies: str
) -> list[SendAttempt]:
    drafts = [NewOutbound(text=text) for text in replies]
    result = ClaimResult(claim=claim, handled_seq=1, drafts=drafts, take_limit=limit)
    [finished] = await harness.store.finish([result])
    assert finished.is_committed
    return list(finished.attempts)


async def _cancelled(call: Coroutine[object, object, object]) -> None:
    """Cancel a call of the store that has begun."""
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _soon(call: Callable[[], Awaitable[Sequence[T]]]) -> Sequence[T]:
    """Repeat a call until it returns something."""
    for _ in range(1_000):
        if found := await call():
            return found
        await asyncio.sleep(0.001)
    raise AssertionError("The store gave nothing back.")
