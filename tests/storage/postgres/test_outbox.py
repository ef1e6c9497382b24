"""The outbox of two processes: nothing is taken twice, and nobody's texts change their order."""

from __future__ import annotations

import asyncio

import pytest
from support.open_transactions import held_open, until_blocked

from cooee.core.messages import Priority, Status, conversation_id
from cooee.storage.postgres import opt_outs, outbox, workers
from cooee.storage.records import NewOutbound, ProactiveOutbound
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS, texts_of

PEOPLE = sorted([ANNA, BERT, CLEO], key=lambda person: conversation_id(OURS, person))


def taking(limit=10):
    return lambda transaction: outbox.take_texts(transaction, OURS, limit, bulk_share=1)


def queueing(*people, text="hello", key=None, priority=Priority.PROACTIVE):
    texts = [
        ProactiveOutbound(OURS, person, NewOutbound(text=text, key=key, priority=priority))
        for person in people
    ]
    return lambda transaction: outbox.enqueue_texts(transaction, texts)


def listing(*people):
    return lambda transaction: opt_outs.record_opt_outs(transaction, OURS, people)


async def test_what_one_process_takes_is_passed_over_by_the_others(here, there):
    for person in (ANNA, ANNA, BERT):
        await here.enqueue(f"to {person}", to=person)
    async with held_open(here.store, taking(limit=1)):
        others = texts_of(await there.store.take(OURS, 10))
    assert len(others) == 1
    assert await there.take() == []  # Anna's second text waits for her first
    assert await here.statuses(ANNA) + await here.statuses(BERT) == [
        f"to {ANNA}: sending",
        f"to {ANNA}: queued",
        f"to {BERT}: sending",
    ]


async def test_the_replies_of_a_webhook_wait_for_the_sender_that_takes_the_first(
    here, there, aside
):
    for text in ("one", "two"):
        await here.enqueue(text, priority=Priority.REPLY)
    async with held_open(here.store, taking()):
        taking_replies = asyncio.create_task(there.store.take_replies(OURS, ANNA, 10))
        await until_blocked(aside)
    assert await taking_replies == []
    assert await here.statuses() == ["one: sending", "two: queued"]


async def test_a_sender_passes_over_the_replies_that_a_webhook_takes(here, there):
    for text in ("one", "two"):
        await here.enqueue(text, priority=Priority.REPLY)
    async with held_open(here.store, lambda one: outbox.take_replies(one, OURS, ANNA, 10)):
        assert await there.take() == []
    assert await here.statuses() == ["one: sending", "two: sending"]


async def test_an_opt_out_that_is_not_committed_keeps_its_texts_from_being_taken(here, there):
    await here.enqueue("news")
    async with held_open(here.store, listing(ANNA)):
        assert await there.take() == []
    assert await here.statuses() == ["news: cancelled"]


async def test_a_text_that_is_queued_as_its_person_is_listed_is_never_sent(here, there, aside):
    await here.enqueue("first")
    async with held_open(here.store, listing(ANNA)):
        queued = asyncio.create_task(there.enqueue("second"))
        await until_blocked(aside)
    await queued
    assert await here.statuses() == ["first: cancelled", "second: cancelled"]


async def test_a_text_is_not_put_off_for_whom_an_opt_out_is_not_committed(here, there, aside):
    await here.enqueue("news")
    outbound = await here.take_one()
    async with held_open(there.store, listing(ANNA)):
        deferring = asyncio.create_task(here.store.defer([(outbound, here.clock())]))
        await until_blocked(aside)
    await deferring
    assert await here.statuses() == ["news: cancelled"]


async def test_two_processes_that_queue_one_key_queue_one_text(here, there, aside):
    async with held_open(here.store, queueing(ANNA, key="welcome")):
        queued = asyncio.create_task(there.enqueue("welcome", key="welcome"))
        await until_blocked(aside)
    [first] = await here.store.enqueue(
        [ProactiveOutbound(OURS, ANNA, NewOutbound(text="again", key="welcome"))]
    )
    assert await queued == first
    assert await here.statuses() == ["hello: queued"]


