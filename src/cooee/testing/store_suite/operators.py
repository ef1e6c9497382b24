"""Operators: histories, lists, counts and forgetting a person."""

from __future__ import annotations

import pytest

from cooee.core.errors import SettingError
from cooee.core.messages import Status
from cooee.storage import ConversationFilter
from cooee.storage.summaries import TROUBLED
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
        assert list(await harness.store.conversations(TROUBLED)) == []

    async def test_pages_have_each_conversation_once_the_latest_first(
        self, harness: StoreHarness
    ) -> None:
        people = [f"+614915701{number:02}" for number in range(10, 35)]
        for number, person in enumerate(people):
            harness.clock.advance(seconds=number % 2)  # two texts of one moment
            await harness.receive("hello", sender=person)
        listed: list[str] = []
        after = ""
        while page := await harness.store.conversations(after=after, limit=4):
            assert len(page) <= 4
            listed += [summary.theirs for summary in page]
            after = page[-1].cursor
            await harness.receive("later", sender=BERT)  # a page that is read stays read
        assert sorted(listed) == people
        moments = [(people.index(person) + 1) // 2 for person in listed]
        assert moments == sorted(moments, reverse=True)
        with pytest.raises(SettingError, match="no place in the list"):
            await harness.store.conversations(after="soon")

    async def test_a_filter_leaves_what_meets_all_of_it(self, harness: StoreHarness) -> None:
        await harness.receive("old")
        await harness.finish(await harness.claim_one(), "answered")
        harness.clock.advance(seconds=10)
        since = harness.clock()
        await harness.receive("STOP", sender=BERT, consent="out")
        dave = "+61491570110"
        await harness.receive("bad", sender=dave)
        await harness.fail(await harness.claim_one(), None)
        await harness.receive("waiting", sender=CLEO)
        expected = {
            ConversationFilter(): {ANNA, BERT, CLEO, dave},
            ConversationFilter(since=since): {BERT, CLEO, dave},
            ConversationFilter(pending=True): {CLEO},
            ConversationFilter(opted_out=True): {BERT},
            ConversationFilter(troubled=True): {dave},
            ConversationFilter(ours="+61491570000"): set(),
            ConversationFilter(ours=OURS, theirs=ANNA[:-1], since=since): {BERT, CLEO},
            ConversationFilter(opted_out=True, pending=True): set(),
        }
        for matching, people in expected.items():
            found = await harness.store.conversations(matching)
            assert {summary.theirs for summary in found} == people, matching
            assert await harness.store.count_conversations(matching) == len(people)

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
        for _ in range(2):  # and its repetition brings nobody back
            assert list(await harness.receive("my secret", key="k")) == [False]
            assert list(await harness.store.conversations()) == []
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
