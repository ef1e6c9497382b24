"""The machine's own time, moved ahead: for trying out what happens tomorrow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cooee.clocks.clock import Bell, stopwatch

T = TypeVar("T")


class OffsetClock:
    """A clock that runs as the machine's does, and can be advanced while others sleep on it.

    Whatever sleeps past a moment that an advance jumps over wakes at once, the earliest first.
    From the event loop's thread only, the reading of the time apart.

    Args:
        offset: how far ahead of the machine it is at first.
    """

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset
        self._alarms: set[_Alarm] = set()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def sleep(self, seconds: float) -> None:
        await self._wait(asyncio.get_running_loop().create_future(), seconds)

    def bell(self) -> Bell:
        return _OffsetBell(self)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(work)

    def advance(self, by: timedelta) -> None:
        """Move the clock ahead, and wake whoever slept until a moment now past.

        Raises:
            ValueError: `by` is negative; time does not go back.
        """
        if by < timedelta():
            raise ValueError("Time does not go back. Advance the clock by 0 seconds or more.")
        self.offset += by
        for alarm in sorted(self._alarms, key=lambda alarm: alarm.due):
            alarm.look()

    def passed(self) -> float:
        """Seconds on a scale of its own: what went by on the machine, and what was jumped over."""
        return stopwatch() + self.offset.total_seconds()

    async def _wait(self, woken: asyncio.Future[bool], seconds: float) -> bool:
        """Wait for `woken`, or so many seconds; whether somebody woke us."""
        alarm = _Alarm(self, self.passed() + seconds, woken)
        self._alarms.add(alarm)
        try:
            alarm.look()
            return await woken
        finally:
            self._alarms.discard(alarm)
            alarm.stop()


class _Alarm:
    """A moment somebody sleeps until."""

    def __init__(self, clock: OffsetClock, due: float, woken: asyncio.Future[bool]) -> None:
        self.due = due
        self._clock, self._woken = clock, woken
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Wake the sleeper if it is time, else look again when it will be."""
        self.stop()
        left = self.due - self._clock.passed()
        if left > 0:
            self._timer = self._woken.get_loop().call_later(left, self.look)
        elif not self._woken.done():
            self._woken.set_result(False)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class _OffsetBell:
    def __init__(self, clock: OffsetClock) -> None:
        self._clock = clock
        self._rung = False
        self._waiting: set[asyncio.Future[bool]] = set()

    def ring(self) -> None:
        waiting = [woken for woken in self._waiting if not woken.done()]
        self._rung = not waiting
        for woken in waiting:
            woken.set_result(True)

    async def wait(self, seconds: float | None = None) -> bool:
        if self._rung:
            self._rung = False
            return True
        woken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            return await (woken if seconds is None else self._clock._wait(woken, seconds))  # noqa: SLF001 -- two halves of one clock
        except asyncio.CancelledError:
            if woken.done() and not woken.cancelled() and woken.result():
                self._rung = True  # it came too late for this one, and is for the next
            raise
        finally:
            self._waiting.discard(woken)
