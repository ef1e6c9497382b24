"""Outbound texts: the order in which they are taken."""

from __future__ import annotations

from cooee.core.messages import Outbound, Priority, Status
from cooee.storage import ClaimResult, NewOutbound, NextDue, ProactiveOutbound
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    OURS,
    StoreHarness,
    texts_of,
)


class OutboundTests:
    """Promises of `Store.enqueue`, `take`, `take_replies` and `defer`."""

    async def test_a_deferred_text_was_never_attempted(self, harness: StoreHarness) -> None:
        await harness.enqueue("news")
        outbound, morning = await harness.take_one(), harness.clock.later(hours=9)
        await harness.store.defer([(outbound, morning)])
        await harness.enqueue("reply", priority=Priority.REPLY)
        assert await harness.take() == ["reply"]
        assert (await harness.store.next_due()).send == morning
        harness.clock.time = morning
        [again] = await harness.store.take(OURS, 10)
        assert (again.outbound.attempt, again.priority) == (1, Priority.PROACTIVE)
        await harness.receive("STOP", consent="out")
        await harness.store.defer([(again.outbound, harness.clock.later(hours=9))])
        assert "news: cancelled" in await harness.statuses()
        await harness.store.defer([(again.outbound, morning)])
        assert "news: cancelled" in await harness.statuses()

    async def test_due_times_of_a_number_are_its_own(self, harness: StoreHarness) -> None:
        other, store = "+61491570110", harness.store
        for words, status in (("a", Status.ACCEPTED), ("b", Status.UNKNOWN), ("c", None)):
            await store.enqueue([ProactiveOutbound(other, ANNA, NewOutbound(text=words))])
            if status is not None:
                [attempt] = await store.take(other, 1)
                await harness.record(attempt.outbound, status, retry_at=harness.clock.later(days=1))
        await harness.enqueue("mine", due_at=harness.clock.later(hours=9))
        assert await store.next_due(ours=OURS) == NextDue(send=harness.clock.later(hours=9))
        theirs = await store.next_due(ours=other)
        assert (theirs.send, theirs.lookup) == (harness.clock(), harness.clock.later(days=1))
        assert theirs.status_check is not None
        assert await store.next_due() == theirs

    async def test_each_persons_texts_go_one_after_the_other(self, harness: StoreHarness) -> None:
        for text in ("one", "two"):
            await harness.enqueue(text)
            await harness.enqueue(text, to=BERT)
        first, second = [taken.outbound for taken in await harness.store.take(OURS, 10)]
        assert (first.text, second.text) == ("one", "one")
        assert await harness.take() == []
        assert (await harness.store.next_due()).send is None
        await harness.record(first, Status.ACCEPTED, provider_id="p1")
        assert [(await harness.take_one()).recipient] == [first.recipient]

    async def test_a_text_that_is_retried_blocks_later_texts(self, harness: StoreHarness) -> None:
        await harness.enqueue("one")
        await harness.enqueue("two")
        again = harness.clock.later(minutes=1)
        await harness.record(await harness.take_one(), Status.QUEUED, retry_at=again)
        assert await harness.take() == []
        assert (await harness.store.next_due()).send == again
        harness.clock.advance(minutes=1)
        outbound = await harness.take_one()
        assert (outbound.text, outbound.attempt, outbound.at) == ("one", 2, harness.clock())

    async def test_a_text_for_later_blocks_no_other(self, harness: StoreHarness) -> None:
        await harness.enqueue("reminder", due_at=harness.clock.later(days=1))
        await harness.enqueue("now")
        assert await harness.take() == ["now"]
        assert (await harness.store.next_due()).send == harness.clock.later(days=1)

    async def test_a_reply_overtakes_bulk_and_bulk_never_a_reply(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("bulk 1", priority=Priority.BULK)
        await harness.enqueue("reply", priority=Priority.REPLY)
        await harness.enqueue("bulk 2", priority=Priority.BULK)
        assert await harness.take() == ["reply", "bulk 1"]
        assert await harness.take() == []

    async def test_bulk_gets_a_tenth_even_when_replies_are_many(
        self, harness: StoreHarness
    ) -> None:
        people = [f"+6149157{number:04d}" for number in range(60)]
        for person in people[:30]:
            await harness.enqueue("reply", to=person, priority=Priority.REPLY)
        for person in people[30:]:
            await harness.enqueue("bulk", to=person, priority=Priority.BULK)
        assert (await harness.take(20)).count("bulk") == 2
        assert (await harness.take(5)).count("bulk") == 1
        singly = [(await harness.take(1))[0] for _ in range(10)]
        assert 1 <= singly.count("bulk") <= 6  # five replies were left when it began
        assert set(await harness.take(60)) == {"bulk"}

    async def test_a_conversations_replies_are_taken_together_and_in_order(
        self, harness: StoreHarness
    ) -> None:
        for word in ("one", "two", "three"):
            await harness.enqueue(word, priority=Priority.REPLY)
        await harness.enqueue("we write first")
        await harness.enqueue("bert's", to=BERT, priority=Priority.REPLY)
        taken = await harness.store.take_replies(OURS, ANNA, 2)
        assert texts_of(taken) == ["one", "two"]
        assert {one.outbound.attempt for one in taken} == {1}
        assert (await harness.statuses())[:3] == ["one: sending", "two: sending", "three: queued"]
        assert list(await harness.store.take_replies(OURS, ANNA, 9)) == []
        assert await harness.take() == ["bert's"]
        for one in taken:
            await harness.record(one.outbound, Status.ACCEPTED)
        assert texts_of(await harness.store.take_replies(OURS, ANNA, 9)) == ["three"]

    async def test_a_text_that_blocks_a_reply_blocks_the_replies_behind_it(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("again later", priority=Priority.REPLY)
        again = harness.clock.later(seconds=30)
        await harness.record(await harness.take_one(), Status.QUEUED, retry_at=again)
        await harness.enqueue(
            "planned", priority=Priority.REPLY, due_at=harness.clock.later(hours=1)
        )
        await harness.enqueue("behind", priority=Priority.REPLY)
        assert list(await harness.store.take_replies(OURS, ANNA, 9)) == []
        harness.clock.advance(seconds=30)
        first, second = await harness.store.take_replies(OURS, ANNA, 9)
        assert texts_of([first, second]) == ["again later", "behind"]
        await harness.record(
            second.outbound, Status.UNKNOWN, retry_at=harness.clock.later(minutes=1)
        )
        await harness.record(first.outbound, Status.ACCEPTED)
        await harness.enqueue("after a doubt", priority=Priority.REPLY)
        assert list(await harness.store.take_replies(OURS, ANNA, 9)) == []
        await harness.record(second.outbound, Status.UNKNOWN)
        assert texts_of(await harness.store.take_replies(OURS, ANNA, 9)) == ["after a doubt"]

    async def test_no_reply_is_taken_for_a_person_who_opted_out(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("stop", consent="out")
        await harness.enqueue("hello", priority=Priority.REPLY)
        await harness.enqueue(
            "hello", to=BERT, priority=Priority.REPLY, good_until=harness.clock.later(hours=1)
        )
        assert list(await harness.store.take_replies(OURS, ANNA, 9)) == []
        harness.clock.advance(hours=1)
        assert list(await harness.store.take_replies(OURS, BERT, 9)) == []
        assert await harness.statuses(BERT) == ["hello: expired"]

    async def test_a_text_past_its_time_expires(self, harness: StoreHarness) -> None:
        await harness.enqueue("stale", good_until=harness.clock.later(minutes=1))
        await harness.enqueue("fresh")
        harness.clock.advance(minutes=1)
        assert await harness.take() == ["fresh"]
        assert await harness.statuses() == ["stale: expired", "fresh: sending"]

    async def test_only_the_numbers_own_texts_are_taken(self, harness: StoreHarness) -> None:
        await harness.enqueue("hello")
        assert list(await harness.store.numbers_with_unsent()) == [OURS]
        assert list(await harness.store.take(BERT, 10)) == []
        await harness.record(await harness.take_one(), Status.ACCEPTED)
        assert list(await harness.store.numbers_with_unsent()) == []

    async def test_a_reply_knows_the_text_that_it_answers(self, harness: StoreHarness) -> None:
        alone = await harness.enqueue("hello")
        await harness.receive("one")
        claim = await harness.claim_one()
        await harness.finish(claim, "answer", "and more")
        news = await harness.enqueue("news")
        late = await harness.enqueue("late reply", priority=Priority.REPLY)
        await harness.receive("of Bert", sender=BERT)
        other = await harness.claim_one()
        await harness.finish(other, "to Bert")
        [to_bert] = await harness.store.take_replies(OURS, BERT, 1)
        attempts = await harness.store.take_replies(OURS, ANNA, 9)
        replies = [one.outbound.id for one in attempts]
        conversation = claim.conversation.hex()
        asked = [alone, news, late, *replies, to_bert.outbound.id]
        asked += [f"{conversation}-99", "no id", alone]
        answered = await harness.store.answered_texts(asked)
        ours, theirs = claim.texts[0].id, other.texts[0].id
        wanted = {late: ours, **dict.fromkeys(replies, ours), to_bert.outbound.id: theirs}
        assert dict(answered) == wanted
        assert dict(await harness.store.answered_texts([])) == {}
        await harness.store.forget(ANNA)
        assert dict(await harness.store.answered_texts(asked)) == {to_bert.outbound.id: theirs}

    async def test_a_key_makes_a_text_once(self, harness: StoreHarness) -> None:
        first = await harness.enqueue("hello", key="welcome")
        assert await harness.enqueue("hello again", key="welcome") == first
        assert await harness.enqueue("hello", key="welcome", to=BERT) != first
        await harness.receive("hi")
        claim = await harness.claim_one()
        drafts = [NewOutbound(text="same", key="welcome"), NewOutbound(text="new", key="n")] * 2
        await harness.store.finish([ClaimResult(claim=claim, handled_seq=1, drafts=drafts)])
        history = await harness.store.history(OURS, ANNA, 10)
        assert [entry.text for entry in history if entry.direction == "out"] == ["hello", "new"]

    async def test_an_outbound_is_read_as_it_was_queued(self, harness: StoreHarness) -> None:
        until = harness.clock.later(hours=1)
        media = ("https://example.com/a.png", "https://example.com/b.png")
        id = await harness.enqueue("look\0 👀", media=media, good_until=until)
        outbound = await harness.take_one()
        assert outbound == Outbound(
            id=id,
            sender=OURS,
            recipient=ANNA,
            text="look\ufffd 👀",
            attempt=1,
            at=harness.clock(),
            media=media,
            good_until=until,
        )
