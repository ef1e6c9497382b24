"""Failures of timers: retries, set-aside timers and new code versions."""

from __future__ import annotations

from cooee.storage import (
    ClaimResult,
    TurnFailure,
)
from cooee.storage.summaries import TROUBLED
from cooee.testing.dialogue_store_suite.harness import (
    begin_dialogue,
    dialogue_update,
    finish_claim,
    next_turn_due,
    set_timer_aside,
)
from cooee.testing.store_suite.harness import ANNA, BERT, CLEO, StoreHarness


class DialogueFailureTests:
    """Promises about timers that fail, and about `Store.retry_after_deploy`."""

    async def test_a_timer_that_failed_fires_again(self, harness: StoreHarness) -> None:
        await begin_dialogue(harness)
        later = harness.clock.later(seconds=5)
        failure = TurnFailure(0, "ValueError: \ud83d", later, dialogue_id="d")
        assert await finish_claim(harness, await harness.claim_one(), failure=failure)
        assert list(await harness.store.claim(10)) == []
        assert await next_turn_due(harness) == later
        harness.clock.advance(seconds=5)
        claim = await harness.claim_one()
        [dialogue] = claim.dialogues
        assert (dialogue.failed_attempts, dialogue.error) == (1, "ValueError: \ufffd")
        assert await finish_claim(harness, claim, dialogue_update(due_at=harness.clock()))
        [dialogue] = (await harness.claim_one()).dialogues
        assert (dialogue.failed_attempts, dialogue.error) == (0, "")

    async def test_a_timer_set_aside_is_counted_and_waits_for_an_operator(
        self, harness: StoreHarness
    ) -> None:
        await begin_dialogue(harness)
        await begin_dialogue(harness, to=BERT, due_at=harness.clock.later(days=1))
        await set_timer_aside(harness)
        assert await next_turn_due(harness) == harness.clock.later(days=1)
        counts = await harness.store.counts()
        assert (counts.open_dialogues, counts.stuck_dialogues, counts.set_aside) == (2, 1, 0)
        [summary] = await harness.store.conversations(TROUBLED)
        assert (summary.theirs, summary.set_aside) == (ANNA, 1)
        assert await harness.store.retry(BERT) == 0
        assert await harness.store.retry(ANNA) == 1
        assert await harness.store.retry() == 0
        [dialogue] = (await harness.claim_one()).dialogues
        assert (dialogue.failed_attempts, dialogue.error) == (0, "ValueError: no")
        assert (await harness.store.counts()).stuck_dialogues == 0

    async def test_a_timer_set_aside_holds_up_no_text_and_one_that_ends_well_mends_it(
        self, harness: StoreHarness
    ) -> None:
        await begin_dialogue(harness)
        await set_timer_aside(harness, code_version="v1")
        await harness.receive("hello")
        claim = await harness.claim_one()
        [dialogue] = claim.dialogues
        assert (dialogue.failed_attempts, dialogue.due_at) == (1, None)
        assert await finish_claim(harness, claim, dialogue_update("d", b"1"))
        assert (await harness.store.counts()).stuck_dialogues == 0
        assert await harness.store.retry_after_deploy("v2", []) == 0

    async def test_a_new_code_version_retries_texts_and_timers_that_the_old_one_set_aside(
        self, harness: StoreHarness
    ) -> None:
        for person, code_version in ((ANNA, "v1"), (BERT, "")):
            await harness.receive("bad", sender=person)
            failure = TurnFailure(1, "ValueError: no", None, code_version)
            assert await finish_claim(harness, await harness.claim_one(), failure=failure)
            await begin_dialogue(harness, to=person)
            await set_timer_aside(harness, code_version=code_version)
        assert await harness.store.retry_after_deploy("v1", []) == 0
        assert await next_turn_due(harness) is None
        assert await harness.store.retry_after_deploy("v2", []) == 2
        assert await harness.store.retry_after_deploy("v3", []) == 0
        claim = await harness.claim_one()
        assert (claim.theirs, [text.seq for text in claim.texts]) == (ANNA, [2])
        [dialogue] = claim.dialogues
        assert (dialogue.due_at, dialogue.failed_attempts) == (harness.clock(), 0)
        counts = await harness.store.counts()
        assert (counts.set_aside, counts.stuck_dialogues) == (1, 1)
        assert await harness.store.retry() == 2

    async def test_a_new_code_version_makes_waiting_retries_due_at_once(
        self, harness: StoreHarness
    ) -> None:
        await harness.store.retry_after_deploy("v1", [])
        later = harness.clock.later(hours=1)
        await harness.receive("bad")
        failure = TurnFailure(1, "ValueError: no", later)
        result = ClaimResult(claim=await harness.claim_one(), handled_seq=0, failure=failure)
        assert await harness.finish_all(result) == [True]
        await begin_dialogue(harness, to=BERT)
        alarm = TurnFailure(0, "ValueError: no", later, "", "d")
        assert await finish_claim(harness, await harness.claim_one(), failure=alarm)
        await harness.store.retry_after_deploy("v1", [])
        assert await next_turn_due(harness) == later
        await harness.store.retry_after_deploy("v2", [])
        assert await next_turn_due(harness) == harness.clock()
        assert {claim.theirs for claim in await harness.store.claim(9)} == {ANNA, BERT}

    async def test_a_text_that_failed_and_comes_again_belongs_to_no_code_version(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("bad")
        failure = TurnFailure(1, "no", harness.clock.later(hours=1), "v1")
        assert await finish_claim(harness, await harness.claim_one(), failure=failure) is True
        assert await harness.store.retry_after_deploy("v2", []) == 0

    async def test_dialogues_of_retired_handlers_are_due_now(self, harness: StoreHarness) -> None:
        tomorrow = harness.clock.later(days=1)
        await begin_dialogue(harness, "a", due_at=tomorrow, handler="old")
        await begin_dialogue(harness, "b", due_at=tomorrow, handler="book")
        await begin_dialogue(harness, "c", to=BERT, handler="old")
        assert await finish_claim(
            harness, await harness.claim_one(), dialogue_update("c", end_reason="returned")
        )
        await begin_dialogue(harness, "e", to=CLEO, handler="old")
        await set_timer_aside(harness, "e", code_version="v1")
        harness.clock.advance(minutes=1)
        assert await harness.store.retry_after_deploy("v1", ["old", "older"]) == 2
        assert await harness.store.retry_after_deploy("v1", ["old", "older"]) == 0
        claims = await harness.store.claim(10)
        assert sorted(claim.theirs for claim in claims) == [ANNA, CLEO]
        [anna] = [claim for claim in claims if claim.theirs == ANNA]
        assert [one.due_at for one in anna.dialogues] == [harness.clock(), tomorrow]
