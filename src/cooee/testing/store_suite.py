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
    AttemptResult,
    Claim,
    ClaimResult,
    ConsentSource,
    NewInbound,
    NewOutbound,
    NextDue,
    OptOut,
    ProactiveOutbound,
    ReceivedText,
    SendAttempt,
    Store,
    TurnFailure,
)

OpenStore: TypeAlias = Callable[[Callable[[], datetime]], Awaitable[Store]]

OURS = "+61491570006"
ANNA, BERT, CLEO = "+61491570156", "+61491570157", "+61491570158"


class ManualClock:
    """A clock that a test moves by hand; call it for the time."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.time

    def advance(self, **span: float) -> datetime:
        """Let time pass, such as ``minutes=5``."""
        self.time += timedelta(**span)
        return self.time

    def later(self, **span: float) -> datetime:
        """The time so much later."""
        return self.time + timedelta(**span)


class StoreHarness:
    """A store with its clock, and the few moves that most tests consist of."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock

    async def receive(
        self, *texts: str, sender: str = ANNA, key: str = "", consent: ConsentChange = ""
    ) -> Sequence[bool]:
        """Receive texts of one person, now; say of each whether it is new."""
        arrivals = [
            self.new_inbound(text, sender=sender, key=key, consent=consent) for text in texts
        ]
        return [received.is_new for received in await self.store.receive(arrivals)]

    async def receive_one(self, text: str, *, consent: ConsentChange = "") -> ReceivedText:
        """Receive one text, now; the store's result."""
        [received] = await self.store.receive([self.new_inbound(text, key=text, consent=consent)])
        return received

    def new_inbound(
        self, text: str, *, sender: str = ANNA, key: str = "", consent: ConsentChange = ""
    ) -> NewInbound:
        """A text as it comes in now."""
        now = self.clock()
        inbound = Inbound(
            sender=sender, recipient=OURS, text=text, received_at=now, sent_at=now, key=key
        )
        return NewInbound(inbound, consent)

    async def receive_media(self, *media: Media, sender: str = ANNA) -> None:
        """Receive a text of one person with media and no words, now."""
        new = self.new_inbound("", sender=sender)
        inbound = msgspec.structs.replace(new.inbound, media=media)
        assert [one.is_new for one in await self.store.receive([NewInbound(inbound)])] == [True]

    async def claim_one(self) -> Claim:
        """The one claim that there is to have."""
        [claim] = await self.store.claim(10)
        return claim

    async def finish(self, claim: Claim, *replies: str, state: bytes | None = None) -> bool:
        """End a claim whole, with these replies."""
        drafts = [NewOutbound(text=text) for text in replies]
        result = ClaimResult(
            claim=claim,
            handled_seq=claim.texts[-1].seq,
            last_turn_at=self.clock(),
            state=state,
            drafts=drafts,
        )
        return (await self.store.finish([result]))[0]

    async def fail(self, claim: Claim, retry_at: datetime | None, *, at: int = 0) -> None:
        """End a claim at its text `at` with a failure; those before it are handled."""
        seq = claim.texts[at].seq
        failure = TurnFailure(seq, "ValueError: no", retry_at)
        handled_seq = seq if retry_at is None else seq - 1
        result = ClaimResult(
            claim=claim, handled_seq=handled_seq, last_turn_at=self.clock(), failure=failure
        )
        assert list(await self.store.finish([result])) == [True]

    async def enqueue(self, text: str, *, to: str = ANNA, **fields: object) -> str:
        """Queue a text that we write first."""
        draft = NewOutbound(text=text, **{"priority": Priority.PROACTIVE, **fields})  # type: ignore[arg-type]  # a test's short form
        [id] = await self.store.enqueue([ProactiveOutbound(OURS, to, draft)])
        return id

    async def take_one(self) -> Outbound:
        """The one text that there is to send."""
        [taken] = await self.store.take(OURS, 10)
        return taken.outbound

    async def take(self, limit: int = 10) -> list[str]:
        """Take texts; their words."""
        return texts_of(await self.store.take(OURS, limit))

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
        result = AttemptResult(
            outbound=outbound,
            status=status,
            retry_at=retry_at,
            provider_id=provider_id,
            message="as it went",
            opted_out=opted_out,
        )
        await self.store.record_results([result])

    async def statuses(self, theirs: str = ANNA) -> list[str]:
        """The history of a conversation, as pairs of words and status."""
        entries = await self.store.history(OURS, theirs, 100)
        return [f"{entry.text}: {entry.status}" for entry in entries]


