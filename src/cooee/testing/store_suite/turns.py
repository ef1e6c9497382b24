"""Turns: claims, results, failures and retries."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cooee.core.messages import Status
from cooee.storage import (
    ClaimResult,
    NewOutbound,
    NextDue,
)
from cooee.storage.summaries import TROUBLED
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    CLEO,
    OURS,
    OpenStore,
    StoreHarness,
)


class TurnTests:
    """Promises of `Store.claim`, `finish`, `release`, `retry` and `next_due`."""

    async def test_a_leased_conversation_is_not_claimed_again(self, harness: StoreHarness) -> None:
        await harness.receive("one")
        claim = await harness.claim_one()
        await harness.receive("two")
        assert list(await harness.store.claim(10)) == []
        assert await harness.finish(claim)
        later = await harness.claim_one()
        assert [pending.inbound.text for pending in later.texts] == ["two"]

    async def test_a_released_conversation_is_as_it_was(self, harness: StoreHarness) -> None:
        await harness.receive("one")
        claim = await harness.claim_one()
        await harness.store.release([claim])
        assert not await harness.finish(claim, "too late")
        again = await harness.claim_one()
        assert (again.texts, again.attempt) == (claim.texts, 1)
        assert await harness.take() == []

    async def test_a_claim_brings_eight_texts_and_the_rest_follow(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive(*map(str, range(20)))
        heard: list[str] = []
        while claims := await harness.store.claim(10):
            assert len(claims[0].texts) <= 8
            heard += [pending.inbound.text for pending in claims[0].texts]
            assert await harness.finish(claims[0])
        assert heard == list(map(str, range(20)))

    async def test_a_claim_takes_no_more_than_was_asked_for_the_oldest_first(
        self, harness: StoreHarness
    ) -> None:
        for sender in (CLEO, ANNA, BERT):
            await harness.receive("hello", sender=sender)
            harness.clock.advance(seconds=1)
        assert [claim.theirs for claim in await harness.store.claim(2)] == [CLEO, ANNA]
        assert [claim.theirs for claim in await harness.store.claim(2)] == [BERT]

    async def test_a_finish_is_whole_and_counts_once(self, harness: StoreHarness) -> None:
        await harness.receive("START")
        claim = await harness.claim_one()
        assert await harness.finish(claim, "running", "really", state=b"state")
        assert not await harness.finish(claim, "again", state=b"other")
        assert await harness.take() == ["running"]
        assert await harness.statuses() == ["START: handled", "running: sending", "really: queued"]
        await harness.receive("TIME")
        assert (await harness.claim_one()).state == b"state"

    async def test_a_turn_without_a_new_state_keeps_the_old(self, harness: StoreHarness) -> None:
        for state in (b"kept", None):
            await harness.receive("text")
            assert await harness.finish(await harness.claim_one(), state=state)
        await harness.receive("text")
        assert (await harness.claim_one()).state == b"kept"

    async def test_a_conversations_clock_never_goes_back(self, harness: StoreHarness) -> None:
        noon = harness.clock()
        for now in (noon, noon - timedelta(minutes=5), None):
            await harness.receive("text")
            claim = await harness.claim_one()
            await harness.store.finish(
                [ClaimResult(claim=claim, handled_seq=claim.texts[-1].seq, last_turn_at=now)]
            )
        await harness.receive("text")
        assert (await harness.claim_one()).last_turn_at == noon

    async def test_one_lost_lease_harms_no_other_turn_of_the_batch(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("a")
        await harness.receive("b", sender=BERT)
        first, second = await harness.store.claim(10)
        await harness.store.release([first])
        results = [ClaimResult(claim=claim, handled_seq=1, state=b"x") for claim in (first, second)]
        assert await harness.finish_all(*results) == [False, True]
        assert (await harness.claim_one()).state is None

    async def test_a_failed_text_comes_again_and_later_ones_wait(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("bad")
        await harness.fail(await harness.claim_one(), harness.clock.later(seconds=10))
        await harness.receive("good")
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.next_due()).turn == harness.clock.later(seconds=10)
        harness.clock.advance(seconds=10)
        claim = await harness.claim_one()
        assert claim.attempt == 2
        assert [pending.inbound.text for pending in claim.texts] == ["bad", "good"]
        await harness.fail(claim, harness.clock())
        assert (await harness.claim_one()).attempt == 3

    async def test_texts_before_a_failed_text_are_handled(self, harness: StoreHarness) -> None:
        await harness.receive("bad")
        await harness.fail(await harness.claim_one(), harness.clock())
        await harness.receive("worse")
        await harness.fail(await harness.claim_one(), harness.clock(), at=1)
        claim = await harness.claim_one()
        assert [pending.inbound.text for pending in claim.texts] == ["worse"]
        assert claim.attempt == 2  # its own second, whatever the text before it needed

    async def test_a_text_set_aside_lets_later_ones_go_on(self, harness: StoreHarness) -> None:
        await harness.receive("bad", "good")
        id = (claim := await harness.claim_one()).texts[0].id
        await harness.fail(claim, None)
        claim = await harness.claim_one()
        assert (claim.texts[0].inbound.text, claim.attempt) == ("good", 1)
        assert await harness.finish(claim)
        assert await harness.statuses() == ["bad: set aside", "good: handled"]
        assert (await harness.store.history(OURS, ANNA, 2))[0].error == "ValueError: no"
        assert [summary.set_aside for summary in await harness.store.conversations(TROUBLED)] == [1]

        assert await harness.store.retry(BERT) == 0
        assert await harness.store.retry(ANNA) == 1
        [text] = (claim := await harness.claim_one()).texts
        assert (text.inbound.text, text.id, text.seq) == ("bad", id, 3)
        assert await harness.finish(claim)
        assert list(await harness.store.claim(10)) == []
        assert list(await harness.store.conversations(TROUBLED)) == []

    async def test_next_due_has_the_next_times_and_no_others(self, harness: StoreHarness) -> None:
        assert await harness.store.next_due() == NextDue()
        await harness.receive("hello")
        assert (await harness.store.next_due()).turn == harness.clock()
        claim = await harness.claim_one()
        assert (await harness.store.next_due()).turn is None
        await harness.finish(claim, "hi")
        assert await harness.store.next_due() == NextDue(send=harness.clock())
        assert await harness.store.next_due(outbound=False) == NextDue()
        assert await harness.store.next_due(turns=False) == NextDue(send=harness.clock())
        outbound = await harness.take_one()
        assert await harness.store.next_due() == NextDue()
        await harness.record(outbound, Status.ACCEPTED)
        assert await harness.store.next_due() == NextDue(
            status_check=harness.clock.later(seconds=15)
        )

    async def test_everything_is_stored_after_a_restart(
        self, harness: StoreHarness, open_store: OpenStore
    ) -> None:
        await harness.receive("START")
        await harness.finish(await harness.claim_one(), "running", state=b"s")
        await harness.receive("TIME")
        await harness.claim_one()
        await harness.store.close()
        harness.store = await open_store(harness.clock)
        claim = await harness.claim_one()
        assert (claim.state, claim.last_turn_at, claim.attempt) == (b"s", harness.clock(), 1)
        assert await harness.take() == ["running"]
        assert (await harness.store.counts()).unclean_exits == 0

    async def test_a_lost_lease_writes_nothing_beside_one_that_is_held(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("hello")
        lost = await harness.claim_one()
        await harness.store.release([lost])
        held = await harness.claim_one()
        results = [
            ClaimResult(claim=claim, handled_seq=1, state=words, drafts=[NewOutbound(text=text)])
            for claim, words, text in ((lost, b"lost", "lost"), (held, b"held", "held"))
        ]
        for order in (results, results[::-1]):
            finished = await harness.finish_all(*order, results[0])
            assert finished == [
                one is results[1] and order is results for one in (*order, results[0])
            ]
        assert await harness.statuses() == ["hello: handled", "held: queued"]
        await harness.receive("again")
        assert (await harness.claim_one()).state == b"held"

    async def test_a_call_sees_what_was_asked_for_before_it(self, harness: StoreHarness) -> None:
        await harness.receive("hello")
        claim = await harness.claim_one()
        finishing = asyncio.create_task(harness.finish(claim, "reply"))
        taking = asyncio.create_task(harness.take())
        assert await finishing
        assert await taking == ["reply"]
        receiving = asyncio.create_task(harness.receive("again"))
        looking = asyncio.create_task(harness.store.next_due(outbound=False))
        claiming = asyncio.create_task(harness.claim_one())
        assert await receiving == [True]
        assert (await looking).turn == harness.clock()
        assert [text.inbound.text for text in (await claiming).texts] == ["again"]
