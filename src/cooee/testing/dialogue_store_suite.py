"""What every store must do with dialogues: tests to run against yours, beside `StoreSuite`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from cooee.core.errors import StorageError
from cooee.storage import (
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
    NewOutbound,
    StoredDialogue,
    TurnFailure,
)
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, ManualClock, OpenStore, StoreHarness


def dialogue_update(
    id: str = "d",
    *entries: bytes,
    stored_count: int = 0,
    head: bytes | None = b"{}",
    due_at: datetime | None = None,
    end_reason: str = "",
) -> DialogueUpdate:
    """What became of a dialogue of the handler *book*."""
    return DialogueUpdate(
        id=id,
        handler="book",
        stored_count=stored_count,
        entries=entries,
        head=head,
        due_at=due_at,
        end_reason=end_reason,
    )


async def begin_dialogue(
    harness: StoreHarness,
    id: str = "d",
    *,
    to: str = ANNA,
    due_at: datetime | None = None,
    handler: str = "book",
) -> bool:
    """Start a dialogue, due now."""
    start = DialogueStart(ours=OURS, theirs=to, id=id, handler=handler, head=b"{}", due_at=due_at)
    return (await harness.store.start_dialogues([start]))[0]


async def finish_claim(
    harness: StoreHarness,
    claim: Claim,
    *dialogues: DialogueUpdate,
    failure: TurnFailure | None = None,
) -> bool:
    """End a claim whole, with what became of its dialogues."""
    handled_seq = claim.texts[-1].seq if claim.texts else claim.handled_seq
    result = ClaimResult(
        claim=claim,
        handled_seq=handled_seq,
        last_turn_at=harness.clock(),
        dialogue_updates=dialogues,
        failure=failure,
    )
    return (await harness.store.finish([result]))[0]


async def set_timer_aside(harness: StoreHarness, id: str = "d", *, code_version: str = "") -> None:
    """Have the one alarm that is due set aside."""
    failure = TurnFailure(0, "ValueError: no", None, code_version, dialogue_id=id)
    assert await finish_claim(harness, await harness.claim_one(), failure=failure)


async def next_turn_due(harness: StoreHarness) -> datetime | None:
    """When the store next wants a turn."""
    return (await harness.store.next_due()).turn


def dialogue_ids(dialogues: Sequence[DialogueRecord]) -> list[str]:
    """Which dialogues these are."""
    return [dialogue.id for dialogue in dialogues]


def people_and_ids(dialogues: Sequence[StoredDialogue]) -> list[tuple[str, str]]:
    """Whose dialogues these are, and which."""
    return [(stored.theirs, stored.dialogue.id) for stored in dialogues]


class DialogueStoreSuite:
    """Every promise that `Store` makes of dialogues, one test each."""

    __module__ = "cooee.testing"  # where users import it from

    async def make_harness(self, open_store: OpenStore) -> StoreHarness:
        """A desk with a fresh store."""
        clock = ManualClock()
        return StoreHarness(await open_store(clock), clock)

    # Claim

    async def test_a_dialogue_that_we_start_is_due_with_no_text(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_timer_fires_no_sooner_than_it_is_due(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        due = harness.clock.later(hours=2)
        assert await begin_dialogue(harness, due_at=due)
        assert await next_turn_due(harness) == due
        harness.clock.advance(hours=1, minutes=59)
        assert list(await harness.store.claim(10)) == []
        harness.clock.advance(minutes=1)
        assert dialogue_ids((await harness.claim_one()).dialogues) == ["d"]
        await harness.store.close()

    async def test_texts_go_before_timers_and_timers_fill_what_room_is_left(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        for person in (CLEO, BERT):
            assert await begin_dialogue(harness, to=person)
            harness.clock.advance(seconds=1)
        await harness.receive("hello")
        first = await harness.store.claim(2)
        assert [(claim.theirs, len(claim.texts)) for claim in first] == [(ANNA, 1), (CLEO, 0)]
        assert [claim.theirs for claim in await harness.store.claim(2)] == [BERT]
        await harness.store.close()

    async def test_no_timer_fires_while_a_text_waits(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_claim_brings_what_goes_on_and_nothing_that_is_over(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_released_timer_fires_again(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        await harness.store.release([claim])
        assert not await finish_claim(harness, claim, dialogue_update())
        again = await harness.claim_one()
        assert (again.attempt, again.texts) == (1, [])
        assert await finish_claim(harness, again, dialogue_update())
        await harness.store.close()

    async def test_a_postponed_timer_fires_later_or_with_a_new_text(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_postponed_text_holds_up_no_timer_behind_it(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        await harness.receive("picture")
        await harness.store.postpone([await harness.claim_one()], harness.clock.later(minutes=5))
        await harness.receive("hello")
        assert await harness.finish(await harness.claim_one())
        assert (await harness.claim_one()).texts == []
        await harness.store.close()

    # Finish

    async def test_a_dialogue_is_written_with_its_turn_or_not_at_all(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_new_head_replaces_the_old_one_and_entries_are_appended(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_an_entry_that_is_there_already_has_to_be_the_same(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_the_first_timer_of_several_is_the_one_that_fires(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_dialogue_that_is_over_stays_on_record(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_texts_that_come_while_a_timer_fires_are_answered_next(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        await harness.receive("hello")
        assert await finish_claim(harness, claim, dialogue_update())
        claim = await harness.claim_one()
        assert [text.inbound.text for text in claim.texts] == ["hello"]
        assert await finish_claim(harness, claim)
        assert (await harness.store.counts()).pending == 0
        await harness.store.close()

    async def test_an_opt_out_word_that_comes_while_a_timer_fires_stays_over(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        claim = await harness.claim_one()
        await harness.receive("STOP", consent="out")
        assert await finish_claim(harness, claim, dialogue_update())
        assert list(await harness.store.claim(10)) == []
        assert await harness.statuses() == ["STOP: opt-out"]
        await harness.receive("hello")
        claim = await harness.claim_one()
        assert (claim.handled_seq, [text.seq for text in claim.texts]) == (1, [2])
        await harness.store.close()

    # Jot

    async def test_what_is_checkpointed_is_there_and_the_turn_goes_on(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_nothing_is_checkpointed_without_the_lease(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    # Start

    async def test_a_dialogue_is_started_once(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert await begin_dialogue(harness)
        assert await finish_claim(harness, await harness.claim_one(), dialogue_update("d", b"1"))
        assert not await begin_dialogue(harness)
        assert await next_turn_due(harness) is None
        assert await begin_dialogue(harness, to=BERT)
        assert await begin_dialogue(harness, "e")
        starts = [DialogueStart(ours=OURS, theirs=CLEO, id="f", handler="book", head=b"")] * 2
        assert list(await harness.store.start_dialogues(starts)) == [True, False]
        await harness.store.close()

    async def test_a_start_during_a_turn_is_not_lost(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_start_says_nothing_by_itself(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert await begin_dialogue(harness)
        assert await harness.statuses() == []
        [summary] = await harness.store.conversations()
        assert (summary.theirs, summary.texts_out, summary.last_text_at) == (ANNA, 0, None)
        result = ClaimResult(
            claim=await harness.claim_one(), handled_seq=0, drafts=[NewOutbound(text="hello")]
        )
        assert list(await harness.store.finish([result])) == [True]
        assert await harness.take() == ["hello"]
        await harness.store.close()

    # What fails

    async def test_a_timer_that_failed_fires_again(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_timer_set_aside_is_shown_and_waits_for_a_person(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        await begin_dialogue(harness, to=BERT, due_at=harness.clock.later(days=1))
        await set_timer_aside(harness)
        assert await next_turn_due(harness) == harness.clock.later(days=1)
        counts = await harness.store.counts()
        assert (counts.open_dialogues, counts.stuck_dialogues, counts.set_aside) == (2, 1, 0)
        [summary] = await harness.store.conversations(troubled_only=True)
        assert (summary.theirs, summary.set_aside) == (ANNA, 1)
        assert await harness.store.retry(BERT) == 0
        assert await harness.store.retry(ANNA) == 1
        assert await harness.store.retry() == 0
        [dialogue] = (await harness.claim_one()).dialogues
        assert (dialogue.failed_attempts, dialogue.error) == (0, "ValueError: no")
        assert (await harness.store.counts()).stuck_dialogues == 0
        await harness.store.close()

    async def test_a_timer_set_aside_holds_up_no_text_and_one_that_ends_well_mends_it(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        await set_timer_aside(harness, code_version="v1")
        await harness.receive("hello")
        claim = await harness.claim_one()
        [dialogue] = claim.dialogues
        assert (dialogue.failed_attempts, dialogue.due_at) == (1, None)
        assert await finish_claim(harness, claim, dialogue_update("d", b"1"))
        assert (await harness.store.counts()).stuck_dialogues == 0
        assert await harness.store.retry_after_deploy("v2", []) == 0
        await harness.store.close()

    async def test_a_new_code_version_tries_again_what_the_old_one_set_aside(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    async def test_a_new_code_version_tries_at_once_what_waits_for_another_try(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.store.retry_after_deploy("v1", [])
        later = harness.clock.later(hours=1)
        await harness.receive("bad")
        failure = TurnFailure(1, "ValueError: no", later)
        result = ClaimResult(claim=await harness.claim_one(), handled_seq=0, failure=failure)
        assert await harness.store.finish([result]) == [True]
        await begin_dialogue(harness, to=BERT)
        alarm = TurnFailure(0, "ValueError: no", later, "", "d")
        assert await finish_claim(harness, await harness.claim_one(), failure=alarm)
        await harness.store.retry_after_deploy("v1", [])
        assert await next_turn_due(harness) == later
        await harness.store.retry_after_deploy("v2", [])
        assert await next_turn_due(harness) == harness.clock()
        assert {claim.theirs for claim in await harness.store.claim(9)} == {ANNA, BERT}
        await harness.store.close()

    async def test_a_text_that_failed_and_comes_again_belongs_to_no_code_version(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("bad")
        failure = TurnFailure(1, "no", harness.clock.later(hours=1), "v1")
        assert await finish_claim(harness, await harness.claim_one(), failure=failure) is True
        assert await harness.store.retry_after_deploy("v2", []) == 0
        await harness.store.close()

    async def test_dialogues_of_retired_handlers_are_due_now(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
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
        await harness.store.close()

    # For people

    async def test_dialogues_are_read_page_by_page(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        for person in (ANNA, BERT, CLEO):
            for id in ("b", "a", "c"):
                await begin_dialogue(
                    harness, id, to=person, handler="other" if id == "c" else "book"
                )
        claims = {claim.theirs: claim for claim in await harness.store.claim(10)}
        for person, claim in claims.items():
            over = (
                dialogue_update("b", b"over", end_reason="returned")
                if person == BERT
                else dialogue_update("b", b"1", b"2")
            )
            assert await finish_claim(harness, claim, dialogue_update("a", person.encode()), over)
        everything = await self.all_dialogues(harness, include_ended=True)
        assert sorted(people_and_ids(everything)) == [
            (person, id) for person in (ANNA, BERT, CLEO) for id in "abc"
        ]
        order = [(stored.conversation, stored.dialogue.id) for stored in everything]
        assert order == sorted(order)
        assert await self.all_dialogues(harness) == [
            talk for talk in everything if not talk.ended_at
        ]
        book = await self.all_dialogues(harness, handler="book")
        assert book == [
            talk for talk in await self.all_dialogues(harness) if talk.dialogue.id != "c"
        ]
        entries = {(talk.theirs, talk.dialogue.id): talk.dialogue.entries for talk in everything}
        assert entries[ANNA, "a"] == [ANNA.encode()]
        assert (entries[ANNA, "b"], entries[BERT, "b"]) == ([b"1", b"2"], [b"over"])
        assert entries[CLEO, "c"] == []
        await harness.store.close()

    async def all_dialogues(
        self, harness: StoreHarness, *, handler: str = "", include_ended: bool = False
    ) -> list[StoredDialogue]:
        """All dialogues, by pages of two."""
        dialogues: list[StoredDialogue] = []
        after = None
        while page := await harness.store.dialogues(
            handler=handler, include_ended=include_ended, after=after, limit=2
        ):
            assert len(page) <= 2
            last = (page[-1].conversation, page[-1].dialogue.id)
            assert after is None or last > after
            dialogues, after = [*dialogues, *page], last
        return dialogues

    async def test_what_goes_on_is_counted_by_handler(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        assert await harness.store.count_open_dialogues() == {}
        for person, handler in ((ANNA, "book"), (BERT, "book"), (CLEO, "old")):
            await begin_dialogue(harness, to=person, handler=handler)
        [claim] = [claim for claim in await harness.store.claim(10) if claim.theirs == CLEO]
        assert await finish_claim(harness, claim, dialogue_update(end_reason="returned"))
        assert await harness.store.count_open_dialogues() == {"book": 2}
        await harness.store.close()

    async def test_a_dialogue_is_read_with_its_person(self, open_store: OpenStore) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        result = ClaimResult(
            claim=claim, handled_seq=1, state=b"s", dialogue_updates=[dialogue_update("d", b"1")]
        )
        began = harness.clock.advance(seconds=1)
        assert list(await harness.store.finish([result])) == [True]
        [stored] = await harness.store.dialogues()
        assert (stored.ours, stored.theirs, stored.state) == (OURS, ANNA, b"s")
        assert (stored.conversation, stored.started_at) == (claim.conversation, began)
        await harness.store.close()

    async def test_what_no_database_can_hold_is_replaced_in_names_too(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        for fresh in (True, False):
            assert await begin_dialogue(harness, "nul \0 \ud83d", handler="b\ud800") is fresh
        [stored] = await harness.store.dialogues(handler="b\ud800")
        assert (stored.dialogue.id, stored.dialogue.handler) == ("nul \ufffd \ufffd", "b\ufffd")
        assert await finish_claim(
            harness, await harness.claim_one(), dialogue_update("nul \0 \ud83d", b"1")
        )
        await harness.store.close()

    async def test_nothing_is_left_of_a_forgotten_persons_dialogues(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await begin_dialogue(harness)
        await begin_dialogue(harness, to=BERT)
        first, second = await harness.store.claim(10)
        anna, bert = (first, second) if first.theirs == ANNA else (second, first)
        for claim in (anna, bert):
            assert list(
                await harness.store.checkpoint([Checkpoint(claim, dialogue_update("d", b"1"))])
            ) == [True]
        assert await harness.store.forget(ANNA)
        late = dialogue_update("d", b"2", stored_count=1, due_at=harness.clock())
        assert list(
            await harness.store.checkpoint([Checkpoint(anna, late), Checkpoint(bert, late)])
        ) == [False, True]
        assert not await finish_claim(harness, anna, late)
        assert await finish_claim(harness, bert, dialogue_update("d"))
        assert await next_turn_due(harness) is None
        assert people_and_ids(await harness.store.dialogues(include_ended=True)) == [(BERT, "d")]
        assert await begin_dialogue(harness)
        [dialogue] = (await harness.claim_one()).dialogues
        assert list(dialogue.entries) == []
        assert ANNA in [summary.theirs for summary in await harness.store.conversations()]
        await harness.store.close()

    async def test_nobody_waits_for_the_answer_of_a_forgotten_person(
        self, open_store: OpenStore
    ) -> None:
        harness = await self.make_harness(open_store)
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        asking = ClaimResult(
            claim=claim, handled_seq=1, is_asking=True, dialogue_updates=[dialogue_update()]
        )
        assert list(await harness.store.finish([asking])) == [True]
        assert await harness.store.forget(ANNA)
        await harness.receive("please leave me alone", consent="wish")
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.counts()).opted_out == 1
        await harness.store.close()

    async def test_dialogues_are_there_after_a_restart(self, open_store: OpenStore) -> None:
        clock = ManualClock()
        harness = StoreHarness(await open_store(clock), clock)
        due = clock.later(days=365)
        await harness.receive("BOOK")
        assert await finish_claim(
            harness, await harness.claim_one(), dialogue_update("d", b"1", due_at=due)
        )
        await harness.store.close()
        clock.time = due + timedelta(days=1)
        harness = StoreHarness(await open_store(clock), clock)
        claim = await harness.claim_one()
        assert [list(one.entries) for one in claim.dialogues] == [[b"1"]]
        assert claim.handled_seq == 1
        await harness.store.close()
