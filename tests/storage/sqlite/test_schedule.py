"""A conversation's timer is the first alarm of its dialogues, whatever happened, in any order."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cooee.core.messages import conversation_id
from cooee.storage import Checkpoint, Claim, ClaimResult, DialogueStart, DialogueUpdate, TurnFailure
from cooee.storage.columns import from_millis_or_none
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, OURS, ManualClock, StoreHarness

# Id, handler, minutes until it is due, whether it ends, whether there is a new head.
Change: TypeAlias = tuple[str, str, int | None, bool, bool]


@dataclass
class ExpectedDialogue:
    """A dialogue as it should be."""

    handler: str
    due: Any
    set_aside_version: str | None = None  # the program under which its alarm was set aside
    failing: bool = False
    has_ended: bool = False


@dataclass
class DialogueModel:
    """A store, and beside it a plain dictionary of what it should hold."""

    harness: StoreHarness
    expected: dict[tuple[str, str], ExpectedDialogue] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    lost: list[Claim] = field(default_factory=list)
    code_version: str | None = None

    def open_dialogues(self, person: str) -> dict[str, ExpectedDialogue]:
        return {
            id: one
            for (whose, id), one in self.expected.items()
            if whose == person and not one.has_ended
        }

    def at(self, minutes: int | None) -> Any:
        return None if minutes is None else self.harness.clock.later(minutes=minutes)

    # The moves

    async def start(self, person: str, id: str, handler: str, minutes: int | None) -> None:
        start = DialogueStart(
            ours=OURS, theirs=person, id=id, handler=handler, head=b"", due_at=self.at(minutes)
        )
        [fresh] = await self.harness.store.start_dialogues([start])
        assert fresh == ((person, id) not in self.expected)
        if fresh:
            self.expected[person, id] = ExpectedDialogue(handler, self.at(minutes or 0))

    async def receive(self, person: str, consent: str) -> None:
        await self.harness.receive("text", sender=person, consent=consent)

    async def wait(self, minutes: int) -> None:
        self.harness.clock.advance(minutes=minutes)

    async def claim(self, limit: int) -> None:
        for claim in await self.harness.store.claim(limit):
            assert {one.id for one in claim.dialogues} == set(self.open_dialogues(claim.theirs))
            assert claim.theirs not in [held.theirs for held in self.claims]
            if not claim.texts:
                dues = [one.due for one in self.open_dialogues(claim.theirs).values() if one.due]
                assert min(dues) <= self.harness.clock()
            self.claims.append(claim)

    async def finish(self, which: int, changes: list[Change]) -> None:
        claim, held = self.pick_claim(which)
        if claim is None:
            return
        kepts = [self.dialogue_update(claim.theirs, change) for change in changes]
        handled_seq = self.handled_seq(claim)
        result = ClaimResult(claim=claim, handled_seq=handled_seq, dialogue_updates=kepts)
        assert await self.harness.finish_all(result) == [held]
        for kept in kepts if held else ():
            if kept.head is not None:
                over = bool(kept.end_reason)
                self.expected[claim.theirs, kept.id] = ExpectedDialogue(
                    kept.handler, kept.due_at, has_ended=over
                )

    async def fail(self, which: int, id: str, minutes: int | None, code_version: str) -> None:
        claim, held = self.pick_claim(which)
        if claim is None:
            return
        failure = TurnFailure(0, "no", self.at(minutes), code_version, dialogue_id=id)
        result = ClaimResult(claim=claim, handled_seq=self.handled_seq(claim), failure=failure)
        assert await self.harness.finish_all(result) == [held]
        one = self.expected.get((claim.theirs, id))
        if held and one and not one.has_ended:
            one.due, one.set_aside_version = (
                self.at(minutes),
                code_version if minutes is None else None,
            )
            one.failing = True

    async def checkpoint(self, which: int, change: Change) -> None:
        claim, held = self.pick_claim(which, keep=True)
        if claim is None:
            return
        kept = self.dialogue_update(claim.theirs, change)
        assert list(await self.harness.store.checkpoint([Checkpoint(claim, kept)])) == [held]
        if held and (claim.theirs, kept.id) not in self.expected:
            self.expected[claim.theirs, kept.id] = ExpectedDialogue(
                kept.handler, kept.due_at, has_ended=bool(kept.end_reason)
            )

    async def release(self, which: int) -> None:
        claim, _ = self.pick_claim(which)
        if claim is not None:
            await self.harness.store.release([claim])

    async def postpone(self, which: int, minutes: int) -> None:
        claim, held = self.pick_claim(which)
        if claim is None:
            return
        until = self.at(minutes)
        await self.harness.store.postpone([claim], until)
        for one in self.open_dialogues(claim.theirs).values() if held and not claim.texts else ():
            one.due = one.due and max(one.due, until)

    async def forget(self, person: str) -> None:
        await self.harness.store.forget(person)
        self.expected = {key: one for key, one in self.expected.items() if key[0] != person}
        self.lost += [claim for claim in self.claims if claim.theirs == person]

    async def retry_after_deploy(self, code_version: str, retired_handlers: list[str]) -> None:
        await self.harness.store.retry_after_deploy(code_version, retired_handlers)
        changed, self.code_version = code_version != self.code_version, code_version
        for one in self.expected.values():
            if changed and one.failing and not one.has_ended and one.due:
                one.due = min(one.due, self.harness.clock())
            freed = one.set_aside_version and one.set_aside_version != code_version
            called = one.handler in retired_handlers and not (
                one.due and one.due <= self.harness.clock()
            )
            if not one.has_ended and (freed or called):
                one.due, one.set_aside_version, one.failing = self.harness.clock(), None, False

    async def retry(self, person: str | None) -> None:
        await self.harness.store.retry(person)
        for (whose, _), one in self.expected.items():
            if one.set_aside_version is not None and not one.has_ended and person in (None, whose):
                one.due, one.set_aside_version, one.failing = self.harness.clock(), None, False

    async def die(self) -> None:
        await self.harness.store._thread.close()
        self.harness.store._ownership.close()
        self.harness.store = await SQLite.open(self.harness.store.path, now=self.harness.clock)
        self.claims, self.lost = [], []

    def pick_claim(self, which: int, *, keep: bool = False) -> tuple[Claim | None, bool]:
        """A claim that was given out, and whether its lease still holds."""
        if not self.claims:
            return None, False
        claim = self.claims[which % len(self.claims)]
        held = claim not in self.lost
        if not keep or not held:
            self.claims.remove(claim)
        return claim, held

    def handled_seq(self, claim: Claim) -> int:
        return claim.texts[-1].seq if claim.texts else claim.handled_seq

    def dialogue_update(self, person: str, change: Change) -> DialogueUpdate:
        id, handler, minutes, ends, head = change
        known = (person, id) in self.expected
        return DialogueUpdate(
            id=id,
            handler=handler,
            stored_count=0,
            head=b"" if head or not known else None,
            due_at=self.at(minutes),
            end_reason="over" if ends else "",
        )

    # The truth

    async def check(self) -> None:
        rows = await self.harness.store._thread.submit(
            lambda db: db.execute("select id, timer_at from conversations").fetchall()
        )
        timers = {id: from_millis_or_none(at) for id, at in rows}
        for person in (ANNA, BERT):
            dues = [one.due for one in self.open_dialogues(person).values() if one.due]
            assert timers.get(conversation_id(OURS, person)) == min(dues, default=None)

    async def drain(self) -> None:
        """Whatever is due is claimed in the end, and then nothing is."""
        await self.harness.store.release(self.claims)
        self.claims, self.lost = [], []
        self.harness.clock.advance(days=1)
        for _ in range(100):
            await self.claim(10)
            if not self.claims:
                break
            for claim in list(self.claims):
                ends = [(one.id, one.handler, None, True, True) for one in claim.dialogues]
                await self.finish(0, ends)
        assert not self.claims
        assert [one for one in self.expected.values() if one.due and not one.has_ended] == []
        assert (await self.harness.store.next_due()).turn is None
        assert (await self.harness.store.counts()).pending == 0


people, ids, handlers = st.sampled_from([ANNA, BERT]), st.sampled_from("abc"), st.sampled_from("hk")
which, programs = st.integers(0, 3), st.sampled_from(["", "v1", "v2"])
minutes = st.none() | st.integers(0, 5)
changes = st.tuples(ids, handlers, minutes, st.booleans(), st.booleans())
moves = st.one_of(
    st.tuples(st.just("start"), people, ids, handlers, minutes),
    st.tuples(st.just("receive"), people, st.sampled_from(["", "", "out"])),
    st.tuples(st.just("wait"), st.integers(1, 5)),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(
        st.just("finish"), which, st.lists(changes, max_size=3, unique_by=lambda one: one[0])
    ),
    st.tuples(st.just("fail"), which, ids, minutes, programs),
    st.tuples(st.just("checkpoint"), which, changes),
    st.tuples(st.just("release"), which),
    st.tuples(st.just("postpone"), which, st.integers(1, 5)),
    st.tuples(st.just("forget"), people),
    st.tuples(st.just("retry_after_deploy"), programs, st.lists(handlers, max_size=1)),
    st.tuples(st.just("retry"), st.none() | people),
    st.tuples(st.just("die")),
)


FORGOTTEN_AND_BEGUN_AGAIN = [  # the claim from before holds nothing of the new conversation
    ("receive", ANNA, ""),
    ("claim", 1),
    ("forget", ANNA),
    ("start", ANNA, "a", "h", 0),
    ("checkpoint", 0, ("b", "h", 0, False, False)),
]


@pytest.mark.slow
@settings(max_examples=40)  # each opens a file, and each move is a commit
@given(st.lists(moves, max_size=40))
@example(FORGOTTEN_AND_BEGUN_AGAIN)
def test_the_timer_is_the_first_timer_after_every_move(moves):
    async def played() -> None:
        with tempfile.TemporaryDirectory() as directory:
            clock = ManualClock()
            play = DialogueModel(
                StoreHarness(await SQLite.open(Path(directory) / "a.db", now=clock), clock)
            )
            for move, *how in moves:
                await getattr(play, move)(*how)
                await play.check()
            await play.drain()
            await play.harness.store.close()

    asyncio.run(played())
