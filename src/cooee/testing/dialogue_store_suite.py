"""What every store must do with dialogues: tests to run against yours, beside `StoreSuite`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from cooee.core.errors import StorageError
from cooee.storage import Claim, Dialogue, Draft, Failure, Finish, Jot, Kept, Start, Talk
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, Desk, OpenStore, Watch


def kept(
    id: str = "d",
    *entries: bytes,
    count: int = 0,
    head: bytes | None = b"{}",
    due_at: datetime | None = None,
    ended: str = "",
) -> Kept:
    """What became of a dialogue of the handler *book*."""
    return Kept(
        id=id, handler="book", count=count, entries=entries, head=head, due_at=due_at, ended=ended
    )


async def begin(
    desk: Desk,
    id: str = "d",
    *,
    to: str = ANNA,
    due_at: datetime | None = None,
    handler: str = "book",
) -> bool:
    """Start a dialogue, due now."""
    start = Start(ours=OURS, theirs=to, id=id, handler=handler, head=b"{}", due_at=due_at)
    return (await desk.store.start([start]))[0]


async def end(desk: Desk, claim: Claim, *dialogues: Kept, failure: Failure | None = None) -> bool:
    """End a claim whole, with what became of its dialogues."""
    handled = claim.texts[-1].seq if claim.texts else claim.handled
    finish = Finish(
        claim=claim, handled=handled, now=desk.watch(), dialogues=dialogues, failure=failure
    )
    return (await desk.store.finish([finish]))[0]


async def stick(desk: Desk, id: str = "d", *, program: str = "") -> None:
    """Have the one alarm that is due set aside."""
    failure = Failure(0, "ValueError: no", None, program, dialogue=id)
    assert await end(desk, await desk.only_claim(), failure=failure)


async def rings(desk: Desk) -> datetime | None:
    """When the store next wants a turn."""
    return (await desk.store.alarms()).turn


def ids(dialogues: Sequence[Dialogue]) -> list[str]:
    """Which dialogues these are."""
    return [dialogue.id for dialogue in dialogues]


def places(talks: Sequence[Talk]) -> list[tuple[str, str]]:
    """Whose dialogues these are, and which."""
    return [(talk.theirs, talk.dialogue.id) for talk in talks]


class DialogueStoreSuite:
    """Every promise that `Store` makes of dialogues, one test each."""

    async def desk(self, open_store: OpenStore) -> Desk:
        """A desk with a fresh store."""
        watch = Watch()
        return Desk(await open_store(watch), watch)

    # Claim

    async def test_a_dialogue_that_we_start_is_due_with_no_text(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        assert await begin(desk)
        assert await rings(desk) == desk.watch()
        claim = await desk.only_claim()
        assert (claim.ours, claim.theirs, claim.attempts) == (OURS, ANNA, 1)
        assert (claim.texts, claim.handled) == ([], 0)
        assert list(claim.dialogues) == [
            Dialogue(id="d", handler="book", head=b"{}", entries=[], due_at=desk.watch())
        ]
        assert list(await desk.store.claim(10)) == []
        assert await rings(desk) is None
        await desk.store.close()

    async def test_an_alarm_rings_no_sooner_than_it_is_due(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        due = desk.watch.after(hours=2)
        assert await begin(desk, due_at=due)
        assert await rings(desk) == due
        desk.watch.wait(hours=1, minutes=59)
        assert list(await desk.store.claim(10)) == []
        desk.watch.wait(minutes=1)
        assert ids((await desk.only_claim()).dialogues) == ["d"]
        await desk.store.close()

    async def test_texts_go_before_alarms_and_alarms_fill_what_room_is_left(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        for person in (CLEO, BERT):
            assert await begin(desk, to=person)
            desk.watch.wait(seconds=1)
        await desk.hear("hello")
        first = await desk.store.claim(2)
        assert [(claim.theirs, len(claim.texts)) for claim in first] == [(ANNA, 1), (CLEO, 0)]
        assert [claim.theirs for claim in await desk.store.claim(2)] == [BERT]
        await desk.store.close()

    async def test_no_alarm_rings_while_a_text_waits(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert await begin(desk)
        await desk.hear("hello")
        claim = await desk.only_claim()
        assert (len(claim.texts), ids(claim.dialogues)) == (1, ["d"])
        later = desk.watch.after(minutes=1)
        await desk.fail(claim, later)
        assert list(await desk.store.claim(10)) == []
        assert await rings(desk) == later
        desk.watch.wait(minutes=1)
        assert await end(desk, await desk.only_claim())
        assert (await desk.only_claim()).texts == []
        await desk.store.close()

    async def test_a_claim_brings_what_goes_on_and_nothing_that_is_over(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("hello")
        began = (kept("c", b"1", b"2"), kept("a"), kept("b", b"3", ended="returned"))
        assert await end(desk, await desk.only_claim(), *began)
        await desk.hear("other", sender=BERT)
        assert list((await desk.only_claim()).dialogues) == []
        await desk.hear("again")
        claim = await desk.only_claim()
        assert claim.handled == 1
        assert [(one.id, list(one.entries)) for one in claim.dialogues] == [
            ("a", []),
            ("c", [b"1", b"2"]),
        ]
        await desk.store.close()

    async def test_a_released_alarm_rings_again(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        claim = await desk.only_claim()
        await desk.store.release([claim])
        assert not await end(desk, claim, kept())
        again = await desk.only_claim()
        assert (again.attempts, again.texts) == (1, [])
        assert await end(desk, again, kept())
        await desk.store.close()

    async def test_a_postponed_alarm_rings_later_or_with_a_new_text(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        later = desk.watch.after(minutes=5)
        await desk.store.postpone([await desk.only_claim()], later)
        assert list(await desk.store.claim(10)) == []
        assert await rings(desk) == later
        await desk.hear("hello")
        assert await desk.finish(await desk.only_claim())
        assert await rings(desk) == later
        desk.watch.wait(minutes=5)
        assert (await desk.only_claim()).texts == []
        await desk.store.close()

    async def test_a_postponed_text_holds_up_no_alarm_behind_it(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        await desk.hear("picture")
        await desk.store.postpone([await desk.only_claim()], desk.watch.after(minutes=5))
        await desk.hear("hello")
        assert await desk.finish(await desk.only_claim())
        assert (await desk.only_claim()).texts == []
        await desk.store.close()

    # Finish

    async def test_a_dialogue_is_written_with_its_turn_or_not_at_all(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("BOOK")
        claim = await desk.only_claim()
        await desk.store.release([claim])
        assert not await end(desk, claim, kept("d", b"lost", due_at=desk.watch()))
        claim = await desk.only_claim()
        assert list(claim.dialogues) == []
        assert await end(desk, claim, kept("d", b"one", due_at=desk.watch()))
        [dialogue] = (await desk.only_claim()).dialogues
        assert list(dialogue.entries) == [b"one"]
        await desk.store.close()

    async def test_a_new_head_replaces_the_old_one_and_entries_are_appended(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        due = desk.watch.after(hours=1)
        steps = (
            kept("d", b"1", b"2", head=b"first"),
            kept("d", b"3", count=2, head=b"second", due_at=due),
            kept("d", b"4", count=3, head=None),
        )
        for step in steps:
            await desk.hear("text")
            assert await end(desk, await desk.only_claim(), step)
        [talk] = await desk.store.dialogues()
        assert talk.dialogue == Dialogue(
            id="d", handler="book", head=b"second", entries=[b"1", b"2", b"3", b"4"], due_at=due
        )
        await desk.store.close()

    async def test_an_entry_that_is_there_already_has_to_be_the_same(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("BOOK")
        claim = await desk.only_claim()
        assert list(await desk.store.jot([Jot(claim, kept("d", b"1", b"2"))])) == [True]
        for wrong in (kept("d", b"1", b"other"), kept("d", b"4", count=3), kept("e", head=None)):
            with pytest.raises(StorageError):
                await end(desk, claim, wrong)
        assert await end(desk, claim, kept("d", b"2", b"3", count=1, head=b"new"))
        [talk] = await desk.store.dialogues()
        assert (talk.dialogue.head, talk.dialogue.entries) == (b"new", [b"1", b"2", b"3"])
        await desk.store.close()

    async def test_the_first_alarm_of_several_is_the_one_that_rings(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        hours = [desk.watch.after(hours=hour) for hour in range(4)]
        await begin(desk, "c", due_at=hours[3])
        await begin(desk, "a", due_at=hours[1])
        await begin(desk, "b", due_at=hours[2])
        assert await rings(desk) == hours[1]
        desk.watch.wait(hours=1)
        assert await end(desk, await desk.only_claim(), kept("a", ended="returned"))
        assert await rings(desk) == hours[2]
        desk.watch.wait(hours=1)
        assert await end(desk, await desk.only_claim(), kept("b"))
        assert await rings(desk) == hours[3]
        await desk.store.close()

    async def test_a_dialogue_that_is_over_stays_on_record(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        began = desk.watch()
        await begin(desk)
        claim = await desk.only_claim()
        over = desk.watch.wait(minutes=1)
        assert await end(desk, claim, kept("d", b"1", ended="left", due_at=over))
        assert await rings(desk) is None
        assert list(await desk.store.dialogues()) == []
        [talk] = await desk.store.dialogues(over=True)
        assert (talk.started_at, talk.ended_at, talk.dialogue.ended) == (began, over, "left")
        assert not await begin(desk)
        await desk.store.close()

    async def test_texts_that_come_while_an_alarm_rings_are_answered_next(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        claim = await desk.only_claim()
        await desk.hear("hello")
        assert await end(desk, claim, kept())
        claim = await desk.only_claim()
        assert [text.inbound.text for text in claim.texts] == ["hello"]
        assert await end(desk, claim)
        assert (await desk.store.census()).pending == 0
        await desk.store.close()

    async def test_an_opt_out_word_that_comes_while_an_alarm_rings_stays_over(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        claim = await desk.only_claim()
        await desk.hear("STOP", consent="out")
        assert await end(desk, claim, kept())
        assert list(await desk.store.claim(10)) == []
        assert await desk.statuses() == ["STOP: opt-out"]
        await desk.hear("hello")
        claim = await desk.only_claim()
        assert (claim.handled, [text.seq for text in claim.texts]) == (1, [2])
        await desk.store.close()

    # Jot

    async def test_what_is_jotted_is_there_and_the_turn_goes_on(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("BOOK")
        claim = await desk.only_claim()
        due = desk.watch.after(hours=1)
        assert list(await desk.store.jot([Jot(claim, kept("d", b"1", due_at=due))])) == [True]
        more = kept("d", b"2", count=1, head=b"another", due_at=desk.watch())
        assert list(await desk.store.jot([Jot(claim, more)])) == [True]
        assert list(await desk.store.claim(10)) == []
        await desk.store.release([claim])
        again = await desk.only_claim()
        assert (again.texts, again.attempts) == (claim.texts, 1)
        assert list(again.dialogues) == [
            Dialogue(id="d", handler="book", head=b"{}", entries=[b"1", b"2"], due_at=due)
        ]
        assert await end(desk, again)
        assert await rings(desk) == due
        await desk.store.close()

    async def test_nothing_is_jotted_without_the_lease(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("BOOK")
        await desk.hear("BOOK", sender=BERT)
        lost, held = await desk.store.claim(10)
        await desk.store.release([lost])
        jots = [Jot(claim, kept("d", b"1", due_at=desk.watch())) for claim in (lost, held)]
        assert list(await desk.store.jot(jots)) == [False, True]
        assert places(await desk.store.dialogues()) == [(held.theirs, "d")]
        assert await end(desk, held)
        assert list(await desk.store.jot([jots[1]])) == [False]
        await desk.store.close()

    # Start

    async def test_a_dialogue_is_started_once(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert await begin(desk)
        assert await end(desk, await desk.only_claim(), kept("d", b"1"))
        assert not await begin(desk)
        assert await rings(desk) is None
        assert await begin(desk, to=BERT)
        assert await begin(desk, "e")
        starts = [Start(ours=OURS, theirs=CLEO, id="f", handler="book", head=b"")] * 2
        assert list(await desk.store.start(starts)) == [True, False]
        await desk.store.close()

    async def test_a_start_during_a_turn_is_not_lost(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("hello")
        for turn in ([], [kept("e", due_at=desk.watch.after(hours=2))]):
            claim = await desk.only_claim()
            id, due = f"d{len(turn)}", desk.watch.after(hours=1)
            assert await begin(desk, id, due_at=due)
            assert await rings(desk) is None
            assert await end(desk, claim, *turn)
            assert await rings(desk) == due
            desk.watch.wait(hours=1)
            assert id in ids((claim := await desk.only_claim()).dialogues)
            assert await end(desk, claim, kept(id, ended="returned"))
            await desk.hear("again")
        await desk.store.close()

    async def test_a_start_says_nothing_by_itself(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert await begin(desk)
        assert await desk.statuses() == []
        [thread] = await desk.store.threads()
        assert (thread.theirs, thread.texts_out, thread.last_at) == (ANNA, 0, None)
        finish = Finish(claim=await desk.only_claim(), handled=0, drafts=[Draft(text="hello")])
        assert list(await desk.store.finish([finish])) == [True]
        assert await desk.take() == ["hello"]
        await desk.store.close()

    # What fails

    async def test_an_alarm_that_failed_rings_again(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        later = desk.watch.after(seconds=5)
        failure = Failure(0, "ValueError: \ud83d", later, dialogue="d")
        assert await end(desk, await desk.only_claim(), failure=failure)
        assert list(await desk.store.claim(10)) == []
        assert await rings(desk) == later
        desk.watch.wait(seconds=5)
        claim = await desk.only_claim()
        [dialogue] = claim.dialogues
        assert (dialogue.attempts, dialogue.error) == (1, "ValueError: \ufffd")
        assert await end(desk, claim, kept(due_at=desk.watch()))
        [dialogue] = (await desk.only_claim()).dialogues
        assert (dialogue.attempts, dialogue.error) == (0, "")
        await desk.store.close()

    async def test_an_alarm_set_aside_is_shown_and_waits_for_a_person(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        await begin(desk, to=BERT, due_at=desk.watch.after(days=1))
        await stick(desk)
        assert await rings(desk) == desk.watch.after(days=1)
        census = await desk.store.census()
        assert (census.dialogues, census.stuck, census.set_aside) == (2, 1, 0)
        [thread] = await desk.store.threads(trouble=True)
        assert (thread.theirs, thread.set_aside) == (ANNA, 1)
        assert await desk.store.retry(BERT) == 0
        assert await desk.store.retry(ANNA) == 1
        assert await desk.store.retry() == 0
        [dialogue] = (await desk.only_claim()).dialogues
        assert (dialogue.attempts, dialogue.error) == (0, "ValueError: no")
        assert (await desk.store.census()).stuck == 0
        await desk.store.close()

    async def test_an_alarm_set_aside_holds_up_no_text_and_one_that_ends_well_mends_it(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        await stick(desk, program="v1")
        await desk.hear("hello")
        claim = await desk.only_claim()
        [dialogue] = claim.dialogues
        assert (dialogue.attempts, dialogue.due_at) == (1, None)
        assert await end(desk, claim, kept("d", b"1"))
        assert (await desk.store.census()).stuck == 0
        assert await desk.store.renew("v2", []) == 0
        await desk.store.close()

    async def test_a_new_program_tries_again_what_the_old_one_set_aside(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        for person, program in ((ANNA, "v1"), (BERT, "")):
            await desk.hear("bad", sender=person)
            failure = Failure(1, "ValueError: no", None, program)
            assert await end(desk, await desk.only_claim(), failure=failure)
            await begin(desk, to=person)
            await stick(desk, program=program)
        assert await desk.store.renew("v1", []) == 0
        assert await rings(desk) is None
        assert await desk.store.renew("v2", []) == 2
        assert await desk.store.renew("v3", []) == 0
        claim = await desk.only_claim()
        assert (claim.theirs, [text.seq for text in claim.texts]) == (ANNA, [2])
        [dialogue] = claim.dialogues
        assert (dialogue.due_at, dialogue.attempts) == (desk.watch(), 0)
        census = await desk.store.census()
        assert (census.set_aside, census.stuck) == (1, 1)
        assert await desk.store.retry() == 2
        await desk.store.close()

    async def test_a_new_program_tries_at_once_what_waits_for_another_try(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.store.renew("v1", [])
        later = desk.watch.after(hours=1)
        await desk.hear("bad")
        failure = Failure(1, "ValueError: no", later)
        finish = Finish(claim=await desk.only_claim(), handled=0, failure=failure)
        assert await desk.store.finish([finish]) == [True]
        await begin(desk, to=BERT)
        alarm = Failure(0, "ValueError: no", later, "", "d")
        assert await end(desk, await desk.only_claim(), failure=alarm)
        await desk.store.renew("v1", [])
        assert await rings(desk) == later
        await desk.store.renew("v2", [])
        assert await rings(desk) == desk.watch()
        assert {claim.theirs for claim in await desk.store.claim(9)} == {ANNA, BERT}
        await desk.store.close()

    async def test_a_text_that_failed_and_comes_again_belongs_to_no_program(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("bad")
        failure = Failure(1, "no", desk.watch.after(hours=1), "v1")
        assert await end(desk, await desk.only_claim(), failure=failure) is True
        assert await desk.store.renew("v2", []) == 0
        await desk.store.close()

    async def test_dialogues_of_retired_handlers_are_due_now(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        tomorrow = desk.watch.after(days=1)
        await begin(desk, "a", due_at=tomorrow, handler="old")
        await begin(desk, "b", due_at=tomorrow, handler="book")
        await begin(desk, "c", to=BERT, handler="old")
        assert await end(desk, await desk.only_claim(), kept("c", ended="returned"))
        await begin(desk, "e", to=CLEO, handler="old")
        await stick(desk, "e", program="v1")
        desk.watch.wait(minutes=1)
        assert await desk.store.renew("v1", ["old", "older"]) == 2
        assert await desk.store.renew("v1", ["old", "older"]) == 0
        claims = await desk.store.claim(10)
        assert sorted(claim.theirs for claim in claims) == [ANNA, CLEO]
        [anna] = [claim for claim in claims if claim.theirs == ANNA]
        assert [one.due_at for one in anna.dialogues] == [desk.watch(), tomorrow]
        await desk.store.close()

    # For people

    async def test_dialogues_are_read_page_by_page(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        for person in (ANNA, BERT, CLEO):
            for id in ("b", "a", "c"):
                await begin(desk, id, to=person, handler="other" if id == "c" else "book")
        claims = {claim.theirs: claim for claim in await desk.store.claim(10)}
        for person, claim in claims.items():
            over = kept("b", b"over", ended="returned") if person == BERT else kept("b", b"1", b"2")
            assert await end(desk, claim, kept("a", person.encode()), over)
        everything = await self.everything(desk, over=True)
        assert sorted(places(everything)) == [
            (person, id) for person in (ANNA, BERT, CLEO) for id in "abc"
        ]
        order = [(talk.conversation, talk.dialogue.id) for talk in everything]
        assert order == sorted(order)
        assert await self.everything(desk) == [talk for talk in everything if not talk.ended_at]
        book = await self.everything(desk, handler="book")
        assert book == [talk for talk in await self.everything(desk) if talk.dialogue.id != "c"]
        entries = {(talk.theirs, talk.dialogue.id): talk.dialogue.entries for talk in everything}
        assert entries[ANNA, "a"] == [ANNA.encode()]
        assert (entries[ANNA, "b"], entries[BERT, "b"]) == ([b"1", b"2"], [b"over"])
        assert entries[CLEO, "c"] == []
        await desk.store.close()

    async def everything(self, desk: Desk, *, handler: str = "", over: bool = False) -> list[Talk]:
        """All dialogues, by pages of two."""
        talks: list[Talk] = []
        after = None
        while page := await desk.store.dialogues(handler=handler, over=over, after=after, limit=2):
            assert len(page) <= 2
            last = (page[-1].conversation, page[-1].dialogue.id)
            assert after is None or last > after
            talks, after = [*talks, *page], last
        return talks

    async def test_what_goes_on_is_counted_by_handler(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        assert await desk.store.handlers() == {}
        for person, handler in ((ANNA, "book"), (BERT, "book"), (CLEO, "old")):
            await begin(desk, to=person, handler=handler)
        [claim] = [claim for claim in await desk.store.claim(10) if claim.theirs == CLEO]
        assert await end(desk, claim, kept(ended="returned"))
        assert await desk.store.handlers() == {"book": 2}
        await desk.store.close()

    async def test_a_dialogue_is_read_with_its_person(self, open_store: OpenStore) -> None:
        desk = await self.desk(open_store)
        await desk.hear("BOOK")
        claim = await desk.only_claim()
        finish = Finish(claim=claim, handled=1, state=b"s", dialogues=[kept("d", b"1")])
        began = desk.watch.wait(seconds=1)
        assert list(await desk.store.finish([finish])) == [True]
        [talk] = await desk.store.dialogues()
        assert (talk.ours, talk.theirs, talk.state) == (OURS, ANNA, b"s")
        assert (talk.conversation, talk.started_at) == (claim.conversation, began)
        await desk.store.close()

    async def test_what_no_database_can_hold_is_replaced_in_names_too(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        for fresh in (True, False):
            assert await begin(desk, "nul \0 \ud83d", handler="b\ud800") is fresh
        [talk] = await desk.store.dialogues(handler="b\ud800")
        assert (talk.dialogue.id, talk.dialogue.handler) == ("nul \ufffd \ufffd", "b\ufffd")
        assert await end(desk, await desk.only_claim(), kept("nul \0 \ud83d", b"1"))
        await desk.store.close()

    async def test_nothing_is_left_of_a_forgotten_persons_dialogues(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await begin(desk)
        await begin(desk, to=BERT)
        first, second = await desk.store.claim(10)
        anna, bert = (first, second) if first.theirs == ANNA else (second, first)
        for claim in (anna, bert):
            assert list(await desk.store.jot([Jot(claim, kept("d", b"1"))])) == [True]
        assert await desk.store.forget(ANNA)
        late = kept("d", b"2", count=1, due_at=desk.watch())
        assert list(await desk.store.jot([Jot(anna, late), Jot(bert, late)])) == [False, True]
        assert not await end(desk, anna, late)
        assert await end(desk, bert, kept("d"))
        assert await rings(desk) is None
        assert places(await desk.store.dialogues(over=True)) == [(BERT, "d")]
        assert await begin(desk)
        [dialogue] = (await desk.only_claim()).dialogues
        assert list(dialogue.entries) == []
        assert ANNA in [thread.theirs for thread in await desk.store.threads()]
        await desk.store.close()

    async def test_nobody_waits_for_the_answer_of_a_forgotten_person(
        self, open_store: OpenStore
    ) -> None:
        desk = await self.desk(open_store)
        await desk.hear("BOOK")
        claim = await desk.only_claim()
        asking = Finish(claim=claim, handled=1, asks=True, dialogues=[kept()])
        assert list(await desk.store.finish([asking])) == [True]
        assert await desk.store.forget(ANNA)
        await desk.hear("please leave me alone", consent="wish")
        assert list(await desk.store.claim(10)) == []
        assert (await desk.store.census()).opted_out == 1
        await desk.store.close()

    async def test_dialogues_are_there_after_a_restart(self, open_store: OpenStore) -> None:
        watch = Watch()
        desk = Desk(await open_store(watch), watch)
        due = watch.after(days=365)
        await desk.hear("BOOK")
        assert await end(desk, await desk.only_claim(), kept("d", b"1", due_at=due))
        await desk.store.close()
        watch.time = due + timedelta(days=1)
        desk = Desk(await open_store(watch), watch)
        claim = await desk.only_claim()
        assert [list(one.entries) for one in claim.dialogues] == [[b"1"]]
        assert claim.handled == 1
        await desk.store.close()
