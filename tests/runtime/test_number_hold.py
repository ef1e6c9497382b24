"""One process at a time holds a role of a number, by the database's clock."""

import math

import pytest

from cooee.clocks.clock import VirtualClock
from cooee.core.errors import StoreUnavailable
from cooee.runtime.number_hold import NumberHold

HELD_S = 4.0


class SharedHolds:
    """The holds of a database, by its own clock; each process asks through its own `of`."""

    def __init__(self, clock):
        self.clock, self.held, self.is_down, self.call_count = clock, {}, False, 0

    def of(self, process):
        return ProcessStore(self, process)


class ProcessStore:
    def __init__(self, holds, process):
        self.holds, self.process = holds, process

    async def hold_number(self, ours, role):
        self.holds.call_count += 1
        if self.holds.is_down:
            raise StoreUnavailable("The server went away.")
        now = self.holds.clock.now().timestamp()
        holder, until = self.holds.held.get((ours, role), (self.process, 0))
        if holder != self.process and until > now:
            return 0.0
        self.holds.held[ours, role] = (self.process, now + HELD_S)
        return HELD_S

    async def release_number(self, ours, role):
        if self.holds.held.get((ours, role), ("",))[0] == self.process:
            del self.holds.held[ours, role]


class OneOwner:
    def __init__(self):
        self.call_count = 0

    async def hold_number(self, ours, role):
        self.call_count += 1
        return math.inf


class Process:
    """A process that works while it holds the role, and can be stopped dead."""

    def __init__(self, holds, name, clock):
        self.clock, self.frozen_at = clock, None
        self.hold = NumberHold("+61", "poller", holds.of(name), clock, elapsed_s=self.elapsed_s)
        self.gains, self.leave = 0, clock.create_wake_up()

    def elapsed_s(self):
        return self.clock.now().timestamp()

    async def run(self):
        async with self.hold.kept(self.gain):
            await self.leave.wait()

    def gain(self):
        self.gains += 1


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def holds(clock):
    return SharedHolds(clock)


async def test_one_process_holds_a_role_until_it_leaves(clock, holds):
    first, second = Process(holds, "first", clock), Process(holds, "second", clock)
    running = [clock.spawn(first.run())]
    await clock.advance(0.5)
    running.append(clock.spawn(second.run()))
    await clock.advance(60)
    assert (first.hold.is_held, second.hold.is_held) == (True, False)
    first.leave.set()
    await clock.advance(1)
    assert (first.hold.is_held, second.hold.is_held) == (False, True)
    assert (first.gains, second.gains) == (1, 1)
    second.leave.set()
    await clock.advance(1)
    assert holds.held == {}
    assert all(task.done() for task in running)


async def test_the_role_of_a_process_that_died_is_taken_over_within_five_seconds(clock, holds):
    assert await Process(holds, "first", clock).hold.acquire()  # it renews nothing more
    second = Process(holds, "second", clock)
    running = clock.spawn(second.run())
    await clock.advance(HELD_S - 0.5)
    assert not second.hold.is_held
    await clock.advance(1.5)
    assert second.hold.is_held
    second.leave.set()
    await running


async def test_a_process_that_stood_still_knows_that_its_hold_is_over(clock, holds):
    process = Process(holds, "first", clock)
    assert await process.hold.acquire()
    await clock.advance(HELD_S - 0.1)
    assert process.hold.is_held
    await clock.advance(0.1)
    assert not process.hold.is_held


async def test_a_hold_counts_from_before_the_call(clock, holds):
    slow = holds.of("first")

    class SlowAnswer:
        async def hold_number(self, ours, role):
            held_s = await slow.hold_number(ours, role)
            await clock.sleep(3)
            return held_s

    hold = NumberHold(
        "+61", "poller", SlowAnswer(), clock, elapsed_s=lambda: clock.now().timestamp()
    )
    asking = clock.spawn(hold.acquire())
    await clock.advance(3)
    assert await asking
    await clock.advance(1)
    assert not hold.is_held


async def test_a_database_that_is_away_ends_no_hold_before_its_time(clock, holds):
    process = Process(holds, "first", clock)
    running = clock.spawn(process.run())
    await clock.advance(0.5)
    holds.is_down = True
    await clock.advance(HELD_S - 1)
    assert process.hold.is_held
    await clock.advance(1)
    assert not process.hold.is_held
    holds.is_down = False
    await clock.advance(1)
    assert process.hold.is_held
    assert process.gains == 2
    process.leave.set()
    await running


async def test_the_owner_of_a_file_asks_once(clock):
    store = OneOwner()
    hold = NumberHold("+61", "poller", store, clock)
    async with hold.kept(lambda: None):
        await clock.advance(3600)
        assert hold.is_held
        assert not hold.is_shared
    assert store.call_count == 1
