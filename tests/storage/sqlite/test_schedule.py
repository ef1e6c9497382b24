"""A conversation's timer is the first alarm of its dialogues, whatever happened, in any order."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from cooee.core.messages import conversation_id
from cooee.storage import Claim, Failure, Finish, Jot, Kept, Start
from cooee.storage.sqlite.columns import moment_or_none
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, OURS, Desk, Watch

# Id, handler, minutes until it is due, whether it ends, whether there is a new head.
Change: TypeAlias = tuple[str, str, int | None, bool, bool]


@dataclass
class Told:
    """A dialogue as it should be."""

    handler: str
    due: Any
    stuck: str | None = None  # the program under which its alarm was set aside
    failing: bool = False
    over: bool = False


@dataclass
class Play:
    """A store, and beside it a plain dictionary of what it should hold."""

    desk: Desk
    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    lost: list[Claim] = field(default_factory=list)
    program: str | None = None

    def live(self, person: str) -> dict[str, Told]:
        return {
            id: one for (whose, id), one in self.told.items() if whose == person and not one.over
        }

    def at(self, minutes: int | None) -> Any:
        return None if minutes is None else self.desk.watch.after(minutes=minutes)

    # The moves

    async def start(self, person: str, id: str, handler: str, minutes: int | None) -> None:
        start = Start(
            ours=OURS, theirs=person, id=id, handler=handler, head=b"", due_at=self.at(minutes)
        )
        [fresh] = await self.desk.store.start([start])
        assert fresh == ((person, id) not in self.told)
        if fresh:
            self.told[person, id] = Told(handler, self.at(minutes or 0))

    async def hear(self, person: str, consent: str) -> None:
        await self.desk.hear("text", sender=person, consent=consent)

    async def wait(self, minutes: int) -> None:
        self.desk.watch.wait(minutes=minutes)

    async def claim(self, limit: int) -> None:
        for claim in await self.desk.store.claim(limit):
            assert {one.id for one in claim.dialogues} == set(self.live(claim.theirs))
            assert claim.theirs not in [held.theirs for held in self.claims]
            if not claim.texts:
                dues = [one.due for one in self.live(claim.theirs).values() if one.due]
                assert min(dues) <= self.desk.watch()
            self.claims.append(claim)

    async def finish(self, which: int, changes: list[Change]) -> None:
        claim, held = self.pick(which)
        if claim is None:
            return
        kepts = [self.kept(claim.theirs, change) for change in changes]
        done = await self.desk.store.finish(
            [Finish(claim=claim, handled=self.handled(claim), dialogues=kepts)]
        )
        assert list(done) == [held]
        for kept in kepts if held else ():
            if kept.head is not None:
                over = bool(kept.ended)
                self.told[claim.theirs, kept.id] = Told(kept.handler, kept.due_at, over=over)

    async def fail(self, which: int, id: str, minutes: int | None, program: str) -> None:
        claim, held = self.pick(which)
        if claim is None:
            return
        failure = Failure(0, "no", self.at(minutes), program, dialogue=id)
        finish = Finish(claim=claim, handled=self.handled(claim), failure=failure)
        assert list(await self.desk.store.finish([finish])) == [held]
        one = self.told.get((claim.theirs, id))
        if held and one and not one.over:
            one.due, one.stuck = self.at(minutes), program if minutes is None else None
            one.failing = True

    async def jot(self, which: int, change: Change) -> None:
        claim, held = self.pick(which, keep=True)
        if claim is None:
            return
        kept = self.kept(claim.theirs, change)
        assert list(await self.desk.store.jot([Jot(claim, kept)])) == [held]
        if held and (claim.theirs, kept.id) not in self.told:
            self.told[claim.theirs, kept.id] = Told(
                kept.handler, kept.due_at, over=bool(kept.ended)
            )

    async def release(self, which: int) -> None:
        claim, _ = self.pick(which)
        if claim is not None:
            await self.desk.store.release([claim])

    async def postpone(self, which: int, minutes: int) -> None:
        claim, held = self.pick(which)
        if claim is None:
            return
        until = self.at(minutes)
        await self.desk.store.postpone([claim], until)
        for one in self.live(claim.theirs).values() if held and not claim.texts else ():
            one.due = one.due and max(one.due, until)

    async def forget(self, person: str) -> None:
        await self.desk.store.forget(person)
        self.told = {key: one for key, one in self.told.items() if key[0] != person}
        self.lost += [claim for claim in self.claims if claim.theirs == person]

    async def renew(self, program: str, retired: list[str]) -> None:
        await self.desk.store.renew(program, retired)
        changed, self.program = program != self.program, program
        for one in self.told.values():
            if changed and one.failing and not one.over and one.due:
                one.due = min(one.due, self.desk.watch())
            freed = one.stuck and one.stuck != program
            called = one.handler in retired and not (one.due and one.due <= self.desk.watch())
            if not one.over and (freed or called):
                one.due, one.stuck, one.failing = self.desk.watch(), None, False

    async def retry(self, person: str | None) -> None:
        await self.desk.store.retry(person)
        for (whose, _), one in self.told.items():
            if one.stuck is not None and not one.over and person in (None, whose):
                one.due, one.stuck, one.failing = self.desk.watch(), None, False

    async def die(self) -> None:
        await self.desk.store._thread.close()
        self.desk.store._ownership.close()
        self.desk.store = await SQLite.open(self.desk.store.path, now=self.desk.watch)
        self.claims, self.lost = [], []

    def pick(self, which: int, *, keep: bool = False) -> tuple[Claim | None, bool]:
        """A claim that was given out, and whether its lease still holds."""
        if not self.claims:
            return None, False
        claim = self.claims[which % len(self.claims)]
        held = claim not in self.lost
        if not keep or not held:
            self.claims.remove(claim)
        return claim, held

    def handled(self, claim: Claim) -> int:
        return claim.texts[-1].seq if claim.texts else claim.handled

    def kept(self, person: str, change: Change) -> Kept:
        id, handler, minutes, ends, head = change
        known = (person, id) in self.told
        return Kept(
            id=id,
            handler=handler,
            count=0,
            head=b"" if head or not known else None,
            due_at=self.at(minutes),
            ended="over" if ends else "",
        )

    # The truth

    async def check(self) -> None:
        rows = await self.desk.store._thread.ask(
            lambda db: db.execute("select id, timer_at from conversations").fetchall()
        )
        timers = {id: moment_or_none(at) for id, at in rows}
        for person in (ANNA, BERT):
            dues = [one.due for one in self.live(person).values() if one.due]
            assert timers.get(conversation_id(OURS, person)) == min(dues, default=None)

    async def drain(self) -> None:
        """Whatever is due is claimed in the end, and then nothing is."""
        await self.desk.store.release(self.claims)
        self.claims, self.lost = [], []
        self.desk.watch.wait(days=1)
        for _ in range(100):
            await self.claim(10)
            if not self.claims:
                break
            for claim in list(self.claims):
                ends = [(one.id, one.handler, None, True, True) for one in claim.dialogues]
                await self.finish(0, ends)
        assert not self.claims
        assert [one for one in self.told.values() if one.due and not one.over] == []
        assert (await self.desk.store.alarms()).turn is None
        assert (await self.desk.store.census()).pending == 0


people, ids, handlers = st.sampled_from([ANNA, BERT]), st.sampled_from("abc"), st.sampled_from("hk")
which, programs = st.integers(0, 3), st.sampled_from(["", "v1", "v2"])
minutes = st.none() | st.integers(0, 5)
changes = st.tuples(ids, handlers, minutes, st.booleans(), st.booleans())
moves = st.one_of(
    st.tuples(st.just("start"), people, ids, handlers, minutes),
    st.tuples(st.just("hear"), people, st.sampled_from(["", "", "out"])),
    st.tuples(st.just("wait"), st.integers(1, 5)),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(
        st.just("finish"), which, st.lists(changes, max_size=3, unique_by=lambda one: one[0])
    ),
    st.tuples(st.just("fail"), which, ids, minutes, programs),
    st.tuples(st.just("jot"), which, changes),
    st.tuples(st.just("release"), which),
    st.tuples(st.just("postpone"), which, st.integers(1, 5)),
    st.tuples(st.just("forget"), people),
    st.tuples(st.just("renew"), programs, st.lists(handlers, max_size=1)),
    st.tuples(st.just("retry"), st.none() | people),
    st.tuples(st.just("die")),
)


@settings(max_examples=80, deadline=None)  # each opens a file, and each move is a commit
@given(st.lists(moves, max_size=40))
def test_the_timer_is_the_first_alarm_after_every_move(moves):
    async def played() -> None:
        with tempfile.TemporaryDirectory() as directory:
            watch = Watch()
            play = Play(Desk(await SQLite.open(Path(directory) / "a.db", now=watch), watch))
            for move, *how in moves:
                await getattr(play, move)(*how)
                await play.check()
            await play.drain()
            await play.desk.store.close()

    asyncio.run(played())