def texts_of(attempts: Sequence[SendAttempt]) -> list[str]:
    """The words of texts that were taken."""
    return [one.outbound.text for one in attempts]


class StoreSuite:
    """Every promise that `Store` makes, one test each."""

    __module__ = "cooee.testing"  # where users import it from

    async def make_harness(self, open_store: OpenStore) -> StoreHarness:
        """A desk with a fresh store."""
        clock = ManualClock()
        return StoreHarness(await open_store(clock), clock)

    # Receive

    async def test_texts_are_claimed_in_the_order_they_came(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert list(await harness.receive("one", "two")) == [True, True]
        await harness.receive("three")
        claim = await harness.claim_one()
        assert [pending.inbound.text for pending in claim.texts] == ["one", "two", "three"]
        assert [pending.seq for pending in claim.texts] == [1, 2, 3]
        assert (claim.ours, claim.theirs, claim.attempt) == (OURS, ANNA, 1)
        assert (claim.state, claim.last_turn_at) == (None, None)
        await harness.store.close()

    async def test_a_text_that_comes_twice_is_stored_once(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert list(await harness.receive("START", "START", key="id-1")) == [True, False]
        assert list(await harness.receive("START", key="id-1")) == [False]
        assert await harness.finish(await harness.claim_one())
        assert list(await harness.receive("START", key="id-1")) == [False]
        assert (await harness.store.counts()).pending == 0
        await harness.store.close()

    async def test_texts_without_a_key_are_always_new(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert list(await harness.receive("TIME", "TIME")) == [True, True]
        claim = await harness.claim_one()
        assert len({pending.id for pending in claim.texts}) == 2
        await harness.store.close()

    async def test_one_key_from_two_people_is_two_texts(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert list(await harness.receive("hello", key="1")) == [True]
        assert list(await harness.receive("hello", key="1", sender=BERT)) == [True]
        assert len(await harness.store.claim(10)) == 2
        await harness.store.close()

    async def test_what_no_database_can_hold_is_replaced_and_kept_raw(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        odd = "nul \0 and half \ud83d of an emoji"
        await harness.receive(odd, key="\ud800", sender="+6149\ud800")
        [text] = (await harness.claim_one()).texts
        assert text.inbound.text == "nul \ufffd and half \ufffd of an emoji"
        assert text.inbound.raw == odd.encode(errors="surrogatepass")
        assert text.inbound.sender == "+6149\ufffd"
        await harness.store.close()

    async def test_a_text_comes_back_as_it_was(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        inbound = Inbound(
            sender=ANNA,
            recipient=OURS,
            text="שלום 👋\r\n",
            received_at=harness.clock(),
            sent_at=harness.clock() - timedelta(seconds=2, milliseconds=250),
            provider_id="abc",
            raw=b"\xff",
        )
        await harness.store.receive([NewInbound(inbound)])
        [text] = (await harness.claim_one()).texts
        assert text.inbound == inbound
        await harness.store.close()

    # Claim, finish, release

    async def test_a_leased_conversation_is_nobody_elses(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("one")
        claim = await harness.claim_one()
        await harness.receive("two")
        assert list(await harness.store.claim(10)) == []
        assert await harness.finish(claim)
        later = await harness.claim_one()
        assert [pending.inbound.text for pending in later.texts] == ["two"]
        await harness.store.close()

    async def test_a_released_conversation_is_as_it_was(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("one")
        claim = await harness.claim_one()
        await harness.store.release([claim])
        assert not await harness.finish(claim, "too late")
        again = await harness.claim_one()
        assert (again.texts, again.attempt) == (claim.texts, 1)
        assert await harness.take() == []
        await harness.store.close()

    async def test_a_claim_brings_eight_texts_and_the_rest_follow(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive(*map(str, range(20)))
        heard: list[str] = []
        while claims := await harness.store.claim(10):
            assert len(claims[0].texts) <= 8
            heard += [pending.inbound.text for pending in claims[0].texts]
            assert await harness.finish(claims[0])
        assert heard == list(map(str, range(20)))
        await harness.store.close()

    async def test_a_claim_takes_no_more_than_was_asked_for_the_oldest_first(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        for sender in (CLEO, ANNA, BERT):
            await harness.receive("hello", sender=sender)
            harness.clock.advance(seconds=1)
        assert [claim.theirs for claim in await harness.store.claim(2)] == [CLEO, ANNA]
        assert [claim.theirs for claim in await harness.store.claim(2)] == [BERT]
        await harness.store.close()

    async def test_a_finish_is_whole_and_counts_once(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("START")
        claim = await harness.claim_one()
        assert await harness.finish(claim, "running", "really", state=b"state")
        assert not await harness.finish(claim, "again", state=b"other")
        assert await harness.take() == ["running"]
        assert await harness.statuses() == ["START: handled", "running: sending", "really: queued"]
        await harness.receive("TIME")
        assert (await harness.claim_one()).state == b"state"
        await harness.store.close()

    async def test_a_turn_without_a_new_state_keeps_the_old(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        for state in (b"kept", None):
            await harness.receive("text")
            assert await harness.finish(await harness.claim_one(), state=state)
        await harness.receive("text")
        assert (await harness.claim_one()).state == b"kept"
        await harness.store.close()

    async def test_a_conversations_clock_never_goes_back(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        noon = harness.clock()
        for now in (noon, noon - timedelta(minutes=5), None):
            await harness.receive("text")
            claim = await harness.claim_one()
            await harness.store.finish(
                [ClaimResult(claim=claim, handled_seq=claim.texts[-1].seq, last_turn_at=now)]
            )
        await harness.receive("text")
        assert (await harness.claim_one()).last_turn_at == noon
        await harness.store.close()

    async def test_one_lost_lease_harms_no_other_turn_of_the_batch(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("a")
        await harness.receive("b", sender=BERT)
        first, second = await harness.store.claim(10)
        await harness.store.release([first])
        results = [ClaimResult(claim=claim, handled_seq=1, state=b"x") for claim in (first, second)]
        assert list(await harness.store.finish(results)) == [False, True]
        assert (await harness.claim_one()).state is None
        await harness.store.close()

    # Failures

    async def test_a_failed_text_comes_again_and_later_ones_wait(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_what_came_before_a_failed_text_is_over(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("bad")
        await harness.fail(await harness.claim_one(), harness.clock())
        await harness.receive("worse")
        await harness.fail(await harness.claim_one(), harness.clock(), at=1)
        claim = await harness.claim_one()
        assert [pending.inbound.text for pending in claim.texts] == ["worse"]
        assert claim.attempt == 2  # its own second, whatever the text before it needed
        await harness.store.close()

    async def test_a_text_set_aside_lets_later_ones_go_on(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("bad", "good")
        id = (claim := await harness.claim_one()).texts[0].id
        await harness.fail(claim, None)
        claim = await harness.claim_one()
        assert (claim.texts[0].inbound.text, claim.attempt) == ("good", 1)
        assert await harness.finish(claim)
        assert await harness.statuses() == ["bad: set aside", "good: handled"]
        assert (await harness.store.history(OURS, ANNA, 2))[0].error == "ValueError: no"
        assert [
            summary.set_aside for summary in await harness.store.conversations(troubled_only=True)
        ] == [1]

        assert await harness.store.retry(BERT) == 0
        assert await harness.store.retry(ANNA) == 1
        [text] = (claim := await harness.claim_one()).texts
        assert (text.inbound.text, text.id, text.seq) == ("bad", id, 3)
        assert await harness.finish(claim)
        assert list(await harness.store.claim(10)) == []
        assert list(await harness.store.conversations(troubled_only=True)) == []
        await harness.store.close()

    # Opt-out

    async def test_an_opt_out_word_reaches_no_handler_and_cancels_what_is_queued(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("news", priority=Priority.BULK)
        await harness.receive("STOP", consent="out")
        assert list(await harness.store.claim(10)) == []
        assert await harness.store.next_due() == NextDue()
        assert await harness.take() == []
        await harness.enqueue("more news")
        assert await harness.take() == []
        assert sorted(await harness.statuses()) == [
            "STOP: opt-out",
            "more news: cancelled",
            "news: cancelled",
        ]
        counts = await harness.store.counts()
        assert (counts.opted_out, counts.pending, counts.queued) == (1, 0, 0)
        await harness.store.close()

    async def test_whoever_stores_an_opt_out_learns_which_texts_it_cancelled(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        ids = [await harness.enqueue(text) for text in ("one", "two")]
        stop = await harness.receive_one("STOP", consent="out")
        assert (stop.is_new, stop.opted_out) == (True, True)
        assert [(text.id, text.recipient, text.text) for text in stop.cancelled] == [
            (ids[0], ANNA, "one"),
            (ids[1], ANNA, "two"),
        ]
        again = await harness.receive_one("STOP", consent="out")
        assert again == ReceivedText(stop.id, is_new=False)
        [hello] = [await harness.receive_one("hello")]
        assert (hello.opted_out, list(hello.cancelled)) == (False, [])
        assert hello.id in {pending.id for pending in (await harness.claim_one()).texts}
        await harness.store.close()

    async def test_a_refusal_cancels_the_later_texts_and_a_retry_after_an_opt_out_itself(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("one")
        refused = AttemptResult(
            outbound=await harness.take_one(), status=Status.FAILED, opted_out=True
        )
        await harness.enqueue("two", to=BERT)
        retried = AttemptResult(
            outbound=await harness.take_one(), status=Status.QUEUED, retry_at=harness.clock()
        )
        later = await harness.enqueue("three")
        await harness.receive("STOP", sender=BERT, consent="out")
        cancelled = await harness.store.record_results([refused, retried])
        assert {text.id for text in cancelled} == {later, retried.outbound.id}
        await harness.store.close()

    async def test_an_opt_out_word_among_others_is_passed_over(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("START")
        await harness.receive("STOP", consent="out")
        await harness.receive("TIME")
        claim = await harness.claim_one()
        assert [pending.reaches_handler for pending in claim.texts] == [True, False, True]
        assert await harness.finish(claim, "said after the STOP")
        assert await harness.take() == []
        assert list(await harness.store.claim(10)) == []
        await harness.store.close()

    async def test_opting_in_again_counts_from_then_on(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        for _ in range(2):
            await harness.receive("STOP", consent="out")
            await harness.enqueue("lost")
            await harness.receive("START", consent="in")
        await harness.enqueue("heard")
        assert await harness.take() == ["heard"]
        runs = [
            pending.inbound.text
            for pending in (await harness.claim_one()).texts
            if pending.reaches_handler
        ]
        assert runs == ["START", "START"]
        await harness.store.close()

    async def test_a_text_that_opted_in_says_so_and_no_other(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("START", consent="in")  # who was in all along
        await harness.receive("STOP", consent="out")
        await harness.receive("START", consent="in")
        await harness.receive("START", consent="in")
        returns = [pending.opts_back_in for pending in (await harness.claim_one()).texts]
        assert returns == [False, False, True, False]
        await harness.store.close()

    async def test_an_opt_out_while_a_text_waits_to_be_tried_again_ends_it(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("news")
        outbound = await harness.take_one()
        await harness.receive("STOP", consent="out")
        await harness.record(outbound, Status.QUEUED, retry_at=harness.clock())
        assert await harness.take() == []
        assert "news: cancelled" in await harness.statuses()
        await harness.store.close()

    async def test_every_opt_out_leaves_its_proof(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        began = harness.clock()
        await harness.receive("Stop!", consent="out")
        await harness.receive("STOP", consent="out")  # who is out already is not out from now on
        harness.clock.advance(days=1)
        await harness.receive("start", consent="in")
        await harness.receive("START", consent="in")
        harness.clock.advance(days=1)
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.FAILED, opted_out=True)
        first, second = await harness.store.opt_outs(OURS, ANNA)
        assert first == OptOut(
            since=began,
            source=ConsentSource.KEYWORD,
            text="Stop!",
            lifted_at=began + timedelta(days=1),
            lifted_source=ConsentSource.KEYWORD,
            lifted_text="start",
        )
        assert second == OptOut(since=harness.clock(), source=ConsentSource.REFUSED)
        assert list(await harness.store.opt_outs(OURS, BERT)) == []
        await harness.store.forget(ANNA)
        assert [one.text for one in await harness.store.opt_outs(OURS, ANNA)] == ["", ""]
        await harness.store.close()

    async def test_who_is_on_the_providers_list_is_out_from_then_on(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("news")
        await harness.receive("STOP", sender=BERT, consent="out")
        new_count, cancelled = await harness.store.record_opt_outs(OURS, [ANNA, BERT, CLEO])
        assert (new_count, [text.text for text in cancelled]) == (2, ["news"])
        assert await harness.store.record_opt_outs(OURS, [ANNA, BERT, CLEO]) == (0, [])
        await harness.enqueue("hello", to=CLEO)
        assert await harness.take() == []
        [opt_out] = await harness.store.opt_outs(OURS, CLEO)
        assert opt_out == OptOut(since=harness.clock(), source=ConsentSource.PROVIDER)
        [opt_out] = await harness.store.opt_outs(OURS, BERT)
        assert opt_out.source is ConsentSource.KEYWORD
        await harness.receive("START", sender=CLEO, consent="in")
        await harness.enqueue("hello", to=CLEO)
        assert await harness.take() == ["hello"]
        await harness.store.close()

    async def test_a_wish_in_plain_words_opts_out_unless_a_question_waits(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        wish = "please stop texting me"
        for asks in (True, None):
            await harness.receive("hello")
            claim = await harness.claim_one()
            await harness.store.finish(
                [ClaimResult(claim=claim, handled_seq=claim.texts[-1].seq, is_asking=asks)]
            )
            await harness.receive(wish, consent="wish")
            [pending] = (claim := await harness.claim_one()).texts
            assert pending.reaches_handler
            await harness.finish(claim)
        await harness.receive("STOP", sender=BERT, consent="wish")  # of whom nothing was known
        await harness.receive("hello")
        await harness.store.finish(
            [ClaimResult(claim=await harness.claim_one(), handled_seq=5, is_asking=False)]
        )
        await harness.receive(wish, consent="wish")
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.counts()).opted_out == 2
        await harness.store.close()

    async def test_what_is_deferred_was_never_attempted(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_an_opt_out_at_the_provider_is_ours_too(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("first")
        outbound = await harness.take_one()
        await harness.enqueue("second")
        await harness.record(outbound, Status.FAILED, opted_out=True)
        assert await harness.take() == []
        assert await harness.statuses() == ["first: failed", "second: cancelled"]
        assert (await harness.store.counts()).opted_out == 1
        await harness.store.close()

    # Texts out: order

    async def test_each_persons_texts_go_one_after_the_other(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        for text in ("one", "two"):
            await harness.enqueue(text)
            await harness.enqueue(text, to=BERT)
        first, second = [taken.outbound for taken in await harness.store.take(OURS, 10)]
        assert (first.text, second.text) == ("one", "one")
        assert await harness.take() == []
        assert (await harness.store.next_due()).send is None
        await harness.record(first, Status.ACCEPTED, provider_id="p1")
        assert [(await harness.take_one()).recipient] == [first.recipient]
        await harness.store.close()

    async def test_a_text_that_is_tried_again_holds_up_later_ones(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("one")
        await harness.enqueue("two")
        again = harness.clock.later(minutes=1)
        await harness.record(await harness.take_one(), Status.QUEUED, retry_at=again)
        assert await harness.take() == []
        assert (await harness.store.next_due()).send == again
        harness.clock.advance(minutes=1)
        outbound = await harness.take_one()
        assert (outbound.text, outbound.attempt, outbound.at) == ("one", 2, harness.clock())
        await harness.store.close()

    async def test_a_text_for_later_holds_up_nobody(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("reminder", due_at=harness.clock.later(days=1))
        await harness.enqueue("now")
        assert await harness.take() == ["now"]
        assert (await harness.store.next_due()).send == harness.clock.later(days=1)
        await harness.store.close()

    async def test_a_reply_overtakes_bulk_and_bulk_never_a_reply(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("bulk 1", priority=Priority.BULK)
        await harness.enqueue("reply", priority=Priority.REPLY)
        await harness.enqueue("bulk 2", priority=Priority.BULK)
        assert await harness.take() == ["reply", "bulk 1"]
        assert await harness.take() == []
        await harness.store.close()

    async def test_bulk_gets_a_tenth_even_when_replies_are_many(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_conversations_replies_are_taken_together_and_in_order(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_what_holds_up_a_reply_holds_up_those_behind_it(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_no_reply_is_taken_for_a_person_who_opted_out(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("stop", consent="out")
        await harness.enqueue("hello", priority=Priority.REPLY)
        await harness.enqueue(
            "hello", to=BERT, priority=Priority.REPLY, good_until=harness.clock.later(hours=1)
        )
        assert list(await harness.store.take_replies(OURS, ANNA, 9)) == []
        harness.clock.advance(hours=1)
        assert list(await harness.store.take_replies(OURS, BERT, 9)) == []
        assert await harness.statuses(BERT) == ["hello: expired"]
        await harness.store.close()

    async def test_a_text_past_its_time_expires(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("stale", good_until=harness.clock.later(minutes=1))
        await harness.enqueue("fresh")
        harness.clock.advance(minutes=1)
        assert await harness.take() == ["fresh"]
        assert await harness.statuses() == ["stale: expired", "fresh: sending"]
        await harness.store.close()

    async def test_only_the_numbers_own_texts_are_taken(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        assert list(await harness.store.numbers_with_unsent()) == [OURS]
        assert list(await harness.store.take(BERT, 10)) == []
        await harness.record(await harness.take_one(), Status.ACCEPTED)
        assert list(await harness.store.numbers_with_unsent()) == []
        await harness.store.close()

    async def test_a_key_makes_a_text_once(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        first = await harness.enqueue("hello", key="welcome")
        assert await harness.enqueue("hello again", key="welcome") == first
        assert await harness.enqueue("hello", key="welcome", to=BERT) != first
        await harness.receive("hi")
        claim = await harness.claim_one()
        drafts = [NewOutbound(text="same", key="welcome"), NewOutbound(text="new", key="n")] * 2
        await harness.store.finish([ClaimResult(claim=claim, handled_seq=1, drafts=drafts)])
        history = await harness.store.history(OURS, ANNA, 10)
        assert [entry.text for entry in history if entry.direction == "out"] == ["hello", "new"]
        await harness.store.close()

    async def test_a_text_out_comes_back_as_it_was(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_numbers_of_ours_are_remembered(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        for ours in (OURS, ANNA, OURS):
            await harness.store.add_our_number(ours)
        await harness.store.set_cursor(BERT, "7")
        assert list(await harness.store.our_numbers()) == sorted([OURS, ANNA, BERT])
        await harness.store.close()

    # Texts out: ends

    async def test_an_attempt_of_unknown_end_is_asked_about_and_never_repeated_blindly(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        await harness.enqueue("next")
        ask_at = harness.clock.later(seconds=40)
        await harness.record(await harness.take_one(), Status.UNKNOWN, retry_at=ask_at)
        assert await harness.take() == []
        assert list(await harness.store.due_lookups(OURS, 10)) == []
        assert (await harness.store.next_due()).lookup == ask_at
        harness.clock.advance(seconds=40)
        [doubt] = await harness.store.due_lookups(OURS, 10)
        assert (doubt.outbound.text, doubt.outbound.attempt) == ("hello", 1)
        assert list(await harness.store.due_lookups(OURS, 10)) == []
        check = (await harness.store.next_due()).lookup
        assert check is not None
        assert check > harness.clock()
        await harness.record(doubt.outbound, Status.ACCEPTED, provider_id="found")
        assert (await harness.store.counts()).unknown == 0
        assert (await harness.store.next_due()).lookup is None
        await harness.store.close()

    async def test_a_doubt_of_minutes_holds_up_nothing(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        await harness.enqueue("next")
        ask_at = harness.clock.later(seconds=600)
        await harness.record(await harness.take_one(), Status.UNKNOWN, retry_at=ask_at)
        assert await harness.take() == ["next"]
        await harness.store.close()

    async def test_a_text_of_unknown_end_waits_for_a_person(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.UNKNOWN)
        assert (await harness.store.next_due()) == NextDue()
        harness.clock.advance(days=30)
        assert list(await harness.store.due_lookups(OURS, 10)) == []
        assert [
            summary.unknown for summary in await harness.store.conversations(troubled_only=True)
        ] == [1]
        assert await harness.store.resend(BERT) == 0
        assert await harness.store.resend(ANNA) == 1
        assert (await harness.take_one()).attempt == 2
        await harness.store.close()

    async def test_statuses_only_go_forward(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        id = await harness.enqueue("hello")
        outbound = await harness.take_one()
        settled = await harness.store.apply_receipts(
            [Receipt(status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=id)]
        )
        assert [(text.id, status) for text, status in settled] == [(id, Status.DELIVERED)]
        await harness.record(outbound, Status.QUEUED, retry_at=harness.clock())
        await harness.record(outbound, Status.FAILED)
        await harness.record(outbound, Status.ACCEPTED, provider_id="p")
        late = [
            Receipt(status=status, provider_status=status.name, outbound_id=id) for status in Status
        ]
        assert list(await harness.store.apply_receipts(late)) == []
        assert await harness.statuses() == ["hello: delivered"]
        assert (await harness.store.history(OURS, ANNA, 1))[0].provider_id == "p"
        await harness.store.close()

    async def test_the_end_of_an_older_attempt_does_not_end_a_newer_one(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        first = await harness.take_one()
        await harness.record(first, Status.QUEUED, retry_at=harness.clock())
        await harness.take_one()
        for status in (Status.FAILED, Status.QUEUED, Status.UNKNOWN):
            await harness.record(first, status)
            assert await harness.statuses() == ["hello: sending"]
        await harness.store.close()

    async def test_receipts_find_their_texts_by_either_id(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        id = await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p-1")
        sent = Receipt(status=Status.SENT, provider_status="SENT", provider_id="p-1")
        done = Receipt(
            status=Status.DELIVERED, provider_status="DELIVRD", outbound_id=id, code="000"
        )
        assert list(await harness.store.apply_receipts([sent, sent])) == []
        assert await harness.statuses() == ["hello: sent"]
        assert len(await harness.store.apply_receipts([done, done])) == 1
        [entry] = await harness.store.history(OURS, ANNA, 10)
        assert list(entry.notes) == ["SENT", "DELIVRD (000)"]
        await harness.store.close()

    async def test_a_receipt_may_come_before_the_answer_to_the_send(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        outbound = await harness.take_one()
        early = Receipt(status=Status.DELIVERED, provider_status="DELIVRD", provider_id="p-1")
        assert list(await harness.store.apply_receipts([early])) == []
        await harness.record(outbound, Status.ACCEPTED, provider_id="p-1")
        assert await harness.statuses() == ["hello: delivered"]
        await harness.store.close()

    async def test_a_receipt_that_contradicts_itself_is_ignored(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        id = await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p-1")
        strange = [
            Receipt(status=Status.FAILED, provider_status="no", outbound_id=id, provider_id="p-2"),
            Receipt(status=Status.FAILED, provider_status="no", outbound_id="no id at all"),
            Receipt(status=Status.FAILED, provider_status="no", outbound_id="00" * 16 + "-1"),
            Receipt(status=Status.FAILED, provider_status="\0\ud800", provider_id="\0"),
            Receipt(status=Status.FAILED, provider_status="no"),
        ]
        assert list(await harness.store.apply_receipts(strange)) == []
        assert await harness.statuses() == ["hello: accepted"]
        await harness.store.close()

    async def test_an_accepted_text_is_asked_about_ever_later_for_seven_days(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p")
        began, asked = harness.clock(), list[float]()
        while (report := (await harness.store.next_due()).status_check) is not None:
            harness.clock.time = report
            [taken] = await harness.store.due_status_checks(OURS, 10)
            assert (taken.outbound.provider_id, taken.outbound.attempt) == ("p", 1)
            assert list(await harness.store.due_status_checks(OURS, 10)) == []
            asked.append((report - began).total_seconds())
        day = 86400.0
        assert asked == [15, 60, 300, 1800, 7200, 43200, *(day * n for n in range(1, 8))]
        await harness.store.close()

    async def test_news_ends_the_asking(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        id = await harness.enqueue("hello")
        await harness.record(await harness.take_one(), Status.ACCEPTED, provider_id="p")
        await harness.store.apply_receipts(
            [Receipt(status=Status.DELIVERED, provider_status="d", outbound_id=id)]
        )
        assert await harness.store.next_due() == NextDue()
        harness.clock.advance(days=1)
        assert list(await harness.store.due_status_checks(OURS, 10)) == []
        await harness.store.close()

    # Alarms, our numbers, pruning

    async def test_next_due_is_what_is_next_and_nothing_else(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert await harness.store.next_due() == NextDue()
        await harness.receive("hello")
        assert (await harness.store.next_due()).turn == harness.clock()
        claim = await harness.claim_one()
        assert (await harness.store.next_due()).turn is None
        await harness.finish(claim, "hi")
        assert await harness.store.next_due() == NextDue(send=harness.clock())
        outbound = await harness.take_one()
        assert await harness.store.next_due() == NextDue()
        await harness.record(outbound, Status.ACCEPTED)
        assert await harness.store.next_due() == NextDue(
            status_check=harness.clock.later(seconds=15)
        )
        await harness.store.close()

    async def test_reading_goes_on_where_it_stopped(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert await harness.store.get_cursor(OURS) == ""
        await harness.store.count_lost_read(OURS)
        await harness.store.count_lost_read(OURS)
        await harness.store.set_cursor(OURS, "page 2")
        await harness.store.set_cursor(OURS, "page 3")
        assert (await harness.store.get_cursor(OURS), await harness.store.get_cursor(BERT)) == (
            "page 3",
            "",
        )
        assert (await harness.store.counts()).lost_reads == 2
        await harness.store.close()

    async def test_a_secret_is_made_once(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        word = await harness.store.secret("path")
        assert len(word) >= 32
        assert await harness.store.secret("other") != word
        await harness.store.close()
        harness.store = await open_store(harness.clock)
        assert await harness.store.secret("path") == word
        await harness.store.close()

    async def test_a_secret_is_renewed_beside_the_old_one_until_that_is_retired(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        [first] = await harness.store.secrets("path")
        assert not await harness.store.retire_secret("path")
        assert await harness.store.rotate_secret("path")
        second, old = await harness.store.secrets("path")
        assert (old, await harness.store.secret("path")) == (first, second)
        assert not await harness.store.rotate_secret("path")
        assert await harness.store.retire_secret("path")
        assert list(await harness.store.secrets("path")) == [second]
        await harness.store.close()

    # Pictures

    async def test_a_texts_media_come_back_as_they_were(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        picture = Media(url="https://example.com/1", content_type="image/png", name="é\0.png")
        inline = Media(content=bytes(range(256)), content_type="image/gif")
        await harness.receive_media(picture, inline)
        await harness.receive("and words")
        claim = await harness.claim_one()
        shown = msgspec.structs.replace(picture, name="é\ufffd.png")
        assert [text.inbound.media for text in claim.texts] == [(shown, inline), ()]
        await harness.store.close()

    async def test_what_became_of_media_is_kept(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        kept = Media(content_type="image/png", path="/media/1.png", size=7)
        assert await harness.store.save_media(claim, claim.texts[0], [kept])
        await harness.store.release([claim])
        await harness.store.close()
        harness.store = await open_store(harness.clock)
        assert (await harness.claim_one()).texts[0].inbound.media == (kept,)
        await harness.store.close()

    async def test_what_is_postponed_is_due_later_or_with_a_new_text_or_with_its_media(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.next_due()).turn == harness.clock.later(minutes=1)
        await harness.store.save_media(claim, claim.texts[0], [Media(error="gone")])
        claim = await harness.claim_one()
        assert (claim.attempt, claim.texts[0].inbound.media[0].error) == (1, "gone")
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        await harness.receive("more")
        claim = await harness.claim_one()
        assert len(claim.texts) == 2
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        harness.clock.advance(minutes=1)
        assert await harness.finish(await harness.claim_one())
        await harness.store.close()

    async def test_a_claim_that_was_lost_postpones_nothing(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("hi")
        claim = await harness.claim_one()
        await harness.store.release([claim])
        again = await harness.claim_one()
        await harness.store.postpone([claim], harness.clock.later(minutes=1))
        assert await harness.finish(again)
        await harness.store.close()

    async def test_who_is_forgotten_leaves_the_paths_of_their_media_to_be_erased(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive_media(Media(url="https://example.com/1"), Media(url="https://…/2"))
        await harness.receive_media(Media(url="https://example.com/3"), sender=BERT)
        for claim in await harness.store.claim(10):
            kept = [Media(path=f"/media/{claim.theirs}.png"), Media(error="gone")]
            await harness.store.save_media(claim, claim.texts[0], kept)
        assert list(await harness.store.media_to_erase()) == []
        await harness.store.forget(ANNA)
        assert list(await harness.store.media_to_erase()) == [f"/media/{ANNA}.png"]
        await harness.store.mark_media_erased([f"/media/{ANNA}.png"])
        assert list(await harness.store.media_to_erase()) == []
        await harness.store.close()

    async def test_media_that_come_after_their_person_was_forgotten_are_not_wanted(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive_media(Media(url="https://example.com/1"))
        claim = await harness.claim_one()
        await harness.store.forget(ANNA)
        assert not await harness.store.save_media(claim, claim.texts[0], [Media(path="/media/1")])
        await harness.store.close()

    async def test_old_keys_are_forgotten_and_new_ones_kept(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("old", key="old")
        harness.clock.advance(days=40)
        await harness.receive("new", key="new")
        assert await harness.store.prune(harness.clock() - timedelta(days=35)) == 1
        assert list(await harness.receive("old", key="old")) == [True]
        assert list(await harness.receive("new", key="new")) == [False]
        await harness.store.close()

    async def test_all_is_there_after_a_restart(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    # For people

    async def test_a_history_reads_as_it_was_said(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.enqueue("hello there")
        for number in range(3):
            await harness.receive(f"text {number}")
            await harness.finish(await harness.claim_one(), f"reply {number}")
        texts = [entry.text for entry in await harness.store.history(OURS, ANNA, 5)]
        assert texts == ["reply 0", "text 1", "reply 1", "text 2", "reply 2"]
        assert list(await harness.store.history(OURS, BERT, 5)) == []
        await harness.store.close()

    async def test_conversations_are_listed_the_latest_first(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_counts_are_of_each_kind(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_forgotten_person_leaves_an_opt_out_and_keys(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_turn_under_way_writes_nothing_of_a_person_who_was_forgotten(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()
