"""Dialogues in claims: starts, timers and postponed turns."""

from __future__ import annotations

from cooee.storage import (
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    NewOutbound,
)
from cooee.testing.dialogue_store_suite.harness import (
    begin_dialogue,
    dialogue_ids,
    dialogue_update,
    finish_claim,
    next_turn_due,
)
from cooee.testing.store_suite.harness import ANNA, BERT, CLEO, OURS, StoreHarness


class DialogueClaimTests:
    """Promises of `Store.claim`, `postpone` and `start_dialogues` about dialogues."""

    async def test_a_dialogue_that_we_start_is_due_with_no_text(
        self, harness: StoreHarness
    ) -> None:
        assert await begin_dialogue(harness)
        assert await next_turn_due(harness) == harness.clock()
        claim = await harness.claim_one()
        assert (claim.ours, claim.theirs, claim.attempt) == (OURS, ANNA, 1)
        assert (claim.texts, claim.handled_seq) == ([], 0)
        assert list(claim.dialogues) == [
            DialogueRecord(id="d", handler="book", head=b"{}", entries=[], due_at=harness.clock())
        ]
        assert list(await harness.store.claim(10)) == []
        assert await next_turn_due(harness) is None

    async def test_a_timer_fires_no_sooner_than_it_is_due(self, harness: StoreHarness) -> None:
        due = harness.clock.later(hours=2)
        assert await begin_dialogue(harness, due_at=due)
        assert await next_turn_due(harness) == due
        harness.clock.advance(hours=1, minutes=59)
        assert list(await harness.store.claim(10)) == []
        harness.clock.advance(minutes=1)
        assert dialogue_ids((await harness.claim_one()).dialogues) == ["d"]

    async def test_texts_go_before_timers_and_timers_fill_the_rest_of_the_limit(
        self, harness: StoreHarness
    ) -> None:
        for person in (CLEO, BERT):
            assert await begin_dialogue(harness, to=person)
            harness.clock.advance(seconds=1)
        await harness.receive("hello")
        first = await harness.store.claim(2)
        assert [(claim.theirs, len(claim.texts)) for claim in first] == [(ANNA, 1), (CLEO, 0)]
        assert [claim.theirs for claim in await harness.store.claim(2)] == [BERT]

    async def test_no_timer_fires_while_a_text_waits(self, harness: StoreHarness) -> None:
        assert await begin_dialogue(harness)
        await harness.receive("hello")
        claim = await harness.claim_one()
        assert (len(claim.texts), dialogue_ids(claim.dialogues)) == (1, ["d"])
        later = harness.clock.later(minutes=1)
        await harness.fail(claim, later)
        assert list(await harness.store.claim(10)) == []
        assert await next_turn_due(harness) == later
        harness.clock.advance(minutes=1)
        assert await finish_claim(harness, await harness.claim_one())
        assert (await harness.claim_one()).texts == []

    async def test_a_claim_has_the_open_dialogues_and_no_ended_dialogue(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("hello")
        began = (
            dialogue_update("c", b"1", b"2"),
            dialogue_update("a"),
            dialogue_update("b", b"3", end_reason="returned"),
        )
        assert await finish_claim(harness, await harness.claim_one(), *began)
        await harness.receive("other", sender=BERT)
        assert list((await harness.claim_one()).dialogues) == []
        await harness.receive("again")
        claim = await harness.claim_one()
        assert claim.handled_seq == 1
        assert [(one.id, list(one.entries)) for one in claim.dialogues] == [
            ("a", []),
            ("c", [b"1", b"2"]),
        ]

    async def test_a_released_timer_fires_again(self, harness: StoreHarness) -> None:
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        await harness.store.release([claim])
        assert not await finish_claim(harness, claim, dialogue_update())
        again = await harness.claim_one()
        assert (again.attempt, again.texts) == (1, [])
        assert await finish_claim(harness, again, dialogue_update())

    async def test_a_postponed_timer_fires_later_or_with_a_new_text(
        self, harness: StoreHarness
    ) -> None:
        await begin_dialogue(harness)
        later = harness.clock.later(minutes=5)
        await harness.store.postpone([await harness.claim_one()], later)
        assert list(await harness.store.claim(10)) == []
        assert await next_turn_due(harness) == later
        await harness.receive("hello")
        assert await harness.finish(await harness.claim_one())
        assert await next_turn_due(harness) == later
        harness.clock.advance(minutes=5)
        assert (await harness.claim_one()).texts == []

    async def test_a_postponed_text_holds_up_no_timer_behind_it(
        self, harness: StoreHarness
    ) -> None:
        await begin_dialogue(harness)
        await harness.receive("picture")
        await harness.store.postpone([await harness.claim_one()], harness.clock.later(minutes=5))
        await harness.receive("hello")
        assert await harness.finish(await harness.claim_one())
        assert (await harness.claim_one()).texts == []

    async def test_who_waits_is_leased_due_or_not_and_page_by_page(
        self, harness: StoreHarness
    ) -> None:
        later = harness.clock.later(days=1)
        for person in (ANNA, BERT, CLEO):
            assert await begin_dialogue(harness, to=person, due_at=later)
        assert await begin_dialogue(harness, "e", to=CLEO)
        first = await harness.store.claim_waiting(b"", 2)
        assert [len(first), len({claim.theirs for claim in first})] == [2, 2]
        await harness.store.release(first)
        second = await harness.store.claim_waiting(first[-1].conversation, 2)
        everybody = [*first, *second]
        assert {claim.theirs for claim in everybody} == {ANNA, BERT, CLEO}
        assert {id for one in everybody for id in dialogue_ids(one.dialogues)} == {"d", "e"}
        assert [len(claim.texts) for claim in everybody] == [0, 0, 0]
        assert list(await harness.store.claim_waiting(second[-1].conversation, 2)) == []
        # whoever is leased is passed over
        others = await harness.store.claim_waiting(b"", 9)
        assert [claim.theirs for claim in others] == [claim.theirs for claim in first]
        assert list(await harness.store.claim_waiting(b"", 9)) == []

    async def test_who_waits_with_a_pending_text_is_passed_over(
        self, harness: StoreHarness
    ) -> None:
        assert await begin_dialogue(harness, due_at=harness.clock.later(days=1))
        await harness.receive("hello")
        assert list(await harness.store.claim_waiting(b"", 9)) == []
        claim = await harness.claim_one()
        assert await finish_claim(harness, claim, dialogue_update(end_reason="returned"))
        assert list(await harness.store.claim_waiting(b"", 9)) == []

    async def test_the_version_of_all_timers_is_remembered(self, harness: StoreHarness) -> None:
        assert not await harness.store.are_timers_of("one")
        await harness.store.save_timers_of("one")
        assert await harness.store.are_timers_of("one")
        await harness.store.save_timers_of("two")
        assert not await harness.store.are_timers_of("one")
        assert await harness.store.are_timers_of("two")

    async def test_texts_alone_are_claimed_where_timers_are_held(
        self, harness: StoreHarness
    ) -> None:
        assert await begin_dialogue(harness)
        assert (await harness.store.next_due(with_timers=False)).turn is None
        assert list(await harness.store.claim(9, with_timers=False)) == []
        await harness.receive("hello", sender=BERT)
        [claim] = await harness.store.claim(9, with_timers=False)
        assert claim.theirs == BERT
        assert (await harness.claim_one()).theirs == ANNA

    async def test_a_dialogue_is_started_once(self, harness: StoreHarness) -> None:
        assert await begin_dialogue(harness)
        assert await finish_claim(harness, await harness.claim_one(), dialogue_update("d", b"1"))
        assert not await begin_dialogue(harness)
        assert await next_turn_due(harness) is None
        assert await begin_dialogue(harness, to=BERT)
        assert await begin_dialogue(harness, "e")
        starts = [DialogueStart(ours=OURS, theirs=CLEO, id="f", handler="book", head=b"")] * 2
        assert list(await harness.store.start_dialogues(starts)) == [True, False]

    async def test_a_start_during_a_turn_is_not_lost(self, harness: StoreHarness) -> None:
        await harness.receive("hello")
        for turn in ([], [dialogue_update("e", due_at=harness.clock.later(hours=2))]):
            claim = await harness.claim_one()
            id, due = f"d{len(turn)}", harness.clock.later(hours=1)
            assert await begin_dialogue(harness, id, due_at=due)
            assert await next_turn_due(harness) is None
            assert await finish_claim(harness, claim, *turn)
            assert await next_turn_due(harness) == due
            harness.clock.advance(hours=1)
            assert id in dialogue_ids((claim := await harness.claim_one()).dialogues)
            assert await finish_claim(harness, claim, dialogue_update(id, end_reason="returned"))
            await harness.receive("again")

    async def test_a_start_sends_no_text_by_itself(self, harness: StoreHarness) -> None:
        assert await begin_dialogue(harness)
        assert await harness.statuses() == []
        [summary] = await harness.store.conversations()
        assert (summary.theirs, summary.texts_out, summary.last_text_at) == (ANNA, 0, None)
        result = ClaimResult(
            claim=await harness.claim_one(), handled_seq=0, drafts=[NewOutbound(text="hello")]
        )
        assert await harness.finish_all(result) == [True]
        assert await harness.take() == ["hello"]
