"""What every store must do: tests to run against yours.

Subclass `StoreSuite` in a test module, beside a fixture `open_store` that opens the test's own
database, again at every call::

    @pytest.fixture
    def open_store(tmp_path):
        return lambda now: SQLite.open(tmp_path / "cooee.db", now=now)

    class TestSQLite(StoreSuite): ...
    class TestSQLiteDialogues(DialogueStoreSuite): ...  # of `cooee.testing.dialogue_store_suite`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec

from cooee.core.app.opt_out import ConsentChange
from cooee.core.messages import Inbound, Media, Outbound, Priority, Receipt, Status
from cooee.storage import (
    Alarms,
    Arrival,
    Claim,
    Draft,
    Failure,
    Finish,
    Letter,
    Outcome,
    Silence,
    Store,
    Taken,
)

OpenStore: TypeAlias = Callable[[Callable[[], datetime]], Awaitable[Store]]

OURS = "+61491570006"
ANNA, BERT, CLEO = "+61491570156", "+61491570157", "+61491570158"


class Watch:
    """A clock that a test moves by hand; call it for the time."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.time

    def wait(self, **span: float) -> datetime:
        """Let time pass, such as ``minutes=5``."""
        self.time += timedelta(**span)
        return self.time

    def after(self, **span: float) -> datetime:
        """The time so much later."""
        return self.time + timedelta(**span)


class Desk:
    """A store with its clock, and the few moves that most tests consist of."""

    def __init__(self, store: Store, watch: Watch) -> None:
        self.store, self.watch = store, watch

    async def hear(
        self, *texts: str, sender: str = ANNA, key: str = "", consent: ConsentChange = ""
    ) -> Sequence[bool]:
        """Receive texts of one person, now."""
        return await self.store.receive(
            [self.arrival(text, sender=sender, key=key, consent=consent) for text in texts]
        )

    def arrival(
        self, text: str, *, sender: str = ANNA, key: str = "", consent: ConsentChange = ""
    ) -> Arrival:
        """A text as it comes in now."""
        now = self.watch()
        inbound = Inbound(
            sender=sender, recipient=OURS, text=text, received_at=now, sent_at=now, key=key
        )
        return Arrival(inbound, consent)

    async def hear_media(self, *media: Media, sender: str = ANNA) -> None:
        """Receive a text of one person with media and no words, now."""
        arrival = self.arrival("", sender=sender)
        inbound = msgspec.structs.replace(arrival.inbound, media=media)
        assert list(await self.store.receive([Arrival(inbound)])) == [True]

    async def only_claim(self) -> Claim:
        """The one claim that there is to have."""
        [claim] = await self.store.claim(10)
        return claim

    async def finish(self, claim: Claim, *words: str, state: bytes | None = None) -> bool:
        """End a claim whole, with these replies."""
        drafts = [Draft(text=text) for text in words]
        finish = Finish(
            claim=claim, handled=claim.texts[-1].seq, now=self.watch(), state=state, drafts=drafts
        )
        return (await self.store.finish([finish]))[0]

    async def fail(self, claim: Claim, retry_at: datetime | None, *, at: int = 0) -> None:
        """End a claim at its text `at` with a failure; those before it are handled."""
        seq = claim.texts[at].seq
        failure = Failure(seq, "ValueError: no", retry_at)
        handled = seq if retry_at is None else seq - 1
        finish = Finish(claim=claim, handled=handled, now=self.watch(), failure=failure)
        assert list(await self.store.finish([finish])) == [True]

    async def write(self, text: str, *, to: str = ANNA, **more: object) -> str:
        """Queue a text that we write first."""
        draft = Draft(text=text, **{"kind": Priority.PROACTIVE, **more})  # type: ignore[arg-type]  # a test's short form
        [id] = await self.store.enqueue([Letter(OURS, to, draft)])
        return id

    async def only_taken(self) -> Outbound:
        """The one text that there is to send."""
        [taken] = await self.store.take(OURS, 10)
        return taken.outbound

    async def take(self, limit: int = 10) -> list[str]:
        """Take texts; their words."""
        return words(await self.store.take(OURS, limit))

    async def record(
        self,
        outbound: Outbound,
        status: Status,
        *,
        retry_at: datetime | None = None,
        provider_id: str = "",
        opted_out: bool = False,
    ) -> None:
        """Record the end of an attempt."""
        outcome = Outcome(
            outbound=outbound,
            status=status,
            retry_at=retry_at,
            provider_id=provider_id,
            words="as it went",
            opted_out=opted_out,
        )
        await self.store.record([outcome])

    async def statuses(self, theirs: str = ANNA) -> list[str]:
        """The history of a conversation, as pairs of words and status."""
        entries = await self.store.history(OURS, theirs, 100)
        return [f"{entry.text}: {entry.status}" for entry in entries]


def words(taken: Sequence[Taken]) -> list[str]:
    """The words of texts that were taken."""
    return [one.outbound.text for one in taken]


