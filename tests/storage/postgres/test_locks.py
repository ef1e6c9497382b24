"""storage rule 2: every verb of the outbox locks its conversations by their ids, before the rest."""

from __future__ import annotations

import asyncio

import pytest
from support.open_transactions import held_open, until_blocked

from cooee.core.messages import Priority, Receipt, Status, conversation_id
from cooee.storage import AttemptResult, NewOutbound, ProactiveOutbound
from cooee.storage.postgres import workers
from cooee.storage.postgres.locks import lock_conversations
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS

PEOPLE = sorted([ANNA, BERT, CLEO], key=lambda person: conversation_id(OURS, person), reverse=True)
IDS = [conversation_id(OURS, person) for person in PEOPLE]


async def take(harness):
    for person in PEOPLE:
        await harness.enqueue("news", to=person, priority=Priority.REPLY)
    taken = {one.outbound.recipient: one.outbound for one in await harness.store.take(OURS, 10)}
    return [taken[person] for person in PEOPLE]


async def accept(harness):
    taken = await take(harness)
    for outbound in taken:
        await harness.record(outbound, Status.ACCEPTED, provider_id=f"p{outbound.recipient}")
    return taken


async def fail(harness):
    for outbound in await take(harness):
        await harness.record(outbound, Status.FAILED)


async def doubt(harness):
    for outbound in await take(harness):
        await harness.record(outbound, Status.UNKNOWN)


async def set_aside(harness):
    await harness.receive("hello", sender=PEOPLE[0])
    await harness.receive("hello", sender=PEOPLE[1])
    await harness.receive("hello", sender=PEOPLE[2])
    for claim in await harness.store.claim(10):
        await harness.fail(claim, None)


def recording(status, **fields):
    return lambda store, taken: store.record_results(
        [AttemptResult(outbound=one, status=status, **fields) for one in taken]
    )


def reporting(status):
    return lambda store, taken: store.apply_receipts(
        [
            Receipt(status=status, provider_status="so", provider_id=f"p{one.recipient}")
            for one in taken
        ]
    )


VERBS = {
    "enqueue": (
        take,
        lambda store, _: store.enqueue(
            [ProactiveOutbound(OURS, person, NewOutbound(text="more")) for person in PEOPLE]
        ),
    ),
    "defer": (take, lambda store, taken: store.defer([(one, one.at) for one in taken])),
    "accept": (take, recording(Status.ACCEPTED, provider_id="p")),
    "retry": (take, recording(Status.QUEUED)),
    "fail": (take, recording(Status.FAILED)),
    "opted out": (take, recording(Status.FAILED, opted_out=True)),
    "delivered": (accept, reporting(Status.DELIVERED)),
    "not delivered": (accept, reporting(Status.FAILED)),
    "record_opt_outs": (take, lambda store, _: store.record_opt_outs(OURS, PEOPLE)),
    "resend": (doubt, lambda store, _: store.resend()),
    "resend_refused": (fail, lambda store, _: store.resend_refused()),
    "retry texts": (set_aside, lambda store, _: store.retry()),
}


async def test_who_buries_a_worker_holds_no_attempt_while_it_waits(here, there, aside):
    await take(here)
    async with held_open(there.store, lambda one: lock_conversations(one, [IDS[-1]])):
        burying = here.store._session.hold(workers.leave)
        await until_blocked(aside)
        free = await aside.fetch("select seq from outbound for update skip locked")
    assert len(free) == len(PEOPLE)
    await burying
    assert (await there.store.counts()).unknown == len(PEOPLE)


@pytest.mark.parametrize("verb", VERBS)
async def test_who_waits_for_the_first_conversation_holds_no_later_one(verb, here, there, aside):
    arrange, act = VERBS[verb]
    arranged = await arrange(here)
    first, later = IDS[-1], IDS[:-1]
    async with held_open(here.store, lambda transaction: lock_conversations(transaction, [first])):
        acting = asyncio.create_task(act(there.store, arranged))
        await until_blocked(aside)
        free = await aside.fetch(
            "select id from conversations where id = any ($1) for update skip locked", later
        )
        texts = await aside.fetch(
            "select seq from outbound where conversation = any ($1) for update skip locked", later
        )
        count = await aside.fetchval(
            "select count(*) from outbound where conversation = any ($1)", later
        )
    assert len(free) == len(later)
    assert len(texts) == count
    await acting
