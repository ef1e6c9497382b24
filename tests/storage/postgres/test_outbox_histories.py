"""Random histories: whatever the verbs of the outbox are asked, both databases say the same."""

from __future__ import annotations

import random

import pytest

from cooee.core.messages import Priority, Receipt, Status
from cooee.storage import AttemptResult, ClaimResult, NewOutbound, ProactiveOutbound
from cooee.storage.forget_key import ForgetKey
from cooee.storage.postgres.store import PostgreSQL
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, ManualClock, StoreHarness

PEOPLE = [ANNA, BERT, CLEO]
STEPS = 45


class History:
    """A run of random verbs on a store; the same seed makes the same calls."""

    def __init__(self, store, clock, seed):
        self.harness, self.store, self.clock = StoreHarness(store, clock), store, clock
        self.random, self.taken, self.step = random.Random(seed), [], 0

    async def run(self):
        """Yield what each verb said, and what is stored after it."""
        verbs = [self.enqueue, self.take, self.record, self.record, self.report] * 4 + [
            *(self.take_replies, self.turn, self.turn, self.advance, self.advance, self.defer),
            *(self.list_opt_outs, self.opt_in, self.opt_out, self.resend, self.resend_refused),
            *(self.check, self.forget),
        ]
        for self.step in range(STEPS):
            verb = self.random.choice(verbs)
            said = await verb()
            await self.store.take(OURS, 0)  # what is too late expires at one moment in both
            yield verb.__name__, said, await self.contents()

    async def contents(self):
        texts = [entry for who in PEOPLE for entry in await self.store.history(OURS, who, 100)]
        opt_outs = [one for who in PEOPLE for one in await self.store.opt_outs(OURS, who)]
        return texts, opt_outs, await self.store.counts(), await self.store.next_due(turns=False)

    def seconds(self, least, most):
        return self.clock.later(seconds=self.random.randrange(least, most))

    def maybe(self, value, chance=0.4):
        return value if self.random.random() < chance else None

    def a_taken_text(self):
        return self.random.choice(self.taken) if self.taken else None

    def note_taken(self, attempts, *, in_order=False):
        outbounds = [one.outbound for one in attempts]
        self.taken += outbounds if in_order else sorted(outbounds, key=lambda one: one.id)
        return self.taken[-len(attempts) :] if attempts else []

    async def enqueue(self):
        draft = NewOutbound(
            text=f"text {self.step}",
            priority=self.random.choice(list(Priority)),
            key=self.maybe(f"key {self.random.randrange(6)}"),
            due_at=self.maybe(self.seconds(-50, 150)),
            good_until=self.maybe(self.seconds(0, 300)),
            cancelled=self.random.random() < 0.05,
        )
        who = self.random.choice(PEOPLE)
        return list(await self.store.enqueue([ProactiveOutbound(OURS, who, draft)]))

    async def take(self):
        return self.note_taken(await self.store.take(OURS, 100))

    async def take_replies(self):
        who, limit = self.random.choice(PEOPLE), self.random.randrange(1, 5)
        return self.note_taken(await self.store.take_replies(OURS, who, limit), in_order=True)

    async def record(self):
        status = self.random.choice(
            [Status.ACCEPTED, Status.QUEUED, Status.UNKNOWN, Status.FAILED, Status.SENT]
        )
        fields = {
            "code": self.random.choice(["", "code"]),
            "message": self.random.choice(["", "words"]),
            "retry_at": self.maybe(self.seconds(0, 100)),
            "opted_out": status is Status.FAILED and self.random.random() < 0.3,
            "provider_id": f"p{self.step}" if status >= Status.ACCEPTED else "",
        }
        if (outbound := self.a_taken_text()) is None:
            return None
        result = AttemptResult(outbound=outbound, status=status, **fields)
        return sorted(one.id for one in await self.store.record_results([result]))

    async def report(self):
        outbound, by_ours = self.a_taken_text(), self.random.random() < 0.5
        receipt = Receipt(
            status=self.random.choice([*Status][Status.ACCEPTED : Status.EXPIRED]),
            provider_status=f"word {self.random.randrange(3)}",
            outbound_id=outbound.id if outbound and by_ours else "",
            # of a step before, or of a step to come: the receipt is early then
            provider_id=""
            if outbound and by_ours
            else f"p{self.step + self.random.randrange(-9, 4)}",
        )
        return list(await self.store.apply_receipts([receipt]))

    async def turn(self):
        who = self.random.choice(PEOPLE)
        await self.harness.receive("hello", sender=who, key=f"text {self.step}")
        said = []
        for claim in sorted(await self.store.claim(10), key=lambda one: one.conversation):
            handled = claim.texts[-1].seq if claim.texts else claim.handled_seq
            result = ClaimResult(
                claim=claim,
                handled_seq=handled,
                drafts=[NewOutbound(text=f"reply {self.step}")],
                take_limit=self.random.randrange(3),
            )
            [finished] = await self.store.finish([result])
            taken = self.note_taken(finished.attempts, in_order=True)
            said.append((claim.theirs, [text.consent for text in claim.texts], taken))
        return said

    async def advance(self):
        self.clock.advance(seconds=self.random.randrange(120))

    async def defer(self):
        until = self.seconds(0, 60)
        if (outbound := self.a_taken_text()) is not None:
            await self.store.defer([(outbound, until)])

    async def list_opt_outs(self):
        new_count, cancelled = await self.store.record_opt_outs(OURS, self.random.sample(PEOPLE, 2))
        return new_count, sorted(one.id for one in cancelled)

    async def opt_in(self):
        return await self.harness.receive_one(f"START {self.step}", consent="in")

    async def opt_out(self):
        return await self.harness.receive_one(f"STOP {self.step}", consent="out")

    async def resend(self):
        return await self.store.resend(self.random.choice([*PEOPLE, None]))

    async def resend_refused(self):
        return await self.store.resend_refused(self.random.choice([*PEOPLE, None]))

    async def check(self):
        lookups = await self.store.due_lookups(OURS, 100)
        checks = await self.store.due_status_checks(OURS, 100)
        return [sorted(one.outbound.id for one in some) for some in (lookups, checks)]

    async def forget(self):
        return await self.store.forget(self.random.choice(PEOPLE))


@pytest.mark.parametrize("seed", range(4))
async def test_both_databases_tell_one_history(seed, migrated_url, tmp_path):
    clocks = ManualClock(), ManualClock()
    key = ForgetKey(bytes(range(32)))
    one = await SQLite.open(tmp_path / "cooee.db", now=clocks[0])
    other = await PostgreSQL.open(migrated_url, now=clocks[1], forget_key=key)
    histories = History(one, clocks[0], seed), History(other, clocks[1], seed)
    try:
        steps, other_steps = (history.run() for history in histories)
        async for step in steps:
            assert step == await anext(other_steps)
    finally:
        await one.close()
        await other.close()
