"""Results of attempts, against what other processes write at the same moment."""

from __future__ import annotations

import asyncio

import pytest
from support.open_transactions import held_open, until_blocked

from cooee.core.messages import Receipt, Status, conversation_id
from cooee.storage import AttemptResult
from cooee.storage.postgres import attempts, opt_outs, receipts
from cooee.testing.store_suite import ANNA, BERT, CLEO, OURS

PEOPLE = sorted([ANNA, BERT, CLEO], key=lambda person: conversation_id(OURS, person))


def recording(*taken, status=Status.ACCEPTED, **fields):
    results = [AttemptResult(outbound=one, status=status, **fields) for one in taken]
    return lambda transaction: attempts.record_results(transaction, results)


def reporting(status, provider_id="p"):
    receipt = Receipt(status=status, provider_status=status.name, provider_id=provider_id)
    return lambda transaction: receipts.apply_receipts(transaction, [receipt])


def listing(*people):
    return lambda transaction: opt_outs.record_opt_outs(transaction, OURS, people)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.FAILED])
async def test_a_receipt_finds_the_text_whose_result_is_not_committed(here, there, aside, status):
    await here.enqueue("news")
    outbound = await here.take_one()
    async with held_open(here.store, recording(outbound, provider_id="p")):
        coming = there.store._session.hold(reporting(status))
        await until_blocked(aside)
    [(text, final)] = await coming
    assert (text.id, final) == (outbound.id, status)
    assert await here.statuses() == [f"news: {status.name.lower()}"]


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.FAILED])
async def test_a_result_finds_the_receipt_that_is_not_committed(here, there, aside, status):
    await here.enqueue("news")
    outbound = await here.take_one()
    async with held_open(there.store, reporting(status)):
        ending = asyncio.create_task(here.record(outbound, Status.ACCEPTED, provider_id="p"))
        await until_blocked(aside)
    await ending
    assert await here.statuses() == [f"news: {status.name.lower()}"]
    assert (await here.store.counts()).refused == (status is Status.FAILED)


async def test_a_text_is_not_tried_again_for_whom_an_opt_out_is_not_committed(here, there, aside):
    await here.enqueue("news")
    outbound = await here.take_one()
    async with held_open(there.store, listing(ANNA)):
        again = recording(outbound, status=Status.QUEUED)
        ending = here.store._session.hold(again)
        await until_blocked(aside)
    assert await ending == [[outbound]]
    assert await here.statuses() == ["news: cancelled"]


async def test_an_opt_out_cancels_the_text_whose_next_attempt_is_not_committed(here, there, aside):
    await here.enqueue("news")
    outbound = await here.take_one()
    async with held_open(here.store, recording(outbound, status=Status.QUEUED)):
        stopping = asyncio.create_task(there.store.record_opt_outs(OURS, [ANNA]))
        await until_blocked(aside)
    new_count, cancelled = await stopping
    assert (new_count, [text.text for text in cancelled]) == (1, ["news"])
    assert await here.statuses() == ["news: cancelled"]


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.QUEUED, Status.UNKNOWN, Status.FAILED])
async def test_results_in_another_order_wait_and_never_clash(here, there, aside, status):
    for person in PEOPLE:
        await here.enqueue("news", to=person)
    taken = {one.outbound.recipient: one.outbound for one in await here.store.take(OURS, 10)}
    in_order = [taken[person] for person in PEOPLE]
    runs = []

    async def record_in_another_order(transaction):
        runs.append(transaction)  # a verb that clashes is run again
        return await recording(*reversed(in_order), status=status)(transaction)

    async with held_open(here.store, recording(*in_order, status=status)):
        ending = there.store._session.hold(record_in_another_order)
        await until_blocked(aside)
    await ending
    assert len(runs) == 1


async def test_results_of_several_callers_share_a_commit_and_each_hears_of_its_own(here):
    for person in (ANNA, BERT):
        await here.enqueue("news", to=person)
        await here.enqueue("more", to=person)
    first, second = [one.outbound for one in await here.store.take(OURS, 10)]
    refused, accepted = await asyncio.gather(
        here.store.record_results(
            [AttemptResult(outbound=first, status=Status.FAILED, opted_out=True)]
        ),
        here.store.record_results(
            [AttemptResult(outbound=second, status=Status.ACCEPTED, provider_id="p")]
        ),
    )
    assert [text.recipient for text in refused] == [first.recipient]
    assert list(accepted) == []


async def test_two_results_of_one_text_in_one_call_are_recorded_in_order(here):
    await here.enqueue("news")
    outbound = await here.take_one()
    await here.store.record_results(
        [
            AttemptResult(outbound=outbound, status=Status.UNKNOWN),
            AttemptResult(outbound=outbound, status=Status.ACCEPTED, provider_id="p"),
        ]
    )
    assert await here.statuses() == ["news: accepted"]
