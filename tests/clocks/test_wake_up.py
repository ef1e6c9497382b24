"""Wake-ups that any thread may set: no ring is lost on the way between two threads."""

import asyncio
import threading
from datetime import timedelta

import pytest

from cooee.clocks.clock import RealClock
from cooee.clocks.offset import OffsetClock

CLOCKS = pytest.mark.parametrize("clock", [RealClock, OffsetClock])


@CLOCKS
async def test_a_ring_of_another_thread_wakes_who_waits(clock):
    wake_up = clock().create_wake_up()
    waiting = asyncio.create_task(wake_up.wait())
    await asyncio.sleep(0)
    threading.Thread(target=wake_up.set).start()
    assert await waiting


@CLOCKS
async def test_two_threads_call_each_other_a_thousand_times(clock):
    # a single lost ring would hang it
    here, there = clock().create_wake_up(), clock().create_wake_up()

    async def answer():
        for _ in range(1_000):
            await there.wait()
            here.set()

    thread = threading.Thread(target=lambda: asyncio.run(answer()))
    thread.start()
    for _ in range(1_000):
        there.set()
        assert await here.wait(60)
    await asyncio.to_thread(thread.join)


@CLOCKS
async def test_a_ring_that_crosses_a_cancellation_is_for_the_next(clock):
    wake_up = clock().create_wake_up()
    waiting = asyncio.create_task(wake_up.wait())
    await asyncio.sleep(0)
    thread = threading.Thread(target=wake_up.set)
    thread.start()
    thread.join()  # its call is on the way to the waiter, who is cancelled first
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await wake_up.wait(60)


async def test_a_clock_advanced_by_another_thread_wakes_each_loops_sleepers():
    clock, woken = OffsetClock(), []

    async def sleep(name):
        await clock.sleep(3600)
        woken.append((name, threading.get_ident()))

    thread = threading.Thread(target=lambda: asyncio.run(sleep("there")))
    thread.start()
    here = asyncio.create_task(sleep("here"))
    while len(clock._timers) < 2:
        await asyncio.sleep(0.001)
    await asyncio.to_thread(clock.advance, timedelta(hours=1))
    await here
    await asyncio.to_thread(thread.join)
    assert len({thread for _, thread in woken}) == 2
