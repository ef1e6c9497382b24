"""Parts that are to go on: started again, shown as trouble, and ended with their owner."""

import asyncio

import pytest

from cooee.clocks.clock import RealClock
from cooee.runtime.task_group import TaskGroup, is_being_cancelled


def let_out_a_cancellation():
    raise asyncio.CancelledError


def raise_an_error():
    raise RuntimeError("no more")


def cancel_itself():
    asyncio.current_task().cancel()


@pytest.mark.parametrize("end", [let_out_a_cancellation, raise_an_error, cancel_itself])
async def test_a_part_that_ends_is_started_again_and_shows_as_trouble(end, caplog):
    group, starts, running = TaskGroup(RealClock(), "parts"), [], asyncio.Event()

    async def run():
        starts.append(1)
        if len(starts) == 1:
            end()
            await asyncio.sleep(0)
        running.set()
        await asyncio.Event().wait()

    group.keep_running("poller", run)
    assert group.trouble == ""
    await asyncio.wait_for(running.wait(), 60)
    assert len(starts) == 2
    assert "the poller ended by" in group.trouble
    assert "part-ended" in [record.getMessage() for record in caplog.records]
    await group.close(0)
    assert len(group) == 0


async def test_a_part_that_returns_or_whose_owner_closes_is_not_started_again():
    group, starts = TaskGroup(RealClock(), "parts"), []

    async def run(forever):
        starts.append(forever)
        if forever:
            await asyncio.Event().wait()

    group.keep_running("short", lambda: run(False))
    group.keep_running("long", lambda: run(True))
    await asyncio.sleep(0.05)
    await group.close(0)
    await asyncio.sleep(0.2)
    assert starts == [False, True]
    assert group.trouble == ""


async def test_a_part_that_keeps_ending_is_started_at_growing_pauses():
    group, loop, starts = TaskGroup(RealClock(), "parts"), asyncio.get_running_loop(), []

    async def run():
        starts.append(loop.time())
        raise RuntimeError

    group.keep_running("poller", run)
    await asyncio.sleep(0.5)
    assert len(starts) == 2, "a tenth of a second, then one"
    await group.close(0)


async def test_a_task_that_refuses_to_be_cancelled_is_waited_for_no_longer_than_told():
    group, gate = TaskGroup(RealClock(), "handler"), asyncio.Event()

    async def refuse():
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    task = group.start(refuse())
    await asyncio.sleep(0)
    await group.close(0, wait_for_cancelled_s=0.05)
    assert not task.done()
    gate.set()
    await task


async def test_a_cancellation_is_told_from_a_cancelled_error_that_somebody_let_out():
    seen = []

    async def notice():
        for end in (let_out_a_cancellation, asyncio.Event().wait):
            try:
                await end()
            except asyncio.CancelledError:
                seen.append(is_being_cancelled())

    task = asyncio.create_task(notice())
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert seen == [False, True]
