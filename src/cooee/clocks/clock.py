"""Time, handed in: a real clock, and one that jumps when nothing is left to do."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Bell(Protocol):
    """Something to wait for. A ring wakes all who wait, or the next to come, once."""

    def ring(self) -> None:
        """Wake them. From the event loop's thread only."""
        ...

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for a ring, or so many seconds; whether it rang."""
        ...


class Clock(Protocol):
    """What tells the time, and the only thing that cooee ever sleeps on."""

    def now(self) -> datetime:
        """The time, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...

    def bell(self) -> Bell:
        """A new bell on this clock."""
        ...

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task whose sleeping this clock knows of."""
        ...


class RealClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def bell(self) -> Bell:
        return _RealBell()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(work)


class _RealBell:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None = None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class VirtualClock:
    """A clock that stands still until it is advanced, and then jumps from alarm to alarm.

    It jumps only when every task started by `spawn` sleeps on it: whatever else such a task
    awaits (the store, a thread, an HTTP answer) counts as work under way. So time can never
    overtake a result, and no test needs to guess how long to wait.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._busy: set[asyncio.Task[Any]] = set()
        self._alarms: list[tuple[datetime, int, asyncio.Future[bool]]] = []
        self._order = itertools.count()
        self._idle_waiters: list[asyncio.Future[None]] = []

    def now(self) -> datetime:
        return self._now

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._busy.add(task)
        task.add_done_callback(self._rest)
        return task

    async def sleep(self, seconds: float) -> None:
        if self._is_now(seconds):
            await asyncio.sleep(0)
            return
        with self._sleeping(seconds) as woken:
            await woken

    def bell(self) -> Bell:
        return _VirtualBell(self)

    async def idle(self) -> None:
        """Wait until every spawned task sleeps. For those that stand outside: no spawned task."""
        if asyncio.current_task() in self._busy:
            raise RuntimeError("A task that this clock spawned cannot wait for itself to sleep.")
        while self._busy:
            quiet = asyncio.get_running_loop().create_future()
            self._idle_waiters.append(quiet)
            await quiet

    async def advance(self, by: timedelta | float) -> None:
        """Let that much time (seconds, or a timedelta) pass, one alarm after the other."""
        until = self._now + (by if isinstance(by, timedelta) else timedelta(seconds=by))
        while await self.jump(until):
            pass
        self._now = max(self._now, until)

    async def jump(self, until: datetime) -> bool:
        """Go to the next alarm and wait for what it wakes; False, and nothing, after `until`."""
        await self.idle()
        while self._alarms and self._alarms[0][0] <= until:
            moment, _, woken = heapq.heappop(self._alarms)
            if not woken.done():
                self._now = max(self._now, moment)
                woken.set_result(False)
                await self.idle()
                return True
        return False

    def _rest(self, task: asyncio.Task[Any]) -> None:
        self._busy.discard(task)
        if not self._busy:
            for quiet in self._idle_waiters:
                if not quiet.done():
                    quiet.set_result(None)
            self._idle_waiters.clear()

    def _is_now(self, seconds: float) -> bool:
        """Whether waiting so long is no waiting at all: it must not need an `advance`."""
        return timedelta(seconds=seconds) <= timedelta()

    @contextmanager
    def _sleeping(self, seconds: float | None) -> Iterator[asyncio.Future[bool]]:
        """Count the current task as idle; the waker counts it as busy again, at once.

        A task that was not spawned here counts as busy from its waking until it runs.
        """
        task = asyncio.current_task()
        assert task is not None
        spawned = task in self._busy
        woken: asyncio.Future[bool] = _Woken(self, task)
        if seconds is not None:
            alarm = self._now + timedelta(seconds=seconds)
            heapq.heappush(self._alarms, (alarm, next(self._order), woken))
        if spawned:
            self._rest(task)
        try:
            yield woken
        finally:
            woken.cancel()
            if not spawned:
                self._rest(task)


class _Woken(asyncio.Future[bool]):
    """A future whose waker marks the sleeper busy before anybody can look."""

    def __init__(self, clock: VirtualClock, task: asyncio.Task[Any]) -> None:
        super().__init__()
        self._clock, self._task = clock, task

    def set_result(self, result: bool, /) -> None:
        self._wake()
        super().set_result(result)

    def cancel(self, msg: Any | None = None) -> bool:
        if not self.done():
            self._wake()
        return super().cancel(msg)

    def _wake(self) -> None:
        if not self._task.done():
            self._clock._busy.add(self._task)  # noqa: SLF001 -- two halves of one clock


class _VirtualBell:
    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._rung = False
        self._waiting: list[asyncio.Future[bool]] = []

    def ring(self) -> None:
        waiting = [woken for woken in self._waiting if not woken.done()]
        self._waiting.clear()
        self._rung = not waiting
        for woken in waiting:
            woken.set_result(True)

    async def wait(self, seconds: float | None = None) -> bool:
        if self._rung:
            self._rung = False
            return True
        if seconds is not None and self._clock._is_now(seconds):  # noqa: SLF001 -- see below
            await asyncio.sleep(0)
            return False
        with self._clock._sleeping(seconds) as woken:  # noqa: SLF001 -- two halves of one clock
            self._waiting.append(woken)
            try:
                return await woken
            except asyncio.CancelledError:
                if woken.done() and not woken.cancelled() and woken.result():
                    self._rung = True  # it came too late for this one, and is for the next
                raise
            finally:
                if woken in self._waiting:
                    self._waiting.remove(woken)


def stopwatch() -> float:
    """Seconds on a clock that only measures; never a time of day."""
    return time.monotonic()
