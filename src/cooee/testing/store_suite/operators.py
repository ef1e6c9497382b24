"""Operators: histories, lists, counts and forgetting a person."""

from __future__ import annotations

from cooee.core.messages import Status
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    CLEO,
    OURS,
    StoreHarness,
)


class OperatorTests:
    """Promises of the verbs for operators."""

    async def test_a_history_is_in_the_order_of_the_conversation(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("hello there")
        for number in range(3):
            await harness.receive(f"text {number}")
            await harness.finish(await harness.claim_one(), f"reply {number}")
        texts = [entry.text for entry in await harness.store.history(OURS, ANNA, 5)]
        assert texts == ["reply 0", "text 1", "reply 1", "text 2", "reply 2"]
        assert list(await harness.store.history(OURS, BERT, 5)) == []

    async def test_conversations_are_listed_the_latest_first(self, harness: StoreHarness) -> None:
        await harness.receive("one", "two")
        harness.clock.advance(seconds=1)
        await harness.receive("STOP", sender=BERT, consent="out")
        harness.clock.advance(seconds=1)
        await harness.enqueue("hello", to=CLEO)
        cleo, bert, anna = await harness.store.conversations()
        assert [cleo.theirs, bert.theirs, anna.theirs] == [CLEO, BERT, ANNA]
        assert (anna.texts_in, anna.texts_out, anna.pending, anna.opted_out) == (2, 0, 2, False)
        assert (bert.pending, bert.opted_out, cleo.texts_out) == (0, True, 1)
        assert cleo.last_text_at == harness.clock()
        assert [summary.theirs for summary in await harness.store.conversations(limit=1)] == [CLEO]
        assert list(await harness.store.conversations(troubled_only=True)) == []

    async def test_counts_are_of_each_kind(self, harness: StoreHarness) -> None:
        for status in (Status.UNKNOWN, Status.FAILED, Status.QUEUED):
            await harness.enqueue(status.name)
            later = harness.clock.later(hours=1)
            await harness.record(await harness.take_one(), status, retry_at=later)
        await harness.enqueue("sending", to=BERT)
        await harness.take_one()
        await harness.receive("bad", "good", "better")
        await harness.fail(await harness.claim_one(), None)
        counts = await harness.store.counts()
        assert (counts.conversations, counts.pending, counts.set_aside) == (2, 2, 1)
        assert (counts.queued, counts.sending, counts.unknown, counts.failed) == (1, 1, 1, 1)

    async def test_a_forgotten_person_leaves_an_opt_out_and_keys(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("my secret", key="k")
        await harness.finish(await harness.claim_one(), "thanks", state=b"s")
        await harness.receive("STOP", consent="out")
        assert await harness.store.forget(ANNA)
        assert not await harness.store.forget(ANNA)
        assert list(await harness.store.history(OURS, ANNA, 10)) == []
        assert list(await harness.store.conversations()) == []
        assert list(await harness.receive("my secret", key="k")) == [False]
        await harness.enqueue("never sent")
        assert await harness.take() == []

    async def test_a_turn_under_way_writes_nothing_of_a_person_who_was_forgotten(
        self, harness: StoreHarness
    ) -> None:
        first = await harness.enqueue("hello")
        await harness.receive("hi")
        outbound, claim = await harness.take_one(), await harness.claim_one()
        assert await harness.store.forget(ANNA)
        assert not await harness.finish(claim, "too late", state=b"s")
        await harness.record(outbound, Status.ACCEPTED, provider_id="p")
        assert list(await harness.store.history(OURS, ANNA, 10)) == []
        await harness.receive("hello again")
        assert await harness.enqueue("back") not in {"", first}
        again = await harness.claim_one()
        assert (again.theirs, again.state, again.last_turn_at) == (ANNA, None, None)
        assert again.texts[0].seq > claim.texts[0].seq
