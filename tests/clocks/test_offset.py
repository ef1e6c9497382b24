"""A clock that runs as the machine's does, and jumps when told."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cooee.clocks.offset import OffsetClock

HOUR = timedelta(hours=1)


async def test_it_runs_as_the_machine_does_and_as_far_ahead_as_it_was_moved():
    clock = OffsetClock(HOUR)
    clock.advance(HOUR)
    ahead = clock.now() - datetime.now(UTC)
    assert timedelta(hours=2) - timedelta(seconds=1) < ahead <= timedelta(hours=2)
    before = clock.now()
    await clock.sleep(0.02)
    assert clock.now() - before >= timedelta(seconds=0.02)


async def test_who_sleeps_past_a_moment_that_is_jumped_over_wakes_at_once_the_earliest_first():
    clock, woken = OffsetClock(), []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [clock.spawn(sleeper(seconds)) for seconds in (3000, 60, 5000, 600)]
    await asyncio.sleep(0)
    clock.advance(HOUR)
    await asyncio.sleep(0.01)
    assert woken == [60, 600, 3000]
    clock.advance(HOUR)
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    assert woken == [60, 600, 3000, 5000]


async def test_what_is_left_of_a_sleep_after_a_jump_is_slept():
    clock = OffsetClock()
    task = clock.spawn(clock.sleep(3600.05))
    await asyncio.sleep(0)
    clock.advance(HOUR)
    await asyncio.sleep(0.02)
    assert not task.done()
    await asyncio.wait_for(task, 60)


async def test_a_bell_rings_or_its_time_is_up_or_jumped_over():
    clock = OffsetClock()
    bell = clock.create_wake_up()
    bell.set()
    assert await bell.wait(60) is True
    assert await bell.wait(0.01) is False
    waiting = clock.spawn(bell.wait(60))
    await asyncio.sleep(0)
    clock.advance(HOUR)
    assert await asyncio.wait_for(waiting, 60) is False
    waiting = clock.spawn(bell.wait())
    await asyncio.sleep(0)
    bell.set()
    assert await asyncio.wait_for(waiting, 60) is True


async def test_a_ring_that_comes_as_its_waiter_is_cancelled_is_for_the_next():
    bell = OffsetClock().create_wake_up()
    waiting = asyncio.create_task(bell.wait(60))
    await asyncio.sleep(0)
    bell.set()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await asyncio.wait_for(bell.wait(60), 60) is True


async def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="does not go back"):
        OffsetClock().advance(timedelta(seconds=-1))