async def test_texts_to_the_same_people_in_another_order_wait_and_never_clash(here, there, aside):
    runs = []

    async def queue_in_another_order(transaction):
        runs.append(transaction)  # a verb that clashes is run again
        return await queueing(*reversed(PEOPLE), text="other")(transaction)

    async with held_open(here.store, queueing(*PEOPLE)):
        queued = there.store._session.hold(queue_in_another_order)
        await until_blocked(aside)
    assert len(await queued) == 3
    assert len(runs) == 1
    for person in PEOPLE:
        assert await here.statuses(person) == ["hello: queued", "other: queued"]


async def test_nothing_is_taken_for_a_worker_that_was_buried(here, there):
    await here.enqueue("news")
    await here.store._session.hold(workers.leave)  # its number is gone, as after a burial
    assert await here.take() == []
    assert await there.take() == ["news"]


async def test_what_a_dead_worker_took_is_in_doubt_once_it_is_buried(here, there, clock):
    await here.enqueue("news")
    assert await here.take() == ["news"]
    assert list(await there.store.due_lookups(OURS, 10)) == []
    assert (await there.store.counts()).unknown == 0
    await here.store._session.hold(workers.leave)
    [doubt] = await there.store.due_lookups(OURS, 10)
    assert (doubt.outbound.text, doubt.outbound.attempt) == ("news", 1)
    assert await there.take() == []
    [entry] = await there.store.history(OURS, ANNA, 1)
    assert list(entry.notes) == ["attempt 1: no end known, the process ended"]


async def test_a_result_counts_whoever_was_buried_meanwhile(here, there):
    await here.enqueue("news")
    outbound = await here.take_one()
    await here.store._session.hold(workers.leave)
    await here.record(outbound, Status.ACCEPTED, provider_id="p")
    assert await there.statuses() == ["news: accepted"]


async def test_a_check_is_for_one_process_alone(here, there, clock):
    await here.enqueue("news")
    await here.record(await here.take_one(), Status.UNKNOWN, retry_at=clock())
    async with held_open(here.store, lambda one: outbox.due_lookups(one, OURS, 10)):
        assert list(await there.store.due_lookups(OURS, 10)) == []
    assert list(await there.store.due_lookups(OURS, 10)) == []


async def test_a_text_that_is_too_late_blocks_nobody_and_expires(here, clock):
    await here.enqueue("late", good_until=clock.later(seconds=10))
    await here.enqueue("next")
    clock.advance(seconds=10)
    assert await here.take() == ["next"]
    assert await here.statuses() == ["late: expired", "next: sending"]


@pytest.mark.parametrize("limit", [1, 3, 20])
async def test_replies_leave_first_and_bulk_gets_its_share(here, limit):
    people = [f"+6149157{number:04d}" for number in range(60)]
    for place, person in enumerate(people):
        priority = [Priority.BULK, Priority.PROACTIVE, Priority.REPLY][place % 3]
        await here.enqueue(priority.name, to=person, priority=priority)
    taken = await here.store.take(OURS, limit)
    assert len(taken) == limit
    priorities = [one.priority for one in taken]
    assert priorities == sorted(priorities)
    assert priorities.count(Priority.BULK) == (max(limit // 10, 1) if limit > 1 else 0)
    assert Priority.PROACTIVE not in priorities or priorities.count(Priority.REPLY) == 20


async def test_texts_with_and_without_keys_keep_their_order_in_one_call(here):
    texts = [("a", "k"), ("b", None), ("a again", "k"), ("c", None)]
    ids = await here.store.enqueue(
        [ProactiveOutbound(OURS, ANNA, NewOutbound(text=text, key=key)) for text, key in texts]
    )
    assert ids[0] == ids[2]
    assert await here.statuses() == ["a: queued", "b: queued", "c: queued"]