class StoreSuite:
    """Every promise that `Store` makes, one test each."""

    async def desk(self, open_store: OpenStore) -> Desk:
        """A desk with a fresh store."""
        watch = Watch()
        return Desk(await open_store(watch), watch)

    # Receive

    async def test_texts_are_claimed_in_the_order_they_came(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert list(await desk.hear("one", "two")) == [True, True]
        await desk.hear("three")
        claim = await desk.only_claim()
        assert [pending.inbound.text for pending in claim.texts] == ["one", "two", "three"]
        assert [pending.seq for pending in claim.texts] == [1, 2, 3]
        assert (claim.ours, claim.theirs, claim.attempts) == (OURS, ANNA, 1)
        assert (claim.state, claim.now) == (None, None)
        await desk.store.close()

    async def test_a_text_that_comes_twice_is_stored_once(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert list(await desk.hear("START", "START", key="id-1")) == [True, False]
        assert list(await desk.hear("START", key="id-1")) == [False]
        assert await desk.finish(await desk.only_claim())
        assert list(await desk.hear("START", key="id-1")) == [False]
        assert (await desk.store.census()).pending == 0
        await desk.store.close()

    async def test_texts_without_a_key_are_always_new(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert list(await desk.hear("TIME", "TIME")) == [True, True]
        claim = await desk.only_claim()
        assert len({pending.id for pending in claim.texts}) == 2
        await desk.store.close()

    async def test_one_key_from_two_people_is_two_texts(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert list(await desk.hear("hello", key="1")) == [True]
        assert list(await desk.hear("hello", key="1", sender=BERT)) == [True]
        assert len(await desk.store.claim(10)) == 2
        await desk.store.close()

    async def test_what_no_database_can_hold_is_replaced_and_kept_raw(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        odd = "nul \0 and half \ud83d of an emoji"
        await desk.hear(odd, key="\ud800", sender="+6149\ud800")
        [text] = (await desk.only_claim()).texts
        assert text.inbound.text == "nul \ufffd and half \ufffd of an emoji"
        assert text.inbound.raw == odd.encode(errors="surrogatepass")
        assert text.inbound.sender == "+6149\ufffd"
        await desk.store.close()

    async def test_a_text_comes_back_as_it_was(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        inbound = Inbound(
            sender=ANNA,
            recipient=OURS,
            text="שלום 👋\r\n",
            received_at=desk.watch(),
            sent_at=desk.watch() - timedelta(seconds=2, milliseconds=250),
            provider_id="abc",
            raw=b"\xff",
        )
        await desk.store.receive([Arrival(inbound)])
        [text] = (await desk.only_claim()).texts
        assert text.inbound == inbound
        await desk.store.close()

    # Claim, finish, release

    async def test_a_leased_conversation_is_nobody_elses(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("one")
        claim = await desk.only_claim()
        await desk.hear("two")
        assert list(await desk.store.claim(10)) == []
        assert await desk.finish(claim)
        later = await desk.only_claim()
        assert [pending.inbound.text for pending in later.texts] == ["two"]
        await desk.store.close()

    async def test_a_released_conversation_is_as_it_was(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("one")
        claim = await desk.only_claim()
        await desk.store.release([claim])
        assert not await desk.finish(claim, "too late")
        again = await desk.only_claim()
        assert (again.texts, again.attempts) == (claim.texts, 1)
        assert await desk.take() == []
        await desk.store.close()

    async def test_a_claim_brings_eight_texts_and_the_rest_follow(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear(*map(str, range(20)))
        heard: list[str] = []
        while claims := await desk.store.claim(10):
            assert len(claims[0].texts) <= 8
            heard += [pending.inbound.text for pending in claims[0].texts]
            assert await desk.finish(claims[0])
        assert heard == list(map(str, range(20)))
        await desk.store.close()

    async def test_a_claim_takes_no_more_than_was_asked_for_the_oldest_first(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        for sender in (CLEO, ANNA, BERT):
            await desk.hear("hello", sender=sender)
            desk.watch.wait(seconds=1)
        assert [claim.theirs for claim in await desk.store.claim(2)] == [CLEO, ANNA]
        assert [claim.theirs for claim in await desk.store.claim(2)] == [BERT]
        await desk.store.close()

    async def test_a_finish_is_whole_and_counts_once(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("START")
        claim = await desk.only_claim()
        assert await desk.finish(claim, "running", "really", state=b"state")
        assert not await desk.finish(claim, "again", state=b"other")
        assert await desk.take() == ["running"]
        assert await desk.statuses() == ["START: handled", "running: sending", "really: queued"]
        await desk.hear("TIME")
        assert (await desk.only_claim()).state == b"state"
        await desk.store.close()

    async def test_a_turn_without_a_new_state_keeps_the_old(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        for state in (b"kept", None):
            await desk.hear("text")
            assert await desk.finish(await desk.only_claim(), state=state)
        await desk.hear("text")
        assert (await desk.only_claim()).state == b"kept"
        await desk.store.close()

    async def test_a_conversations_clock_never_goes_back(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        noon = desk.watch()
        for now in (noon, noon - timedelta(minutes=5), None):
            await desk.hear("text")
            claim = await desk.only_claim()
            await desk.store.finish([Finish(claim=claim, handled=claim.texts[-1].seq, now=now)])
        await desk.hear("text")
        assert (await desk.only_claim()).now == noon
        await desk.store.close()

    async def test_one_lost_lease_harms_no_other_turn_of_the_batch(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("a")
        await desk.hear("b", sender=BERT)
        first, second = await desk.store.claim(10)
        await desk.store.release([first])
        finishes = [Finish(claim=claim, handled=1, state=b"x") for claim in (first, second)]
        assert list(await desk.store.finish(finishes)) == [False, True]
        assert (await desk.only_claim()).state is None
        await desk.store.close()

    # Failures

    async def test_a_failed_text_comes_again_and_later_ones_wait(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("bad")
        await desk.fail(await desk.only_claim(), desk.watch.after(seconds=10))
        await desk.hear("good")
        assert list(await desk.store.claim(10)) == []
        assert (await desk.store.alarms()).turn == desk.watch.after(seconds=10)
        desk.watch.wait(seconds=10)
        claim = await desk.only_claim()
        assert claim.attempts == 2
        assert [pending.inbound.text for pending in claim.texts] == ["bad", "good"]
        await desk.fail(claim, desk.watch())
        assert (await desk.only_claim()).attempts == 3
        await desk.store.close()

    async def test_what_came_before_a_failed_text_is_over(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("bad")
        await desk.fail(await desk.only_claim(), desk.watch())
        await desk.hear("worse")
        await desk.fail(await desk.only_claim(), desk.watch(), at=1)
        claim = await desk.only_claim()
        assert [pending.inbound.text for pending in claim.texts] == ["worse"]
        assert claim.attempts == 2  # its own second, whatever the text before it needed
        await desk.store.close()

    async def test_a_text_set_aside_lets_later_ones_go_on(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("bad", "good")
        id = (claim := await desk.only_claim()).texts[0].id
        await desk.fail(claim, None)
        claim = await desk.only_claim()
        assert (claim.texts[0].inbound.text, claim.attempts) == ("good", 1)
        assert await desk.finish(claim)
        assert await desk.statuses() == ["bad: set aside", "good: handled"]
        assert (await desk.store.history(OURS, ANNA, 2))[0].error == "ValueError: no"
        assert [thread.set_aside for thread in await desk.store.threads(trouble=True)] == [1]

        assert await desk.store.retry(BERT) == 0
        assert await desk.store.retry(ANNA) == 1
        [text] = (claim := await desk.only_claim()).texts
        assert (text.inbound.text, text.id, text.seq) == ("bad", id, 3)
        assert await desk.finish(claim)
        assert list(await desk.store.claim(10)) == []
        assert list(await desk.store.threads(trouble=True)) == []
        await desk.store.close()

    # Opt-out

    async def test_an_opt_out_word_reaches_no_handler_and_cancels_what_is_queued(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("news", kind=Priority.BULK)
        await desk.hear("STOP", consent="out")
        assert list(await desk.store.claim(10)) == []
        assert await desk.store.alarms() == Alarms()
        assert await desk.take() == []
        await desk.write("more news")
        assert await desk.take() == []
        assert sorted(await desk.statuses()) == [
            "STOP: opt-out",
            "more news: cancelled",
            "news: cancelled",
        ]
        census = await desk.store.census()
        assert (census.opted_out, census.pending, census.queued) == (1, 0, 0)
        await desk.store.close()

    async def test_an_opt_out_word_among_others_is_passed_over(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("START")
        await desk.hear("STOP", consent="out")
        await desk.hear("TIME")
        claim = await desk.only_claim()
        assert [pending.runs for pending in claim.texts] == [True, False, True]
        assert await desk.finish(claim, "said after the STOP")
        assert await desk.take() == []
        assert list(await desk.store.claim(10)) == []
        await desk.store.close()

    async def test_opting_in_again_counts_from_then_on(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        for _ in range(2):
            await desk.hear("STOP", consent="out")
            await desk.write("lost")
            await desk.hear("START", consent="in")
        await desk.write("heard")
        assert await desk.take() == ["heard"]
        runs = [pending.inbound.text for pending in (await desk.only_claim()).texts if pending.runs]
        assert runs == ["START", "START"]
        await desk.store.close()

    async def test_a_text_that_opted_in_says_so_and_no_other(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("START", consent="in")  # who was in all along
        await desk.hear("STOP", consent="out")
        await desk.hear("START", consent="in")
        await desk.hear("START", consent="in")
        returns = [pending.returns for pending in (await desk.only_claim()).texts]
        assert returns == [False, False, True, False]
        await desk.store.close()

    async def test_an_opt_out_while_a_text_waits_to_be_tried_again_ends_it(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("news")
        outbound = await desk.only_taken()
        await desk.hear("STOP", consent="out")
        await desk.record(outbound, Status.QUEUED, retry_at=desk.watch())
        assert await desk.take() == []
        assert "news: cancelled" in await desk.statuses()
        await desk.store.close()

    async def test_every_opt_out_leaves_its_proof(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        began = desk.watch()
        await desk.hear("Stop!", consent="out")
        await desk.hear("STOP", consent="out")  # who is out already is not out from now on
        desk.watch.wait(days=1)
        await desk.hear("start", consent="in")
        await desk.hear("START", consent="in")
        desk.watch.wait(days=1)
        await desk.write("hello")
        await desk.record(await desk.only_taken(), Status.FAILED, opted_out=True)
        first, second = await desk.store.silences(OURS, ANNA)
        assert first == Silence(
            since=began,
            how="word",
            text="Stop!",
            lifted_at=began + timedelta(days=1),
            lifted_how="word",
            lifted_text="start",
        )
        assert second == Silence(since=desk.watch(), how="refusal")
        assert list(await desk.store.silences(OURS, BERT)) == []
        await desk.store.forget(ANNA)
        assert [one.text for one in await desk.store.silences(OURS, ANNA)] == ["", ""]
        await desk.store.close()

    async def test_who_is_on_the_companys_list_is_out_from_then_on(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("news")
        await desk.hear("STOP", sender=BERT, consent="out")
        assert await desk.store.silence(OURS, [ANNA, BERT, CLEO]) == 2
        assert await desk.store.silence(OURS, [ANNA, BERT, CLEO]) == 0
        await desk.write("hello", to=CLEO)
        assert await desk.take() == []
        [silence] = await desk.store.silences(OURS, CLEO)
        assert silence == Silence(since=desk.watch(), how="company")
        assert [one.how for one in await desk.store.silences(OURS, BERT)] == ["word"]
        await desk.hear("START", sender=CLEO, consent="in")
        await desk.write("hello", to=CLEO)
        assert await desk.take() == ["hello"]
        await desk.store.close()

    async def test_a_wish_in_plain_words_opts_out_unless_a_question_waits(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        wish = "please stop texting me"
        for asks in (True, None):
            await desk.hear("hello")
            claim = await desk.only_claim()
            await desk.store.finish([Finish(claim=claim, handled=claim.texts[-1].seq, asks=asks)])
            await desk.hear(wish, consent="wish")
            [pending] = (claim := await desk.only_claim()).texts
            assert pending.runs
            await desk.finish(claim)
        await desk.hear("STOP", sender=BERT, consent="wish")  # of whom nothing was known
        await desk.hear("hello")
        await desk.store.finish([Finish(claim=await desk.only_claim(), handled=5, asks=False)])
        await desk.hear(wish, consent="wish")
        assert list(await desk.store.claim(10)) == []
        assert (await desk.store.census()).opted_out == 2
        await desk.store.close()

    async def test_what_is_deferred_was_never_attempted(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("news")
        outbound, morning = await desk.only_taken(), desk.watch.after(hours=9)
        await desk.store.defer([(outbound, morning)])
        await desk.write("reply", kind=Priority.REPLY)
        assert await desk.take() == ["reply"]
        assert (await desk.store.alarms()).send == morning
        desk.watch.time = morning
        [again] = await desk.store.take(OURS, 10)
        assert (again.outbound.attempt, again.kind) == (1, Priority.PROACTIVE)
        await desk.hear("STOP", consent="out")
        await desk.store.defer([(again.outbound, desk.watch.after(hours=9))])
        assert "news: cancelled" in await desk.statuses()
        await desk.store.defer([(again.outbound, morning)])
        assert "news: cancelled" in await desk.statuses()
        await desk.store.close()

    async def test_an_opt_out_at_the_provider_is_ours_too(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("first")
        outbound = await desk.only_taken()
        await desk.write("second")
        await desk.record(outbound, Status.FAILED, opted_out=True)
        assert await desk.take() == []
        assert await desk.statuses() == ["first: failed", "second: cancelled"]
        assert (await desk.store.census()).opted_out == 1
        await desk.store.close()

    # Texts out: order

    async def test_each_persons_texts_go_one_after_the_other(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        for text in ("one", "two"):
            await desk.write(text)
            await desk.write(text, to=BERT)
        first, second = [taken.outbound for taken in await desk.store.take(OURS, 10)]
        assert (first.text, second.text) == ("one", "one")
        assert await desk.take() == []
        assert (await desk.store.alarms()).send is None
        await desk.record(first, Status.ACCEPTED, provider_id="p1")
        assert [(await desk.only_taken()).recipient] == [first.recipient]
        await desk.store.close()

    async def test_a_text_that_is_tried_again_holds_up_later_ones(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("one")
        await desk.write("two")
        again = desk.watch.after(minutes=1)
        await desk.record(await desk.only_taken(), Status.QUEUED, retry_at=again)
        assert await desk.take() == []
        assert (await desk.store.alarms()).send == again
        desk.watch.wait(minutes=1)
        outbound = await desk.only_taken()
        assert (outbound.text, outbound.attempt, outbound.at) == ("one", 2, desk.watch())
        await desk.store.close()

    async def test_a_text_for_later_holds_up_nobody(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("reminder", due_at=desk.watch.after(days=1))
        await desk.write("now")
        assert await desk.take() == ["now"]
        assert (await desk.store.alarms()).send == desk.watch.after(days=1)
        await desk.store.close()

    async def test_a_reply_overtakes_bulk_and_bulk_never_a_reply(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("bulk 1", kind=Priority.BULK)
        await desk.write("reply", kind=Priority.REPLY)
        await desk.write("bulk 2", kind=Priority.BULK)
        assert await desk.take() == ["reply", "bulk 1"]
        assert await desk.take() == []
        await desk.store.close()

    async def test_bulk_gets_a_tenth_even_when_replies_are_many(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        people = [f"+6149157{number:04d}" for number in range(60)]
        for person in people[:30]:
            await desk.write("reply", to=person, kind=Priority.REPLY)
        for person in people[30:]:
            await desk.write("bulk", to=person, kind=Priority.BULK)
        assert (await desk.take(20)).count("bulk") == 2
        assert (await desk.take(5)).count("bulk") == 1
        singly = [(await desk.take(1))[0] for _ in range(10)]
        assert 1 <= singly.count("bulk") <= 6  # five replies were left when it began
        assert set(await desk.take(60)) == {"bulk"}
        await desk.store.close()

    async def test_a_conversations_replies_are_taken_together_and_in_order(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        for word in ("one", "two", "three"):
            await desk.write(word, kind=Priority.REPLY)
        await desk.write("we write first")
        await desk.write("bert's", to=BERT, kind=Priority.REPLY)
        taken = await desk.store.take_replies(OURS, ANNA, 2)
        assert words(taken) == ["one", "two"]
        assert {one.outbound.attempt for one in taken} == {1}
        assert (await desk.statuses())[:3] == ["one: sending", "two: sending", "three: queued"]
        assert list(await desk.store.take_replies(OURS, ANNA, 9)) == []
        assert await desk.take() == ["bert's"]
        for one in taken:
            await desk.record(one.outbound, Status.ACCEPTED)
        assert words(await desk.store.take_replies(OURS, ANNA, 9)) == ["three"]
        await desk.store.close()

    async def test_what_holds_up_a_reply_holds_up_those_behind_it(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("again later", kind=Priority.REPLY)
        again = desk.watch.after(seconds=30)
        await desk.record(await desk.only_taken(), Status.QUEUED, retry_at=again)
        await desk.write("planned", kind=Priority.REPLY, due_at=desk.watch.after(hours=1))
        await desk.write("behind", kind=Priority.REPLY)
        assert list(await desk.store.take_replies(OURS, ANNA, 9)) == []
        desk.watch.wait(seconds=30)
        first, second = await desk.store.take_replies(OURS, ANNA, 9)
        assert words([first, second]) == ["again later", "behind"]
        await desk.record(second.outbound, Status.UNKNOWN, retry_at=desk.watch.after(minutes=1))
        await desk.record(first.outbound, Status.ACCEPTED)
        await desk.write("after a doubt", kind=Priority.REPLY)
        assert list(await desk.store.take_replies(OURS, ANNA, 9)) == []
        await desk.record(second.outbound, Status.UNKNOWN)
        assert words(await desk.store.take_replies(OURS, ANNA, 9)) == ["after a doubt"]
        await desk.store.close()

    async def test_no_reply_is_taken_for_a_person_who_opted_out(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("stop", consent="out")
        await desk.write("hello", kind=Priority.REPLY)
        await desk.write(
            "hello", to=BERT, kind=Priority.REPLY, good_until=desk.watch.after(hours=1)
        )
        assert list(await desk.store.take_replies(OURS, ANNA, 9)) == []
        desk.watch.wait(hours=1)
        assert list(await desk.store.take_replies(OURS, BERT, 9)) == []
        assert await desk.statuses(BERT) == ["hello: expired"]
        await desk.store.close()

    async def test_a_text_past_its_time_expires(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("stale", good_until=desk.watch.after(minutes=1))
        await desk.write("fresh")
        desk.watch.wait(minutes=1)
        assert await desk.take() == ["fresh"]
        assert await desk.statuses() == ["stale: expired", "fresh: sending"]
        await desk.store.close()

    async def test_only_the_numbers_own_texts_are_taken(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        assert list(await desk.store.numbers()) == [OURS]
        assert list(await desk.store.take(BERT, 10)) == []
        await desk.record(await desk.only_taken(), Status.ACCEPTED)
        assert list(await desk.store.numbers()) == []
        await desk.store.close()

    async def test_a_key_makes_a_text_once(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        first = await desk.write("hello", key="welcome")
        assert await desk.write("hello again", key="welcome") == first
        assert await desk.write("hello", key="welcome", to=BERT) != first
        await desk.hear("hi")
        claim = await desk.only_claim()
        drafts = [Draft(text="same", key="welcome"), Draft(text="new", key="n")] * 2
        await desk.store.finish([Finish(claim=claim, handled=1, drafts=drafts)])
        history = await desk.store.history(OURS, ANNA, 10)
        assert [entry.text for entry in history if entry.direction == "out"] == ["hello", "new"]
        await desk.store.close()

    async def test_a_text_out_comes_back_as_it_was(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        until = desk.watch.after(hours=1)
        media = ("https://example.com/a.png", "https://example.com/b.png")
        id = await desk.write("look\0 👀", media=media, good_until=until)
        outbound = await desk.only_taken()
        assert outbound == Outbound(
            id=id,
            sender=OURS,
            recipient=ANNA,
            text="look\ufffd 👀",
            attempt=1,
            at=desk.watch(),
            media=media,
            good_until=until,
        )
        await desk.store.close()

    async def test_numbers_of_ours_are_remembered(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        for ours in (OURS, ANNA, OURS):
            await desk.store.keep_number(ours)
        await desk.store.advance(BERT, "7")
        assert list(await desk.store.our_numbers()) == sorted([OURS, ANNA, BERT])
        await desk.store.close()

    # Texts out: ends

    async def test_an_attempt_of_unknown_end_is_asked_about_and_never_repeated_blindly(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        await desk.write("next")
        ask_at = desk.watch.after(seconds=40)
        await desk.record(await desk.only_taken(), Status.UNKNOWN, retry_at=ask_at)
        assert await desk.take() == []
        assert list(await desk.store.doubtful(OURS, 10)) == []
        assert (await desk.store.alarms()).check == ask_at
        desk.watch.wait(seconds=40)
        [doubt] = await desk.store.doubtful(OURS, 10)
        assert (doubt.outbound.text, doubt.outbound.attempt) == ("hello", 1)
        assert list(await desk.store.doubtful(OURS, 10)) == []
        check = (await desk.store.alarms()).check
        assert check is not None
        assert check > desk.watch()
        await desk.record(doubt.outbound, Status.ACCEPTED, provider_id="found")
        assert (await desk.store.census()).unknown == 0
        assert (await desk.store.alarms()).check is None
        await desk.store.close()

    async def test_a_doubt_of_minutes_holds_up_nothing(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        await desk.write("next")
        ask_at = desk.watch.after(seconds=600)
        await desk.record(await desk.only_taken(), Status.UNKNOWN, retry_at=ask_at)
        assert await desk.take() == ["next"]
        await desk.store.close()

    async def test_a_text_of_unknown_end_waits_for_a_person(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        await desk.record(await desk.only_taken(), Status.UNKNOWN)
        assert (await desk.store.alarms()) == Alarms()
        desk.watch.wait(days=30)
        assert list(await desk.store.doubtful(OURS, 10)) == []
        assert [thread.unknown for thread in await desk.store.threads(trouble=True)] == [1]
        assert await desk.store.resend(BERT) == 0
        assert await desk.store.resend(ANNA) == 1
        assert (await desk.only_taken()).attempt == 2
        await desk.store.close()

    async def test_statuses_only_go_forward(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        id = await desk.write("hello")
        outbound = await desk.only_taken()
        settled = await desk.store.settle(
            [Receipt(status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=id)]
        )
        assert [(text.id, status) for text, status in settled] == [(id, Status.DELIVERED)]
        await desk.record(outbound, Status.QUEUED, retry_at=desk.watch())
        await desk.record(outbound, Status.FAILED)
        await desk.record(outbound, Status.ACCEPTED, provider_id="p")
        late = [
            Receipt(status=status, provider_status=status.name, outbound_id=id) for status in Status
        ]
        assert list(await desk.store.settle(late)) == []
        assert await desk.statuses() == ["hello: delivered"]
        assert (await desk.store.history(OURS, ANNA, 1))[0].provider_id == "p"
        await desk.store.close()

    async def test_the_end_of_an_older_attempt_does_not_end_a_newer_one(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        first = await desk.only_taken()
        await desk.record(first, Status.QUEUED, retry_at=desk.watch())
        await desk.only_taken()
        for status in (Status.FAILED, Status.QUEUED, Status.UNKNOWN):
            await desk.record(first, status)
            assert await desk.statuses() == ["hello: sending"]
        await desk.store.close()

    async def test_receipts_find_their_texts_by_either_id(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        id = await desk.write("hello")
        await desk.record(await desk.only_taken(), Status.ACCEPTED, provider_id="p-1")
        sent = Receipt(status=Status.SENT, provider_status="SENT", provider_id="p-1")
        done = Receipt(
            status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=id, code="000"
        )
        assert list(await desk.store.settle([sent, sent])) == []
        assert await desk.statuses() == ["hello: sent"]
        assert len(await desk.store.settle([done, done])) == 1
        [entry] = await desk.store.history(OURS, ANNA, 10)
        assert list(entry.notes) == ["SENT", "DELIVRD (000)"]
        await desk.store.close()

    async def test_a_receipt_may_come_before_the_answer_to_the_send(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        outbound = await desk.only_taken()
        early = Receipt(status=Status.DELIVERED, provider_status="DELIVRD", provider_id="p-1")
        assert list(await desk.store.settle([early])) == []
        await desk.record(outbound, Status.ACCEPTED, provider_id="p-1")
        assert await desk.statuses() == ["hello: delivered"]
        await desk.store.close()

    async def test_a_receipt_that_contradicts_itself_is_ignored(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        id = await desk.write("hello")
        await desk.record(await desk.only_taken(), Status.ACCEPTED, provider_id="p-1")
        strange = [
            Receipt(status=Status.FAILED, provider_status="no", outbound_id=id, provider_id="p-2"),
            Receipt(status=Status.FAILED, provider_status="no", outbound_id="no id at all"),
            Receipt(status=Status.FAILED, provider_status="no", outbound_id="00" * 16 + "-1"),
            Receipt(status=Status.FAILED, provider_status="\0\ud800", provider_id="\0"),
            Receipt(status=Status.FAILED, provider_status="no"),
        ]
        assert list(await desk.store.settle(strange)) == []
        assert await desk.statuses() == ["hello: accepted"]
        await desk.store.close()

    async def test_an_accepted_text_is_asked_about_ever_later_for_seven_days(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello")
        await desk.record(await desk.only_taken(), Status.ACCEPTED, provider_id="p")
        began, asked = desk.watch(), list[float]()
        while (report := (await desk.store.alarms()).report) is not None:
            desk.watch.time = report
            [taken] = await desk.store.unreported(OURS, 10)
            assert (taken.outbound.provider_id, taken.outbound.attempt) == ("p", 1)
            assert list(await desk.store.unreported(OURS, 10)) == []
            asked.append((report - began).total_seconds())
        day = 86400.0
        assert asked == [15, 60, 300, 1800, 7200, 43200, *(day * n for n in range(1, 8))]
        await desk.store.close()

    async def test_news_ends_the_asking(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        id = await desk.write("hello")
        await desk.record(await desk.only_taken(), Status.ACCEPTED, provider_id="p")
        await desk.store.settle(
            [Receipt(status=Status.DELIVERED, provider_status="d", outbound_id=id)]
        )
        assert await desk.store.alarms() == Alarms()
        desk.watch.wait(days=1)
        assert list(await desk.store.unreported(OURS, 10)) == []
        await desk.store.close()

    # Alarms, our numbers, pruning

    async def test_alarms_tell_what_is_next_and_nothing_else(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert await desk.store.alarms() == Alarms()
        await desk.hear("hello")
        assert (await desk.store.alarms()).turn == desk.watch()
        claim = await desk.only_claim()
        assert (await desk.store.alarms()).turn is None
        await desk.finish(claim, "hi")
        assert await desk.store.alarms() == Alarms(send=desk.watch())
        outbound = await desk.only_taken()
        assert await desk.store.alarms() == Alarms()
        await desk.record(outbound, Status.ACCEPTED)
        assert await desk.store.alarms() == Alarms(report=desk.watch.after(seconds=15))
        await desk.store.close()

    async def test_reading_goes_on_where_it_stopped(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert await desk.store.cursor(OURS) == ""
        await desk.store.doubt_read(OURS)
        await desk.store.doubt_read(OURS)
        await desk.store.advance(OURS, "page 2")
        await desk.store.advance(OURS, "page 3")
        assert (await desk.store.cursor(OURS), await desk.store.cursor(BERT)) == ("page 3", "")
        assert (await desk.store.census()).doubtful_reads == 2
        await desk.store.close()

    async def test_a_secret_is_made_once(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        word = await desk.store.secret("path")
        assert len(word) >= 32
        assert await desk.store.secret("other") != word
        await desk.store.close()
        desk.store = await open_store(desk.watch)
        assert await desk.store.secret("path") == word
        await desk.store.close()

    async def test_a_secret_is_renewed_beside_the_old_one_until_that_is_retired(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        [first] = await desk.store.secrets("path")
        assert not await desk.store.retire_secret("path")
        assert await desk.store.renew_secret("path")
        second, old = await desk.store.secrets("path")
        assert (old, await desk.store.secret("path")) == (first, second)
        assert not await desk.store.renew_secret("path")
        assert await desk.store.retire_secret("path")
        assert list(await desk.store.secrets("path")) == [second]
        await desk.store.close()

    # Pictures

    async def test_a_texts_media_come_back_as_they_were(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        picture = Media(url="https://example.com/1", content_type="image/png", name="é\0.png")
        inline = Media(content=bytes(range(256)), content_type="image/gif")
        await desk.hear_media(picture, inline)
        await desk.hear("and words")
        claim = await desk.only_claim()
        shown = msgspec.structs.replace(picture, name="é\ufffd.png")
        assert [text.inbound.media for text in claim.texts] == [(shown, inline), ()]
        await desk.store.close()

    async def test_what_became_of_media_is_kept(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear_media(Media(url="https://example.com/1"))
        claim = await desk.only_claim()
        kept = Media(content_type="image/png", path="/media/1.png", size=7)
        assert await desk.store.keep_media(claim, claim.texts[0], [kept])
        await desk.store.release([claim])
        await desk.store.close()
        desk.store = await open_store(desk.watch)
        assert (await desk.only_claim()).texts[0].inbound.media == (kept,)
        await desk.store.close()

    async def test_what_is_postponed_is_due_later_or_with_a_new_text_or_with_its_media(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear_media(Media(url="https://example.com/1"))
        claim = await desk.only_claim()
        await desk.store.postpone([claim], desk.watch.after(minutes=1))
        assert list(await desk.store.claim(10)) == []
        assert (await desk.store.alarms()).turn == desk.watch.after(minutes=1)
        await desk.store.keep_media(claim, claim.texts[0], [Media(error="gone")])
        claim = await desk.only_claim()
        assert (claim.attempts, claim.texts[0].inbound.media[0].error) == (1, "gone")
        await desk.store.postpone([claim], desk.watch.after(minutes=1))
        await desk.hear("more")
        claim = await desk.only_claim()
        assert len(claim.texts) == 2
        await desk.store.postpone([claim], desk.watch.after(minutes=1))
        desk.watch.wait(minutes=1)
        assert await desk.finish(await desk.only_claim())
        await desk.store.close()

    async def test_a_claim_that_was_lost_postpones_nothing(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("hi")
        claim = await desk.only_claim()
        await desk.store.release([claim])
        again = await desk.only_claim()
        await desk.store.postpone([claim], desk.watch.after(minutes=1))
        assert await desk.finish(again)
        await desk.store.close()

    async def test_who_is_forgotten_leaves_the_paths_of_their_media_to_be_erased(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear_media(Media(url="https://example.com/1"), Media(url="https://…/2"))
        await desk.hear_media(Media(url="https://example.com/3"), sender=BERT)
        for claim in await desk.store.claim(10):
            kept = [Media(path=f"/media/{claim.theirs}.png"), Media(error="gone")]
            await desk.store.keep_media(claim, claim.texts[0], kept)
        assert list(await desk.store.discarded()) == []
        await desk.store.forget(ANNA)
        assert list(await desk.store.discarded()) == [f"/media/{ANNA}.png"]
        await desk.store.erased([f"/media/{ANNA}.png"])
        assert list(await desk.store.discarded()) == []
        await desk.store.close()

    async def test_media_that_come_after_their_person_was_forgotten_are_not_wanted(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear_media(Media(url="https://example.com/1"))
        claim = await desk.only_claim()
        await desk.store.forget(ANNA)
        assert not await desk.store.keep_media(claim, claim.texts[0], [Media(path="/media/1")])
        await desk.store.close()

    async def test_old_keys_are_forgotten_and_new_ones_kept(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("old", key="old")
        desk.watch.wait(days=40)
        await desk.hear("new", key="new")
        assert await desk.store.prune(desk.watch() - timedelta(days=35)) == 1
        assert list(await desk.hear("old", key="old")) == [True]
        assert list(await desk.hear("new", key="new")) == [False]
        await desk.store.close()

    async def test_all_is_there_after_a_restart(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("START")
        await desk.finish(await desk.only_claim(), "running", state=b"s")
        await desk.hear("TIME")
        await desk.only_claim()
        await desk.store.close()
        desk.store = await open_store(desk.watch)
        claim = await desk.only_claim()
        assert (claim.state, claim.now, claim.attempts) == (b"s", desk.watch(), 1)
        assert await desk.take() == ["running"]
        assert (await desk.store.census()).unclean_exits == 0
        await desk.store.close()

    # For people

    async def test_a_history_reads_as_it_was_said(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.write("hello there")
        for number in range(3):
            await desk.hear(f"text {number}")
            await desk.finish(await desk.only_claim(), f"reply {number}")
        texts = [entry.text for entry in await desk.store.history(OURS, ANNA, 5)]
        assert texts == ["reply 0", "text 1", "reply 1", "text 2", "reply 2"]
        assert list(await desk.store.history(OURS, BERT, 5)) == []
        await desk.store.close()

    async def test_conversations_are_listed_the_latest_first(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("one", "two")
        desk.watch.wait(seconds=1)
        await desk.hear("STOP", sender=BERT, consent="out")
        desk.watch.wait(seconds=1)
        await desk.write("hello", to=CLEO)
        cleo, bert, anna = await desk.store.threads()
        assert [cleo.theirs, bert.theirs, anna.theirs] == [CLEO, BERT, ANNA]
        assert (anna.texts_in, anna.texts_out, anna.pending, anna.opted_out) == (2, 0, 2, False)
        assert (bert.pending, bert.opted_out, cleo.texts_out) == (0, True, 1)
        assert cleo.last_at == desk.watch()
        assert [thread.theirs for thread in await desk.store.threads(limit=1)] == [CLEO]
        assert list(await desk.store.threads(trouble=True)) == []
        await desk.store.close()

    async def test_a_census_counts_each_kind(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        for status in (Status.UNKNOWN, Status.FAILED, Status.QUEUED):
            await desk.write(status.name)
            later = desk.watch.after(hours=1)
            await desk.record(await desk.only_taken(), status, retry_at=later)
        await desk.write("sending", to=BERT)
        await desk.only_taken()
        await desk.hear("bad", "good", "better")
        await desk.fail(await desk.only_claim(), None)
        census = await desk.store.census()
        assert (census.conversations, census.pending, census.set_aside) == (2, 2, 1)
        assert (census.queued, census.sending, census.unknown, census.failed) == (1, 1, 1, 1)
        await desk.store.close()

    async def test_a_forgotten_person_leaves_an_opt_out_and_keys(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("my secret", key="k")
        await desk.finish(await desk.only_claim(), "thanks", state=b"s")
        await desk.hear("STOP", consent="out")
        assert await desk.store.forget(ANNA)
        assert not await desk.store.forget(ANNA)
        assert list(await desk.store.history(OURS, ANNA, 10)) == []
        assert list(await desk.store.threads()) == []
        assert list(await desk.hear("my secret", key="k")) == [False]
        await desk.write("never sent")
        assert await desk.take() == []
        await desk.store.close()

    async def test_a_turn_under_way_writes_nothing_of_a_person_who_was_forgotten(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        first = await desk.write("hello")
        await desk.hear("hi")
        outbound, claim = await desk.only_taken(), await desk.only_claim()
        assert await desk.store.forget(ANNA)
        assert not await desk.finish(claim, "too late", state=b"s")
        await desk.record(outbound, Status.ACCEPTED, provider_id="p")
        assert list(await desk.store.history(OURS, ANNA, 10)) == []
        await desk.hear("hello again")
        assert await desk.write("back") not in {"", first}
        again = await desk.only_claim()
        assert (again.theirs, again.state, again.now) == (ANNA, None, None)
        assert again.texts[0].seq > claim.texts[0].seq
        await desk.store.close()
