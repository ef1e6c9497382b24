"""Journals of dialogues: heads, entries and checkpoints."""

from __future__ import annotations

import pytest

from cooee.core.errors import StorageError
from cooee.storage import (
    Checkpoint,
    DialogueRecord,
)
from cooee.testing.dialogue_store_suite.harness import (
    begin_dialogue,
    dialogue_update,
    finish_claim,
    next_turn_due,
    people_and_ids,
)
from cooee.testing.store_suite.harness import BERT, StoreHarness


class JournalTests:
    """Promises of `Store.finish` and `checkpoint` about dialogues."""

    async def test_a_dialogue_is_written_with_its_turn_or_not_at_all(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        await harness.store.release([claim])
        assert not await finish_claim(
            harness, claim, dialogue_update("d", b"lost", due_at=harness.clock())
        )
        claim = await harness.claim_one()
        assert list(claim.dialogues) == []
        assert await finish_claim(
            harness, claim, dialogue_update("d", b"one", due_at=harness.clock())
        )
        [dialogue] = (await harness.claim_one()).dialogues
        assert list(dialogue.entries) == [b"one"]

    async def test_a_new_head_replaces_the_old_one_and_entries_are_appended(
        self, harness: StoreHarness
    ) -> None:
        due = harness.clock.later(hours=1)
        steps = (
            dialogue_update("d", b"1", b"2", head=b"first"),
            dialogue_update("d", b"3", stored_count=2, head=b"second", due_at=due),
            dialogue_update("d", b"4", stored_count=3, head=None),
        )
        for step in steps:
            await harness.receive("text")
            assert await finish_claim(harness, await harness.claim_one(), step)
        [stored] = await harness.store.dialogues()
        assert stored.dialogue == DialogueRecord(
            id="d", handler="book", head=b"second", entries=[b"1", b"2", b"3", b"4"], due_at=due
        )

    async def test_an_entry_that_is_stored_already_has_to_be_the_same(
        self, harness: StoreHarness
    ) -> None:
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        assert list(
            await harness.store.checkpoint([Checkpoint(claim, dialogue_update("d", b"1", b"2"))])
        ) == [True]
        for wrong in (
            dialogue_update("d", b"1", b"other"),
            dialogue_update("d", b"4", stored_count=3),
            dialogue_update("e", head=None),
        ):
            with pytest.raises(StorageError):
                await finish_claim(harness, claim, wrong)
        assert await finish_claim(
            harness, claim, dialogue_update("d", b"2", b"3", stored_count=1, head=b"new")
        )
        [stored] = await harness.store.dialogues()
        assert (stored.dialogue.head, stored.dialogue.entries) == (b"new", [b"1", b"2", b"3"])

    async def test_the_first_timer_of_several_is_the_one_that_fires(
        self, harness: StoreHarness
    ) -> None:
        hours = [harness.clock.later(hours=hour) for hour in range(4)]
        await begin_dialogue(harness, "c", due_at=hours[3])
        await begin_dialogue(harness, "a", due_at=hours[1])
        await begin_dialogue(harness, "b", due_at=hours[2])
        assert await next_turn_due(harness) == hours[1]
        harness.clock.advance(hours=1)
        assert await finish_claim(
            harness, await harness.claim_one(), dialogue_update("a", end_reason="returned")
        )
        assert await next_turn_due(harness) == hours[2]
        harness.clock.advance(hours=1)
        assert await finish_claim(harness, await harness.claim_one(), dialogue_update("b"))
        assert await next_turn_due(harness) == hours[3]

    async def test_an_ended_dialogue_stays_stored(self, harness: StoreHarness) -> None:
        began = harness.clock()
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        over = harness.clock.advance(minutes=1)
        assert await finish_claim(
            harness, claim, dialogue_update("d", b"1", end_reason="left", due_at=over)
        )
        assert await next_turn_due(harness) is None
        assert list(await harness.store.dialogues()) == []
        [stored] = await harness.store.dialogues(include_ended=True)
        assert (stored.started_at, stored.ended_at, stored.dialogue.end_reason) == (
            began,
            over,
            "left",
        )
        assert not await begin_dialogue(harness)

    async def test_texts_that_come_while_a_timer_fires_are_answered_next(
        self, harness: StoreHarness
    ) -> None:
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        await harness.receive("hello")
        assert await finish_claim(harness, claim, dialogue_update())
        claim = await harness.claim_one()
        assert [text.inbound.text for text in claim.texts] == ["hello"]
        assert await finish_claim(harness, claim)
        assert (await harness.store.counts()).pending == 0

    async def test_an_opt_out_word_that_comes_while_a_timer_fires_stays_handled(
        self, harness: StoreHarness
    ) -> None:
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        await harness.receive("STOP", consent="out")
        assert await finish_claim(harness, claim, dialogue_update())
        assert list(await harness.store.claim(10)) == []
        assert await harness.statuses() == ["STOP: opt-out"]
        await harness.receive("hello")
        claim = await harness.claim_one()
        assert (claim.handled_seq, [text.seq for text in claim.texts]) == (1, [2])

    async def test_a_checkpoint_is_stored_and_the_turn_goes_on(self, harness: StoreHarness) -> None:
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        due = harness.clock.later(hours=1)
        assert list(
            await harness.store.checkpoint(
                [Checkpoint(claim, dialogue_update("d", b"1", due_at=due))]
            )
        ) == [True]
        more = dialogue_update("d", b"2", stored_count=1, head=b"another", due_at=harness.clock())
        assert list(await harness.store.checkpoint([Checkpoint(claim, more)])) == [True]
        assert list(await harness.store.claim(10)) == []
        await harness.store.release([claim])
        again = await harness.claim_one()
        assert (again.texts, again.attempt) == (claim.texts, 1)
        assert list(again.dialogues) == [
            DialogueRecord(id="d", handler="book", head=b"{}", entries=[b"1", b"2"], due_at=due)
        ]
        assert await finish_claim(harness, again)
        assert await next_turn_due(harness) == due

    async def test_nothing_is_checkpointed_without_the_lease(self, harness: StoreHarness) -> None:
        await harness.receive("BOOK")
        await harness.receive("BOOK", sender=BERT)
        lost, held = await harness.store.claim(10)
        await harness.store.release([lost])
        checkpoints = [
            Checkpoint(claim, dialogue_update("d", b"1", due_at=harness.clock()))
            for claim in (lost, held)
        ]
        assert list(await harness.store.checkpoint(checkpoints)) == [False, True]
        assert people_and_ids(await harness.store.dialogues()) == [(held.theirs, "d")]
        assert await finish_claim(harness, held)
        assert list(await harness.store.checkpoint([checkpoints[1]])) == [False]
