"""Whatever happens in whatever order: nothing is lost, doubled, overtaken or forgotten."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cooee.core.dialogue.refusals import apology_key
from cooee.core.messages import Outbound, Priority, Refusal, Status, conversation_id
from cooee.storage import Claim, ClaimResult, NewOutbound, ProactiveOutbound, TurnFailure
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, ManualClock, StoreHarness

PEOPLE = (ANNA, BERT, CLEO)


@dataclass
class ExpectedText:
    """A text out, as it should be."""

    words: str
    priority: Priority
    due: object
    status: Status = Status.QUEUED
    attempts: int = 0


@dataclass
class ExpectedPerson:
    """What a store should know of a person; texts in are their words."""

    pending: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    suspects: int = 0  # of the pending texts
    waits_until: object = None
    failed: int = 0  # attempts of the oldest pending text
    out: list[ExpectedText] = field(default_factory=list)
    opted_out: bool = False

    def takeable(self, now) -> set[str]:
        return {
            text.words
            for place, text in enumerate(self.out)
            if text.status is Status.QUEUED
            and text.due <= now
            and not any(_blocks(before, text, now) for before in self.out[:place])
        }


def _blocks(before: ExpectedText, text: ExpectedText, now) -> bool:
    waits = before.status is Status.QUEUED and (before.due <= now or before.attempts > 0)
    doubt = before.status is Status.UNKNOWN and before.due <= now + timedelta(minutes=1)
    return before.priority <= text.priority and (before.status is Status.SENDING or waits or doubt)


class StoreModel:
    """A store and a model of it, side by side."""

    def __init__(self, harness: StoreHarness, draw) -> None:
        self.harness, self.draw = harness, draw
        self.people = {person: ExpectedPerson() for person in PEOPLE}
        self.claims: list[Claim] = []
        self.sending: list[Outbound] = []
        self.count = 0
        self.keys: list[str] = []
        self.is_pruned, self._prunes = False, draw(st.booleans())

    def _draft(self, **fields: object) -> NewOutbound:
        """Return a text whose refusal begins no dialogue: this life has none."""
        text = self._new()
        key = apology_key(Refusal(id=text, text=text), 0, text)
        return NewOutbound(text=text, key=key, **fields)

    def _new(self) -> str:
        self.count += 1
        return f"text {self.count}"

    def _person(self) -> str:
        return self.draw(st.sampled_from(PEOPLE))

    # What may happen

    async def receive(self) -> None:
        person, words = self._person(), self._new()
        consent = self.draw(st.sampled_from(["", "", "", "", "out", "in"]))
        known = self.people[person]
        again = self.draw(st.booleans())
        key = words if again else ""
        assert list(await self.harness.receive(words, sender=person, key=key, consent=consent)) == [
            True
        ]
        if again:
            assert list(await self.harness.receive(words, sender=person, key=key)) == [False]
        if consent == "out":
            known.opted_out = True
            _cancel(known)
            if known.pending:
                known.pending.append(words)
            else:
                known.over.append(words)
        else:
            known.opted_out = known.opted_out and consent != "in"
            known.pending.append(words)

    async def claim(self) -> None:
        limit = self.draw(st.integers(1, 3))
        claims = await self.harness.store.claim(limit)
        assert len(claims) <= limit
        for claim in claims:
            self._check(claim)
        self.claims += claims
        if len(claims) < limit:
            turn = (await self.harness.store.next_due()).turn
            assert turn is None or turn > self.harness.clock(), "it would spin"

    def _check(self, claim: Claim) -> None:
        known = self.people[claim.theirs]
        assert claim.theirs not in {held.theirs for held in self.claims}
        words = [text.inbound.text for text in claim.texts]
        assert words == known.pending[: len(words)]
        assert len(words) <= 8
        assert known.waits_until is None or known.waits_until <= self.harness.clock()
        if known.suspects:
            assert (len(words), self.claims) == (1, [])
            known.failed += 1
            assert claim.attempt == known.failed
        else:
            assert claim.attempt == known.failed + 1
            assert len(words) == min(len(known.pending), 8)
            ready = [one for one in self.people.values() if one.suspects]
            assert all(one.waits_until and one.waits_until > self.harness.clock() for one in ready)

    async def finish(self) -> None:
        if not self.claims:
            return
        claim = self.claims.pop(self.draw(st.integers(0, len(self.claims) - 1)))
        known = self.people[claim.theirs]
        done = self.draw(st.integers(0, len(claim.texts)))
        bad = done < len(claim.texts)
        later = self.harness.clock.later(seconds=self.draw(st.sampled_from([0, 5, 50])))
        retry_at = self.draw(st.sampled_from([None, later])) if bad else None
        first = claim.texts[0].seq
        failure = TurnFailure(first + done, "no", retry_at) if bad else None
        over = done + (bad and retry_at is None)
        drafts = [self._draft() for _ in range(self.draw(st.integers(0, 2)))]
        result = ClaimResult(
            claim=claim, handled_seq=first + over - 1, drafts=drafts, failure=failure
        )
        assert await self.harness.finish_all(result) == [True]
        known.over += known.pending[:done]
        known.aside += known.pending[done:over]
        del known.pending[:over]
        known.suspects = max(known.suspects - over, 0)
        known.waits_until, known.failed = None, 0
        if retry_at is not None:
            known.waits_until, known.failed = retry_at, 1 if done else claim.attempt
        self._queue(known, drafts)

    def _queue(self, known: ExpectedPerson, drafts: list[NewOutbound]) -> None:
        for draft in drafts:
            status = Status.CANCELLED if known.opted_out else Status.QUEUED
            due = draft.due_at or self.harness.clock()
            known.out.append(ExpectedText(draft.text, draft.priority, due, status))

    async def release(self) -> None:
        if self.claims:
            claim = self.claims.pop()
            await self.harness.store.release([claim])
            known = self.people[claim.theirs]
            known.failed -= known.suspects > 0
            assert not await self.harness.finish(claim, "never")

    async def retry(self) -> None:
        known = self.people[person := self._person()]
        assert await self.harness.store.retry(person) == len(known.aside)
        known.pending += known.aside
        known.aside = []

    async def enqueue(self) -> None:
        person = self._person()
        due = self.harness.clock.later(seconds=self.draw(st.sampled_from([0, 0, 20])))
        draft = self._draft(priority=self.draw(st.sampled_from(Priority)), due_at=due)
        await self.harness.store.enqueue([ProactiveOutbound(OURS, person, draft)])
        self._queue(self.people[person], [draft])

    async def take(self) -> None:
        now = self.harness.clock()
        expected = {words for known in self.people.values() for words in known.takeable(now)}
        some = self.draw(st.booleans())
        taken = await self.harness.store.take(OURS, 2 if some else 100)
        got = [one.outbound.text for one in taken]
        assert len(got) == len(set(got)) == (min(2, len(expected)) if some else len(expected))
        assert set(got) <= expected
        for one in taken:
            text = self._text(one.outbound)
            text.status, text.attempts = Status.SENDING, text.attempts + 1
            assert one.outbound.attempt == text.attempts
            self.sending.append(one.outbound)
        if not some:
            send = (await self.harness.store.next_due()).send
            assert send is None or send > now, "it would spin"

    def _text(self, outbound: Outbound) -> ExpectedText:
        [text] = [
            text for text in self.people[outbound.recipient].out if text.words == outbound.text
        ]
        return text

    async def record(self) -> None:
        if not self.sending:
            return
        outbound = self.sending.pop(self.draw(st.integers(0, len(self.sending) - 1)))
        text = self._text(outbound)
        ends = [Status.QUEUED, Status.UNKNOWN, Status.ACCEPTED, Status.FAILED]
        status = self.draw(st.sampled_from(ends))
        again = self.harness.clock.later(seconds=self.draw(st.sampled_from([0, 30, 300])))
        await self.harness.record(outbound, status, retry_at=again)
        text.status = status
        if status in {Status.QUEUED, Status.UNKNOWN}:
            text.due = again
        if status is Status.QUEUED and self.people[outbound.recipient].opted_out:
            text.status = Status.CANCELLED

    async def wait(self) -> None:
        self.harness.clock.advance(seconds=self.draw(st.sampled_from([1, 10, 60])))

    async def prune(self) -> None:
        if self._prunes:
            await self.harness.store.prune_history(self.harness.clock())
            self.is_pruned = True

    async def restart(self) -> None:
        await self.harness.store.close()
        await self._reopen()

    async def die(self) -> None:
        await self.harness.store._thread.close()
        self.harness.store._ownership.close()
        for known in self.people.values():
            known.suspects = len(known.pending)
        await self._reopen()

    async def _reopen(self) -> None:
        store = await SQLite.open(self.harness.store.path, now=self.harness.clock)
        self.harness = StoreHarness(store, self.harness.clock)
        for outbound in self.sending:
            text = self._text(outbound)
            text.status, text.due = Status.UNKNOWN, self.harness.clock()
        self.claims, self.sending = [], []

    # What must be true in the end

    async def end(self) -> None:
        await self.harness.store.release(self.claims)
        self.claims = []
        self.harness.clock.advance(days=1)
        while claims := await self.harness.store.claim(10):
            for claim in claims:
                assert await self.harness.finish(claim)
                known = self.people[claim.theirs]
                texts = [text.inbound.text for text in claim.texts]
                assert texts == known.pending[: len(texts)]
                known.over += texts
                del known.pending[: len(texts)]
        assert (await self.harness.store.next_due()).turn is None
        for person, known in self.people.items():
            assert known.pending == [], "these would never be claimed"
            assert len(known.over) == len(set(known.over))
            await self._compare(person, known)

    async def _compare(self, person: str, known: ExpectedPerson) -> None:
        entries = await self.harness.store.history(OURS, person, 1000)
        stored = {entry.text: entry.status for entry in entries if entry.direction == "in"}
        aside = {text for text, status in stored.items() if status == "set aside"}
        assert aside == set(known.aside)
        out = {entry.text: entry.status for entry in entries if entry.direction == "out"}
        expected = {text.words: text.status.name.lower() for text in known.out}
        waiting = {text.words for text in known.out if text.status <= Status.UNKNOWN}
        assert out.items() <= expected.items()
        assert set(stored) <= {*known.over, *known.aside}
        if self.is_pruned:
            assert waiting <= out.keys()
        else:
            assert len(out) == len(expected)
            assert len(stored) == len(known.over) + len(known.aside)


def _cancel(known: ExpectedPerson) -> None:
    for text in known.out:
        if text.status is Status.QUEUED:
            text.status = Status.CANCELLED


DEEDS = [
    *[StoreModel.receive] * 4,
    *[StoreModel.claim] * 3,
    *[StoreModel.finish] * 4,
    *[StoreModel.enqueue] * 2,
    *[StoreModel.take] * 2,
    *[StoreModel.record] * 2,
    *(StoreModel.release, StoreModel.retry, StoreModel.wait, StoreModel.restart, StoreModel.die),
    StoreModel.prune,
]


@settings(
    max_examples=50,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a life is slow to shorten
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data(), st.lists(st.sampled_from(DEEDS), min_size=30, max_size=80))
def test_any_life_keeps_every_promise(data, deeds):
    async def live(path: Path) -> None:
        clock = ManualClock()
        life = StoreModel(StoreHarness(await SQLite.open(path, now=clock), clock), data.draw)
        try:
            for deed in deeds:
                await deed(life)
            await life.end()
        finally:
            await life.harness.store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder) / "cooee.db"))


def test_the_conversations_of_the_model_differ():
    assert len({conversation_id(OURS, person) for person in PEOPLE}) == len(PEOPLE)
