"""Opt-outs: keywords, phrases, the provider's list and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from cooee.core.app.opt_out import ConsentChange
from cooee.core.messages import Priority, Status
from cooee.storage import (
    AttemptResult,
    ClaimResult,
    ConsentSource,
    NewInbound,
    NextDue,
    OptOut,
    ReceivedText,
    SenderConsent,
)
from cooee.testing.store_suite.harness import (
    ANNA,
    BERT,
    CLEO,
    OURS,
    StoreHarness,
)


class OptOutTests:
    """Promises about people who opt out, and opt in again (law 10)."""

    async def test_an_opt_out_word_reaches_no_handler_and_cancels_what_is_queued(
        self, harness: StoreHarness
    ) -> None:
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

    async def test_a_stored_opt_out_names_the_texts_that_it_cancelled(
        self, harness: StoreHarness
    ) -> None:
        ids = [await harness.enqueue(text) for text in ("one", "two")]
        stop = await harness.receive_one("STOP", consent="out")
        assert (stop.is_new, stop.opted_out) == (True, True)
        assert [(text.id, text.recipient, text.text) for text in stop.cancelled] == [
            (ids[0], ANNA, "one"),
            (ids[1], ANNA, "two"),
        ]
        again = await harness.receive_one("STOP", consent="out")
        assert again == ReceivedText(stop.id, is_new=False)
        hello = await harness.receive_one("hello")
        assert (hello.opted_out, list(hello.cancelled)) == (False, [])
        assert hello.id in {pending.id for pending in (await harness.claim_one()).texts}

    async def test_a_refusal_cancels_the_later_texts_and_a_retry_after_an_opt_out_itself(
        self, harness: StoreHarness
    ) -> None:
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

    async def test_an_opt_out_word_among_others_is_passed_over(self, harness: StoreHarness) -> None:
        await harness.receive("START")
        await harness.receive("STOP", consent="out")
        await harness.receive("TIME")
        claim = await harness.claim_one()
        assert [pending.reaches_handler for pending in claim.texts] == [True, False, True]
        assert await harness.finish(claim, "said after the STOP")
        assert await harness.take() == []
        assert list(await harness.store.claim(10)) == []

    async def test_opting_in_again_counts_from_then_on(self, harness: StoreHarness) -> None:
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

    async def test_a_text_knows_whether_its_sender_was_out_or_came_back_with_it(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("START", consent="in")  # who was in all along
        await harness.receive("STOP", consent="out")
        await harness.receive("START", consent="in")
        await harness.receive("START", consent="in")
        await harness.receive("STOP", consent="out")
        await harness.receive("hello", "yes")
        await harness.receive("UNSTOP", consent="in")
        texts = (await harness.claim_one()).texts
        consents = [text.consent.name for text in texts if text.reaches_handler]
        assert consents == ["IN", "BACK_IN", "IN", "OUT", "OUT", "BACK_IN"]

    async def test_a_text_that_is_retried_while_its_sender_is_out_says_so(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("before")
        await harness.fail(await harness.claim_one(), None)
        await harness.receive("STOP", consent="out")
        await harness.receive("meanwhile")
        await harness.fail(await harness.claim_one(), None)
        assert await harness.store.retry() == 2
        texts = (await harness.claim_one()).texts
        assert [text.consent for text in texts] == [SenderConsent.OUT] * 2

    async def test_a_word_of_the_providers_lifts_only_what_the_provider_keeps(
        self, harness: StoreHarness
    ) -> None:
        async def receive(text: str, consent: ConsentChange, *, at_provider: bool) -> ReceivedText:
            inbound = harness.new_inbound(text).inbound
            new = NewInbound(inbound, consent, at_provider=at_provider)
            return (await harness.store.receive([new]))[0]

        assert not (await receive("YES", "in", at_provider=True)).opted_in  # nothing to lift
        await receive("stop it", "out", at_provider=False)
        assert not (await receive("YES", "in", at_provider=True)).opted_in
        await receive("STOP", "out", at_provider=True)
        assert (await receive("YES", "in", at_provider=True)).opted_in
        await receive("stop it", "out", at_provider=False)
        await harness.store.record_opt_outs(OURS, [ANNA])
        assert (await receive("YES", "in", at_provider=True)).opted_in
        await harness.enqueue("news")
        outbound = await harness.take_one()
        await receive("stop it", "out", at_provider=False)
        await harness.record(outbound, Status.FAILED, opted_out=True)
        assert (await receive("YES", "in", at_provider=True)).opted_in
        await receive("STOP", "out", at_provider=True)
        assert (await receive("START", "in", at_provider=False)).opted_in
        assert (await harness.store.counts()).opted_out == 0

    async def test_an_opt_out_while_a_text_waits_to_be_tried_again_ends_it(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("news")
        outbound = await harness.take_one()
        await harness.receive("STOP", consent="out")
        await harness.record(outbound, Status.QUEUED, retry_at=harness.clock())
        assert await harness.take() == []
        assert "news: cancelled" in await harness.statuses()

    async def test_every_opt_out_leaves_its_proof(self, harness: StoreHarness) -> None:
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

    async def test_an_opt_out_outlives_its_person_whoever_asks(self, harness: StoreHarness) -> None:
        await harness.receive("STOP", consent="out")
        [before] = await harness.store.opt_outs(OURS, ANNA)
        assert await harness.store.forget(ANNA)
        [after] = await harness.store.opt_outs(OURS, ANNA)
        assert after == msgspec.structs.replace(before, text="")
        assert await harness.store.record_opt_outs(OURS, [ANNA, BERT]) == (1, [])
        assert list(await harness.store.conversations()) == []  # the list brings nobody back
        await harness.enqueue("news")
        assert await harness.take() == []
        assert await harness.statuses() == ["news: cancelled"]
        assert (await harness.receive_one("hello")).is_new
        [text] = (await harness.claim_one()).texts
        assert text.consent is SenderConsent.OUT
        assert (await harness.receive_one("START", consent="in")).opted_in
        [lifted] = await harness.store.opt_outs(OURS, ANNA)
        assert (lifted.since, lifted.lifted_text) == (before.since, "START")
        await harness.enqueue("welcome back")
        assert await harness.take() == ["welcome back"]

    async def test_a_person_who_only_opted_out_is_forgotten_too(
        self, harness: StoreHarness
    ) -> None:
        await harness.store.record_opt_outs(OURS, [ANNA])
        assert await harness.store.forget(ANNA)
        assert not await harness.store.forget(ANNA)
        assert len(await harness.store.opt_outs(OURS, ANNA)) == 1
        await harness.enqueue("news")
        assert await harness.take() == []

    async def test_a_refusal_of_a_text_to_a_person_who_was_forgotten_meanwhile_counts(
        self, harness: StoreHarness
    ) -> None:
        await harness.enqueue("news")
        outbound = await harness.take_one()
        assert await harness.store.forget(ANNA)
        await harness.record(outbound, Status.FAILED, opted_out=True)
        [opt_out] = await harness.store.opt_outs(OURS, ANNA)
        assert opt_out.source is ConsentSource.REFUSED
        assert list(await harness.store.conversations()) == []
        await harness.enqueue("news")
        assert await harness.take() == []

    async def test_people_on_the_providers_list_are_opted_out_from_then_on(
        self, harness: StoreHarness
    ) -> None:
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

    async def test_a_wish_in_plain_words_opts_out_unless_a_question_waits(
        self, harness: StoreHarness
    ) -> None:
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

    async def test_a_word_that_the_waiting_question_offers_opts_nobody_out(
        self, harness: StoreHarness
    ) -> None:
        async def is_opt_out(word: str, unless_offered: str) -> bool:
            new = NewInbound(harness.new_inbound(word).inbound, "out")
            new = msgspec.structs.replace(new, unless_offered=unless_offered)
            return (await harness.store.receive([new]))[0].opted_out

        async def finish(*, is_asking: bool | None, offered_words: Sequence[str]) -> None:
            claim = await harness.claim_one()
            result = ClaimResult(
                claim=claim,
                handled_seq=claim.texts[-1].seq,
                is_asking=is_asking,
                offered_words=offered_words,
            )
            assert await harness.finish_all(result) == [True]

        await harness.receive("hello")
        await finish(is_asking=True, offered_words=["baja", "cancel"])
        assert not await is_opt_out("Baja", "baja")
        await finish(is_asking=None, offered_words=[])  # keeps what was offered
        assert not await is_opt_out("CANCEL", "cancel")
        assert await is_opt_out("CANCEL", "")  # a word that the provider acts on
        assert await is_opt_out("STOP", "stop")
        await harness.receive("START", consent="in")
        await finish(is_asking=False, offered_words=[])
        assert await is_opt_out("Baja", "baja")
        await harness.receive("START", consent="in")
        await finish(is_asking=True, offered_words=["baja"])
        await harness.store.forget(ANNA)
        assert await is_opt_out("Baja", "baja")

    async def test_an_opt_out_at_the_provider_is_ours_too(self, harness: StoreHarness) -> None:
        await harness.enqueue("first")
        outbound = await harness.take_one()
        await harness.enqueue("second")
        await harness.record(outbound, Status.FAILED, opted_out=True)
        assert await harness.take() == []
        assert await harness.statuses() == ["first: failed", "second: cancelled"]
        assert (await harness.store.counts()).opted_out == 1
