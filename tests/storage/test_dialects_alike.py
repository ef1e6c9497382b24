"""Two databases, one history: whatever is done, a file and a server answer the same."""

from __future__ import annotations

import os
import random

import msgspec
import pytest
from msgspec.structs import replace

from cooee.core.messages import Priority, Receipt, Status
from cooee.storage import (
    AttemptResult,
    Checkpoint,
    ClaimResult,
    ConversationFilter,
    DialogueStart,
    NewOutbound,
    ProactiveOutbound,
    TurnFailure,
    open_store,
)
from cooee.testing.dialogue_store_suite import dialogue_update
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, ManualClock, StoreHarness

KEY = bytes(range(32))
PEOPLE = (ANNA, BERT, CLEO)
STEPS = 60
LOOK_EVERY = 5
PROOF = int(os.environ.get("COOEE_PROOF", "0"))


class Life:
    """Random steps, done to a store; two lives of one seed take the same steps."""

    def __init__(self, harness: StoreHarness, seed: int) -> None:
        self.harness, self.store, self.clock = harness, harness.store, harness.clock
        self.chance = random.Random(seed)
        self.claims, self.taken, self.count = [], [], 0

    async def step(self):
        """Do something; return what it was, and what the store answered."""
        self.clock.advance(seconds=self.chance.choice([1, 1, 30, 4_000]))
        self.count += 1
        deeds = [self.receive] * 5 + [self.claim] * 3 + [self.finish] * 4 + [self.take] * 2
        deeds += [self.record] * 3 + [self.start, self.enqueue, self.checkpoint, self.release]
        deeds += [self.forget, self.retry, self.prune, self.list_opt_outs, self.receipt]
        deed = self.chance.choice(deeds)
        return deed.__name__, await deed()

    async def receive(self):
        batch = [self.new_text() for _ in range(self.chance.choice([1, 1, 1, 2, 5]))]
        received = await self.store.receive(batch, claim_limit=self.chance.choice([0, 0, 9]))
        self.claims += [one.claim for one in received if one.claim]
        return [
            replace(one, claim=one.claim and replace(one.claim, lease_id=0)) for one in received
        ]

    def new_text(self):
        self.count += 1
        who = self.chance.choice(PEOPLE)
        consent = self.chance.choice(["", "", "", "", "out", "in", "wish"])
        key = self.chance.choice([f"k{self.count}", f"k{self.chance.randrange(1, 9)}"])
        return self.harness.new_inbound(f"t{self.count}", sender=who, key=key, consent=consent)

    async def claim(self):
        claims = await self.store.claim(9)  # all: of two that are due at once, either may be first
        claims = sorted(claims, key=lambda claim: claim.conversation)
        self.claims += claims
        return [replace(claim, lease_id=0) for claim in claims]

    async def finish(self):
        if not self.claims:
            return None
        claim = self.claims.pop(self.chance.randrange(len(self.claims)))
        last = claim.texts[-1].seq if claim.texts else claim.handled_seq
        changes = {"drafts": [NewOutbound(text=f"r{self.count}")]}
        if claim.dialogues and self.chance.random() < 0.7:
            dialogue = self.chance.choice(claim.dialogues)
            changes["dialogue_updates"] = [self.update(dialogue.id, len(dialogue.entries))]
        elif self.chance.random() < 0.3:
            changes["dialogue_updates"] = [self.update(f"d{self.count}", 0)]
        if claim.texts and self.chance.random() < 0.3:
            seq = claim.texts[0].seq
            retry_at = self.chance.choice([None, self.clock.later(seconds=40)])
            changes["failure"] = TurnFailure(seq, "no", retry_at, "old")
            last = seq if retry_at is None else seq - 1
        if self.chance.random() < 0.5:
            changes |= {"is_asking": self.chance.random() < 0.5, "state": b"s%d" % self.count}
        changes["take_limit"] = self.chance.choice([0, 0, 1, 3])
        [done] = await self.store.finish([ClaimResult(claim=claim, handled_seq=last, **changes)])
        self.taken += [one.outbound for one in done.attempts]
        return replace(done, has_pending=True)  # so a store may say where it has not looked

    def update(self, id, count):
        ended = self.chance.choice(["", "", "returned"])
        due = self.chance.choice([None, self.clock.later(seconds=50)])
        return dialogue_update(id, b"e", stored_count=count, end_reason=ended, due_at=due)

    async def checkpoint(self):
        if not self.claims:
            return None
        update = dialogue_update(f"c{self.count}", b"1", due_at=self.clock())
        return await self.store.checkpoint([Checkpoint(self.chance.choice(self.claims), update)])

    async def release(self):
        claims, self.claims = self.claims, []
        return await self.store.release(claims)

    async def start(self):
        id = f"s{self.chance.randrange(5)}"
        who = self.chance.choice(PEOPLE)
        start = DialogueStart(ours=OURS, theirs=who, id=id, handler="book", head=b"{}")
        return await self.store.start_dialogues([start])

    async def enqueue(self):
        draft = NewOutbound(
            text=f"p{self.count}",
            priority=self.chance.choice([Priority.PROACTIVE, Priority.BULK]),
            key=self.chance.choice([None, f"o{self.chance.randrange(6)}"]),
        )
        return await self.store.enqueue(
            [ProactiveOutbound(OURS, self.chance.choice(PEOPLE), draft)]
        )

    async def take(self):
        taken = await self.store.take(OURS, 10)
        self.taken += [one.outbound for one in taken]
        return sorted(taken, key=lambda one: one.outbound.id)

    async def record(self):
        if not self.taken:
            return None
        outbound = self.taken.pop(self.chance.randrange(len(self.taken)))
        status = self.chance.choice(
            [Status.ACCEPTED, Status.ACCEPTED, Status.QUEUED, Status.UNKNOWN, Status.FAILED]
        )
        result = AttemptResult(
            outbound=outbound,
            status=status,
            provider_id=f"p{outbound.id}" if status is Status.ACCEPTED else "",
            message="so it went",
            retry_at=self.clock.later(seconds=20),
            opted_out=status is Status.FAILED and self.chance.random() < 0.3,
        )
        return await self.store.record_results([result])

    async def receipt(self):
        if not self.taken:
            return None
        status = self.chance.choice([Status.SENT, Status.DELIVERED, Status.UNDELIVERED])
        receipt = Receipt(status=status, provider_status=status.name, outbound_id=self.taken[0].id)
        return await self.store.apply_receipts([receipt])

    async def forget(self):
        await self.release()  # a file keeps the lease of a person who is gone until the turn ends
        return await self.store.forget(self.chance.choice(PEOPLE))

    async def retry(self):
        deeds = [self.store.retry, self.store.resend, self.store.resend_refused]
        return await self.chance.choice(deeds)(self.chance.choice([None, *PEOPLE]))

    async def prune(self):
        return await self.store.prune_history(self.clock.later(seconds=-2_000))

    async def list_opt_outs(self):
        return await self.store.record_opt_outs(OURS, [self.chance.choice(PEOPLE)])

    async def picture(self):
        """Return all that an operator, a worker and a sender can see."""
        store = self.store
        return {
            "counts": await store.counts(),
            "due": await store.next_due(),
            "conversations": await store.conversations(),
            "pending": await store.count_conversations(ConversationFilter(pending=True)),
            "texts": [await store.history(OURS, who, 99) for who in PEOPLE],
            "opt-outs": [await store.opt_outs(OURS, who) for who in PEOPLE],
            "dialogues": await store.dialogues(include_ended=True),
            "open": await store.count_open_dialogues(),
        }


@pytest.mark.parametrize("seed", range(max(8, PROOF // 300)))
async def test_a_file_and_a_server_answer_the_same(tmp_path, migrated_url, seed):
    (tmp_path / "cooee.db.key").write_bytes(KEY)
    lives = []
    for url in (f"sqlite:///{tmp_path}/cooee.db", migrated_url):
        clock = ManualClock()
        store = await open_store(url, now=clock, forget_key=KEY.hex())
        lives.append(Life(StoreHarness(store, clock), seed))
    done = []
    for number in range(STEPS):
        (deed, here), (_, there) = [await life.step() for life in lives]
        done.append(deed)
        assert plain(here) == plain(there), done
        if number % LOOK_EVERY:
            continue
        one, other = [await life.picture() for life in lives]
        for name, value in one.items():
            assert plain(value) == plain(other[name]), (name, done)
    for life in lives:
        await life.store.close()


def plain(value):
    """Return an answer such that tuples and lists are the same."""
    return msgspec.json.decode(msgspec.json.encode(value))
