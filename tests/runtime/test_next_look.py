"""The next look: as early as anybody asked for, and one for all who asked."""

import asyncio
from datetime import timedelta
from threading import Thread

import pytest

from cooee.clocks.clock import RealClock, VirtualClock
from cooee.runtime.next_look import NextLook

START = RealClock().now()


class World:
    def __init__(self):
        self.clock = VirtualClock(START)
        self.look = NextLook(self.clock)
        assert self.look.begin()

    async def looks(self, seconds):
        """Return when the looks of so many seconds are, in seconds."""
        looks, end = [], START + timedelta(seconds=seconds)

        async def run():
            while self.clock.now() < end:
                if self.look.begin():
                    looks.append((self.clock.now() - START).total_seconds())
                else:
                    await self.look.wait()

        running = self.clock.spawn(run())
        await self.clock.advance(timedelta(seconds=seconds))
        running.cancel()
        return looks


def test_a_part_looks_at_its_start_and_then_when_it_is_asked_to():
    look = NextLook(VirtualClock(START))
    assert [look.begin(), look.begin()] == [True, False]
    look.now()
    assert [look.begin(), look.begin()] == [True, False]


async def test_all_who_ask_for_a_look_soon_get_one():
    world = World()
    for _ in range(100):
        world.look.soon()
    assert await world.looks(10) == [1]


async def test_the_earliest_moment_that_was_asked_for_counts():
    world = World()
    for seconds in (5, 3, 7, None):
        world.look.by(None if seconds is None else START + timedelta(seconds=seconds))
    assert await world.looks(10) == [3]


async def test_a_moment_that_is_brought_forward_wakes_who_waits():
    world = World()
    world.look.by(START + timedelta(seconds=5))

    async def bring_forward():
        await world.clock.sleep(1)
        world.look.now()

    world.clock.spawn(bring_forward())
    assert await world.looks(10) == [1]


async def test_a_wake_alone_is_no_look():
    world = World()
    world.look.wake()
    assert await world.looks(10) == []


@pytest.mark.parametrize("clock", [RealClock(), VirtualClock(START)], ids=["real", "virtual"])
async def test_a_rest_is_over_when_somebody_wakes_the_part_and_is_no_reason_not_to_rest_again(
    clock,
):
    look = NextLook(clock)
    look.begin()
    look.wake()
    await look.rest(None)
    assert look.begin()
    resting = asyncio.create_task(look.rest(None))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not resting.done()
    resting.cancel()


async def test_any_thread_may_ask():
    look = NextLook(RealClock())
    look.begin()
    waiting = asyncio.create_task(look.wait())
    await asyncio.sleep(0)
    Thread(target=look.now).start()
    await asyncio.wait_for(waiting, 60)
    assert look.begin()
