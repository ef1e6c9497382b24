from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.clocks.clock import Clock, RealClock, VirtualClock, WakeUp, monotonic

START = datetime(2026, 1, 1, tzinfo=UTC)

Clocks = Callable[[], Clock]
both = pytest.mark.parametrize("make", [RealClock, VirtualClock])


def since(clock: VirtualClock) -> float:
    return (clock.now() - START).total_seconds()


async def settle() -> None:
    """Let every task run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


# Time


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock()
    assert clock.now() == START
    await asyncio.sleep(0.01)
    assert clock.now() == START
    await clock.advance(timedelta(days=365))
    assert clock.now() == START + timedelta(days=365)
    await clock.advance(0.25)
    assert clock.now() == START + timedelta(days=365, seconds=0.25)


async def test_a_clock_begins_where_it_is_told() -> None:
    moment = datetime(2030, 5, 5, 5, 5, 5, 5, tzinfo=UTC)
    assert VirtualClock(moment).now() == moment


async def test_a_sleeper_wakes_at_its_moment_and_not_before() -> None:
    clock, woke = VirtualClock(), []

    async def sleeper() -> None:
        await clock.sleep(10)
        woke.append(since(clock))

    task = clock.spawn(sleeper())
    await clock.advance(9.999999)
    assert woke == []
    await clock.advance(0.000001)
    assert woke == [10]
    await task


async def test_each_sleeper_sees_its_own_moment_within_one_advance() -> None:
    clock, ticks = VirtualClock(), []

    async def ticking(every: float) -> None:
        while True:
            await clock.sleep(every)
            ticks.append((every, since(clock)))

    tasks = [clock.spawn(ticking(every)) for every in (2, 3)]
    await clock.advance(6)
    assert ticks == [(2, 2), (3, 3), (2, 4), (3, 6), (2, 6)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_sleepers_of_one_moment_wake_in_the_order_they_lay_down() -> None:
    clock, woke = VirtualClock(), []

    async def sleeper(name: int) -> None:
        await clock.sleep(5)
        woke.append(name)

    tasks = [clock.spawn(sleeper(name)) for name in range(20)]
    await clock.advance(5)
    assert woke == list(range(20))
    await asyncio.gather(*tasks)


@given(st.lists(st.lists(st.integers(0, 5), max_size=5), max_size=5), st.integers(0, 30))
def test_whatever_sleeps_wakes_exactly_on_time(naps: list[list[int]], until: int) -> None:
    async def run() -> None:
        clock, woke = VirtualClock(), set()

        async def sleeper(name: int) -> None:
            for n, nap in enumerate(naps[name]):
                await clock.sleep(nap)
                woke.add((name, n, since(clock)))

        tasks = [clock.spawn(sleeper(name)) for name in range(len(naps))]
        await clock.advance(until)
        expected = {
            (name, n, sum(naps[name][: n + 1]))
            for name in range(len(naps))
            for n in range(len(naps[name]))
            if sum(naps[name][: n + 1]) <= until
        }
        assert woke == expected
        assert since(clock) == until
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


async def test_a_year_of_reminders_takes_a_second() -> None:
    clock, sent = VirtualClock(), []

    async def reminding() -> None:
        while True:
            await clock.sleep(86_400)
            sent.append(clock.now())

    task = clock.spawn(reminding())
    before = time.process_time()
    await clock.advance(timedelta(days=365))
    assert len(sent) == 365
    assert time.process_time() - before < 10
    task.cancel()


# What counts as work under way


async def test_time_waits_for_a_task_that_awaits_something_else() -> None:
    clock, order = VirtualClock(), []
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def asking() -> None:
        await clock.sleep(1)
        await answer
        order.append(("answered", since(clock)))

    async def later() -> None:
        await clock.sleep(2)
        order.append(("later", since(clock)))

    tasks = [clock.spawn(asking()), clock.spawn(later())]
    advancing = asyncio.create_task(clock.advance(5))
    await asyncio.sleep(0.02)
    assert order == []
    assert since(clock) == 1
    answer.set_result(None)
    await advancing
    assert order == [("answered", 1), ("later", 2)]
    await asyncio.gather(*tasks)


async def test_time_waits_for_a_thread() -> None:
    clock = VirtualClock()

    async def working() -> float:
        await asyncio.to_thread(time.sleep, 0.05)
        return since(clock)

    task = clock.spawn(working())
    await clock.advance(100)
    assert await task == 0


async def test_time_waits_for_one_task_that_awaits_another() -> None:
    clock = VirtualClock()
    gate = asyncio.Event()

    async def inner() -> str:
        await gate.wait()
        return "done"

    async def outer() -> tuple[str, float]:
        word = await clock.spawn(inner())
        return word, since(clock)

    task = clock.spawn(outer())
    advancing = asyncio.create_task(clock.advance(9))
    await settle()
    assert not advancing.done()
    gate.set()
    await advancing
    assert task.result() == ("done", 0)


async def test_tasks_started_while_time_passes_are_waited_for() -> None:
    clock, woke = VirtualClock(), []

    async def child(name: int) -> None:
        await asyncio.sleep(0)
        await clock.sleep(1)
        woke.append((name, since(clock)))

    async def parent() -> None:
        for name in range(3):
            await clock.sleep(2)
            children.append(clock.spawn(child(name)))

    children: list[asyncio.Task[None]] = []
    task = clock.spawn(parent())
    await clock.advance(10)
    assert woke == [(0, 3), (1, 5), (2, 7)]
    await asyncio.gather(task, *children)


async def test_a_task_that_ends_or_fails_holds_nothing_up() -> None:
    clock = VirtualClock()

    async def failing() -> None:
        await clock.sleep(1)
        raise ValueError("on purpose")

    task = clock.spawn(failing())
    await clock.advance(3)
    assert since(clock) == 3
    with pytest.raises(ValueError, match="on purpose"):
        await task


async def test_a_spawned_task_hands_its_result_on() -> None:
    async def answer() -> int:
        return 42

    assert await VirtualClock().spawn(answer()) == 42
    assert await RealClock().spawn(answer()) == 42


async def test_a_sleeper_that_was_not_spawned_also_sees_its_own_moments() -> None:
    clock, woke = VirtualClock(), []

    async def ticking() -> None:
        for _ in range(3):
            await clock.sleep(1)
            woke.append(since(clock))

    task = asyncio.create_task(ticking())
    await settle()
    await clock.advance(10)
    assert woke == [1, 2, 3]
    await task


@pytest.mark.parametrize("seconds", [0, -5, -0.1, 1e-9])
async def test_a_sleep_that_is_over_needs_no_time_to_pass(seconds: float) -> None:
    clock = VirtualClock()

    async def hurrying() -> str:
        await clock.sleep(seconds)
        await clock.create_wake_up().wait(seconds)
        return "done"

    task = clock.spawn(hurrying())
    await settle()
    assert task.done()
    assert since(clock) == 0


async def test_a_sleep_of_no_time_lets_others_run() -> None:
    clock, order = VirtualClock(), []

    async def polite() -> None:
        await clock.sleep(0)
        order.append("polite")

    async def other() -> None:
        order.append("other")

    await asyncio.gather(clock.spawn(polite()), clock.spawn(other()))
    assert order == ["other", "polite"]


async def test_a_spawned_task_that_waits_for_itself_is_told_so() -> None:
    clock = VirtualClock()
    for waiting in (clock.wait_until_idle(), clock.advance(1)):
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            await clock.spawn(waiting)


async def test_idle_returns_once_all_sleep() -> None:
    clock, done = VirtualClock(), []

    async def working() -> None:
        await asyncio.sleep(0.01)
        done.append(1)
        await clock.sleep(100)

    task = clock.spawn(working())
    await clock.wait_until_idle()
    assert done == [1]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await clock.wait_until_idle()


# Being cancelled


async def test_a_cancelled_sleeper_goes_at_once_and_its_alarm_wakes_nobody() -> None:
    clock, seen = VirtualClock(), []

    async def sleeper() -> None:
        try:
            await clock.sleep(5)
        finally:
            seen.append(since(clock))

    task = clock.spawn(sleeper())
    await clock.advance(1)
    task.cancel()
    await clock.advance(10)
    assert seen == [1]
    assert task.cancelled()
    assert since(clock) == 11


async def test_a_cancelled_sleeper_that_still_works_is_waited_for() -> None:
    clock, order = VirtualClock(), []

    async def tidying() -> None:
        try:
            await clock.sleep(50)
        except asyncio.CancelledError:
            await asyncio.to_thread(time.sleep, 0.03)
            order.append(("tidied", since(clock)))
            await clock.sleep(1)
            order.append(("gone", since(clock)))

    task = clock.spawn(tidying())
    await clock.advance(1)
    task.cancel()
    await clock.advance(5)
    assert order == [("tidied", 1), ("gone", 2)]
    await task


async def test_a_sleeper_cancelled_in_the_moment_it_wakes_holds_nothing_up() -> None:
    clock = VirtualClock()

    async def first() -> None:
        await clock.sleep(5)
        second_task.cancel()

    async def second() -> None:
        await clock.sleep(5)
        await clock.sleep(5)

    tasks = [clock.spawn(first())]
    second_task = clock.spawn(second())
    await asyncio.wait_for(clock.advance(20), 60)
    await asyncio.gather(*tasks, second_task, return_exceptions=True)
    assert second_task.cancelled()


async def test_a_real_timeout_around_a_sleep_leaves_the_clock_sound() -> None:
    clock = VirtualClock()

    async def impatient() -> str:
        try:
            async with asyncio.timeout(0.01):
                await clock.sleep(100)
        except TimeoutError:
            return "out of patience"
        return "slept"

    assert await clock.spawn(impatient()) == "out of patience"
    await asyncio.wait_for(clock.advance(200), 60)


# Bells


@both
async def test_a_ring_wakes_all_who_wait(make: Clocks) -> None:
    clock = make()
    bell = clock.create_wake_up()
    waiting = [clock.spawn(bell.wait()) for _ in range(3)]
    await settle()
    bell.set()
    assert await asyncio.gather(*waiting) == [True] * 3


@both
async def test_a_ring_before_anybody_waits_is_kept_once(make: Clocks) -> None:
    bell = make().create_wake_up()
    bell.set()
    bell.set()
    assert await bell.wait() is True
    assert await bell.wait(0) is False


@both
async def test_a_ring_heard_by_those_who_waited_is_not_kept(make: Clocks) -> None:
    clock = make()
    bell = clock.create_wake_up()
    waiting = clock.spawn(bell.wait())
    await settle()
    bell.set()
    assert await waiting is True
    assert await bell.wait(0) is False


@both
async def test_a_ring_beats_a_wait_of_no_time(make: Clocks) -> None:
    bell = make().create_wake_up()
    assert await bell.wait(0) is False
    assert await bell.wait(-3) is False
    bell.set()
    assert await bell.wait(0) is True


@both
async def test_a_ring_whose_hearer_was_cancelled_is_for_the_next(make: Clocks) -> None:
    clock = make()
    bell = clock.create_wake_up()
    waiting = clock.spawn(bell.wait())
    await settle()
    bell.set()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert await bell.wait(0) is True


@both
async def test_a_hearer_cancelled_in_silence_leaves_no_ring(make: Clocks) -> None:
    clock = make()
    bell = clock.create_wake_up()
    waiting = clock.spawn(bell.wait(1000))
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await bell.wait(0) is False
    bell.set()
    assert await bell.wait(0) is True


async def test_a_wait_ends_at_its_time_and_tells_so() -> None:
    clock = VirtualClock()
    bell = clock.create_wake_up()

    async def listening() -> list[tuple[bool, float]]:
        return [(await bell.wait(seconds), since(clock)) for seconds in (5, 5, None)]

    task = clock.spawn(listening())
    await clock.advance(7)
    bell.set()
    await clock.advance(1)
    bell.set()
    assert await task == [(False, 5), (True, 7), (True, 8)]


async def test_time_waits_for_whom_a_bell_woke() -> None:
    clock, order = VirtualClock(), []
    bell = clock.create_wake_up()

    async def listening() -> None:
        await bell.wait()
        await asyncio.to_thread(time.sleep, 0.03)
        order.append(("heard", since(clock)))

    async def ringing() -> None:
        await clock.sleep(3)
        bell.set()

    async def later() -> None:
        await clock.sleep(4)
        order.append(("later", since(clock)))

    tasks = [clock.spawn(work()) for work in (listening, ringing, later)]
    await clock.advance(10)
    assert order == [("heard", 3), ("later", 4)]
    await asyncio.gather(*tasks)


async def test_a_ring_from_outside_is_work_before_the_next_advance() -> None:
    clock, heard = VirtualClock(), []
    bell = clock.create_wake_up()

    async def listening() -> None:
        while True:
            await bell.wait()
            heard.append(since(clock))

    task = clock.spawn(listening())
    await clock.wait_until_idle()
    bell.set()
    await clock.advance(60)
    assert heard == [0]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_real_wait_ends_at_its_time() -> None:
    before = monotonic()
    assert await RealClock().create_wake_up().wait(0.02) is False
    assert monotonic() - before > 0.015


async def test_the_real_clock_tells_utc_and_sleeps() -> None:
    clock = RealClock()
    before = clock.now()
    assert before.tzinfo is UTC
    await clock.sleep(0.01)
    assert clock.now() - before >= timedelta(seconds=0.009)


async def test_the_real_clock_is_corrected_both_ways() -> None:
    right, corrected = RealClock(), RealClock()
    corrected.correct(timedelta(hours=2))
    corrected.correct(timedelta(hours=-1))
    assert timedelta(minutes=59) < corrected.now() - right.now() < timedelta(minutes=61)


@given(
    st.lists(st.sampled_from(["ring", "wait", "wait 1", "advance", "cancel", "run"]), max_size=14)
)
def test_no_ring_is_lost_whatever_happens_around_it(steps: list[str]) -> None:
    """After a ring, either somebody was woken after it, or the next to come is."""

    async def run() -> None:
        clock = VirtualClock()
        bell: WakeUp = clock.create_wake_up()
        waiting: list[asyncio.Task[bool]] = []
        unheard = False
        for step in steps:
            if step == "ring":
                bell.set()
                unheard = True
            elif step.startswith("wait"):
                waiting.append(clock.spawn(bell.wait(1 if step == "wait 1" else None)))
            elif step == "advance":
                await clock.advance(1)
            elif step == "cancel" and waiting:
                waiting[-1].cancel()
            else:
                await settle()
            heard = [
                task for task in waiting if task.done() and not task.cancelled() and task.result()
            ]
            if heard:
                unheard = False
            waiting = [task for task in waiting if not task.done()]
        await settle()
        if any(task.done() and not task.cancelled() and task.result() for task in waiting):
            unheard = False
        if unheard:
            assert await bell.wait(0) is True
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())
