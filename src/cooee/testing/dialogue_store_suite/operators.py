"""Dialogues as operators read them, and dialogues of forgotten people."""

from __future__ import annotations

from datetime import timedelta

from cooee.storage import (
    Checkpoint,
    ClaimResult,
    StoredDialogue,
)
from cooee.testing.dialogue_store_suite.harness import (
    begin_dialogue,
    dialogue_update,
    finish_claim,
    next_turn_due,
    people_and_ids,
)
from cooee.testing.store_suite.harness import ANNA, BERT, CLEO, OURS, OpenStore, StoreHarness


async def read_all_dialogues(
    harness: StoreHarness, *, handler: str = "", include_ended: bool = False
) -> list[StoredDialogue]:
    """Return all dialogues, read in pages of two."""
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


class DialogueOperatorTests:
    """Promises of `Store.dialogues`, `count_open_dialogues` and `forget`."""

    async def test_dialogues_are_read_page_by_page(self, harness: StoreHarness) -> None:
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
        everything = await read_all_dialogues(harness, include_ended=True)
        assert sorted(people_and_ids(everything)) == [
            (person, id) for person in (ANNA, BERT, CLEO) for id in "abc"
        ]
        order = [(stored.conversation, stored.dialogue.id) for stored in everything]
        assert order == sorted(order)
        assert await read_all_dialogues(harness) == [
            stored for stored in everything if not stored.ended_at
        ]
        book = await read_all_dialogues(harness, handler="book")
        assert book == [
            stored for stored in await read_all_dialogues(harness) if stored.dialogue.id != "c"
        ]
        entries = {
            (stored.theirs, stored.dialogue.id): stored.dialogue.entries for stored in everything
        }
        assert entries[ANNA, "a"] == [ANNA.encode()]
        assert (entries[ANNA, "b"], entries[BERT, "b"]) == ([b"1", b"2"], [b"over"])
        assert entries[CLEO, "c"] == []

    async def test_open_dialogues_are_counted_by_handler(self, harness: StoreHarness) -> None:
        assert await harness.store.count_open_dialogues() == {}
        for person, handler in ((ANNA, "book"), (BERT, "book"), (CLEO, "old")):
            await begin_dialogue(harness, to=person, handler=handler)
        [claim] = [claim for claim in await harness.store.claim(10) if claim.theirs == CLEO]
        assert await finish_claim(harness, claim, dialogue_update(end_reason="returned"))
        assert await harness.store.count_open_dialogues() == {"book": 2}
        assert await harness.store.count_open_dialogues(up_to=1) == {"book": 1}

    async def test_answers_of_ended_dialogues_are_pruned_and_their_ids_stay(
        self, harness: StoreHarness
    ) -> None:
        for person in (ANNA, BERT):
            await begin_dialogue(harness, to=person)
        for claim in await harness.store.claim(10):
            end_reason = "returned" if claim.theirs == ANNA else ""
            update = dialogue_update("d", b"1", end_reason=end_reason)
            assert await finish_claim(harness, claim, update)
        harness.clock.advance(days=1)
        for count in (1, 0):
            done = await harness.store.prune_history(harness.clock())
            assert (done.texts, done.dialogues) == (0, count)
        assert people_and_ids(await harness.store.dialogues(include_ended=True)) == [(BERT, "d")]
        assert not await begin_dialogue(harness, to=ANNA)

    async def test_a_dialogue_is_read_with_its_conversation(self, harness: StoreHarness) -> None:
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        result = ClaimResult(
            claim=claim, handled_seq=1, state=b"s", dialogue_updates=[dialogue_update("d", b"1")]
        )
        began = harness.clock.advance(seconds=1)
        assert await harness.finish_all(result) == [True]
        [stored] = await harness.store.dialogues()
        assert (stored.ours, stored.theirs, stored.state) == (OURS, ANNA, b"s")
        assert (stored.conversation, stored.started_at) == (claim.conversation, began)

    async def test_unstorable_characters_are_replaced_in_names_too(
        self, harness: StoreHarness
    ) -> None:
        for fresh in (True, False):
            assert await begin_dialogue(harness, "nul \0 \ud83d", handler="b\ud800") is fresh
        [stored] = await harness.store.dialogues(handler="b\ud800")
        assert (stored.dialogue.id, stored.dialogue.handler) == ("nul \ufffd \ufffd", "b\ufffd")
        assert await finish_claim(
            harness, await harness.claim_one(), dialogue_update("nul \0 \ud83d", b"1")
        )

    async def test_no_dialogue_is_left_of_a_forgotten_person(self, harness: StoreHarness) -> None:
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

    async def test_no_question_waits_for_a_forgotten_person(self, harness: StoreHarness) -> None:
        await harness.receive("BOOK")
        claim = await harness.claim_one()
        asking = ClaimResult(
            claim=claim, handled_seq=1, is_asking=True, dialogue_updates=[dialogue_update()]
        )
        assert await harness.finish_all(asking) == [True]
        assert await harness.store.forget(ANNA)
        await harness.receive("please leave me alone", consent="wish")
        assert list(await harness.store.claim(10)) == []
        assert (await harness.store.counts()).opted_out == 1

    async def test_dialogues_are_stored_after_a_restart(
        self, harness: StoreHarness, open_store: OpenStore
    ) -> None:
        due = harness.clock.later(days=365)
        await harness.receive("BOOK")
        assert await finish_claim(
            harness, await harness.claim_one(), dialogue_update("d", b"1", due_at=due)
        )
        await harness.store.close()
        harness.clock.time = due + timedelta(days=1)
        harness.store = await open_store(harness.clock)
        claim = await harness.claim_one()
        assert [list(one.entries) for one in claim.dialogues] == [[b"1"]]
        assert claim.handled_seq == 1
