"""Clock and WakeUp; a real clock, and a virtual clock, which jumps when all tasks sleep."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from cooee.clocks.wake_up import ThreadSafeWakeUp

T = TypeVar("T")


class WakeUp(Protocol):
    """A signal to waiting tasks; setting the signal wakes all of them, or the next task, once."""

    def set(self) -> None:
        """Wake the waiters. From any thread, where the clock tells real time."""
        ...

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for `set`, or for `seconds`; True when it was set."""
        ...


class Clock(Protocol):
    """The source of the time and of every sleep in cooee."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`."""
        ...

    def create_wake_up(self) -> WakeUp:
        """Return a new wake-up on this clock."""
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task; the clock counts the task as busy unless asleep."""
        ...


class RealClock:
    """The machine's own time, corrected where a database's clock is the one that counts."""

    def __init__(self) -> None:
        self._correction = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._correction

    def correct(self, by: timedelta) -> None:
        """Put the clock forward, or back, from now on; from any thread."""
        self._correction += by

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def create_wake_up(self) -> WakeUp:
        return ThreadSafeWakeUp(_wait_for)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(coroutine)


async def _wait_for(future: asyncio.Future[bool], seconds: float) -> bool:
    """Wait for a future, or for so many seconds; True where the future was set."""
    timer = future.get_loop().call_later(seconds, _end_wait, future)
    try:
        return await future
    finally:
        timer.cancel()


def _end_wait(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)


class VirtualClock:
    """A clock at a standstill until advanced; then the time jumps from timer to timer.

    It jumps only when every task started by `spawn` sleeps on it: whatever else such a task
    awaits (the store, a thread, an HTTP answer) counts as work under way. So time can never
    overtake a result, and no test needs to guess how long to wait.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._busy_tasks: set[asyncio.Task[Any]] = set()
        self._timers: list[tuple[datetime, int, asyncio.Future[bool]]] = []
        self._sequence = itertools.count()
        self._idle_waiters: list[asyncio.Future[None]] = []

    def now(self) -> datetime:
        return self._now

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._busy_tasks.add(task)
        task.add_done_callback(self._mark_idle)
        return task

    async def sleep(self, seconds: float) -> None:
        if self._is_zero_wait(seconds):
            await asyncio.sleep(0)
            return
        with self._idle_while_sleeping(seconds) as future:
            await future

    def create_wake_up(self) -> WakeUp:
        return _VirtualWakeUp(self)

    async def wait_until_idle(self) -> None:
        """Wait until every spawned task sleeps; not for a call by a spawned task."""
        if asyncio.current_task() in self._busy_tasks:
            raise RuntimeError("A task that this clock spawned cannot wait for itself to sleep.")
        while self._busy_tasks:
            waiter = asyncio.get_running_loop().create_future()
            self._idle_waiters.append(waiter)
            await waiter

    async def advance(self, by: timedelta | float) -> None:
        """Let `by` (seconds, or a timedelta) pass, timer by timer."""
        # The end is fixed before the first jump: each jump moves `_now`.
        until = self._now + (by if isinstance(by, timedelta) else timedelta(seconds=by))
        while await self.jump_to_next_timer(until):
            pass
        self._now = max(self._now, until)

    async def jump_to_next_timer(self, until: datetime) -> bool:
        """Jump to the next timer up to `until` and run the woken tasks; False without a timer."""
        await self.wait_until_idle()
        while self._timers and self._timers[0][0] <= until:
            due, _, future = heapq.heappop(self._timers)
            if not future.done():
                self._now = max(self._now, due)
                future.set_result(False)
                await self.wait_until_idle()
                return True
        return False

    def _mark_idle(self, task: asyncio.Task[Any]) -> None:
        self._busy_tasks.discard(task)
        if not self._busy_tasks:
            for waiter in self._idle_waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._idle_waiters.clear()

    def _is_zero_wait(self, seconds: float) -> bool:
        """Return True for a wait of no time; it must not need an `advance`."""
        return timedelta(seconds=seconds) <= timedelta()

    @contextmanager
    def _idle_while_sleeping(self, seconds: float | None) -> Iterator[asyncio.Future[bool]]:
        """Count the current task as idle; the waker counts it as busy again, at once.

        A task that was not spawned here counts as busy from its waking until it runs.
        """
        task = asyncio.current_task()
        assert task is not None
        was_spawned_here = task in self._busy_tasks
        future: asyncio.Future[bool] = _WakeFuture(self, task)
        if seconds is not None:
            due = self._now + timedelta(seconds=seconds)
            # The number keeps timers of one moment in the order of their sleeps; a heap would not.
            heapq.heappush(self._timers, (due, next(self._sequence), future))
        # A task that `spawn` did not start is the test itself: time must not wait for it.
        if was_spawned_here:
            self._mark_idle(task)
        try:
            yield future
        finally:
            future.cancel()
            if not was_spawned_here:
                self._mark_idle(task)


class _WakeFuture(asyncio.Future[bool]):
    """A future to mark the sleeping task busy before the waker's next statement."""

    def __init__(self, clock: VirtualClock, task: asyncio.Task[Any]) -> None:
        super().__init__()
        self._clock, self._task = clock, task

    def set_result(self, result: bool, /) -> None:
        self._mark_busy()
        super().set_result(result)

    def cancel(self, msg: Any | None = None) -> bool:
        if not self.done():
            self._mark_busy()
        return super().cancel(msg)

    def _mark_busy(self) -> None:
        if not self._task.done():
            self._clock._busy_tasks.add(self._task)  # noqa: SLF001 -- two halves of one clock


class _VirtualWakeUp:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._is_set = False
        self._waiters: list[asyncio.Future[bool]] = []

    def set(self) -> None:
        waiters = [future for future in self._waiters if not future.done()]
        self._waiters.clear()
        self._is_set = not waiters
        for woken in waiters:
            woken.set_result(True)

    async def wait(self, seconds: float | None = None) -> bool:
        if self._is_set:
            self._is_set = False
            return True
        if seconds is not None and self._clock._is_zero_wait(seconds):  # noqa: SLF001 -- see below
            await asyncio.sleep(0)
            return False
        with self._clock._idle_while_sleeping(seconds) as future:  # noqa: SLF001 -- two halves of one clock
            self._waiters.append(future)
            try:
                return await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled() and future.result():
                    self._is_set = True  # it came too late for this one, and is for the next
                raise
            finally:
                if future in self._waiters:
                    self._waiters.remove(future)


def monotonic() -> float:
    """Return seconds on a scale for durations only; never a time of day."""
    return time.monotonic()
