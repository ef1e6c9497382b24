"""OffsetClock: the machine's time, moved ahead by hand, to try out tomorrow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cooee.clocks.clock import WakeUp, monotonic
from cooee.clocks.loop_calls import call_in_loop
from cooee.clocks.wake_up import ThreadSafeWakeUp

T = TypeVar("T")


class OffsetClock:
    """A clock beside the machine's, advanced at will while tasks sleep.

    Whatever sleeps past a moment that an advance jumps over wakes at once, the earliest first.
    Tasks of any event loop may sleep on it, and any thread may advance it.

    Args:
        offset: how far ahead of the machine it is at first.
    """

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset
        self._timers: set[_OffsetTimer] = set()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def sleep(self, seconds: float) -> None:
        await self._wait_for(asyncio.get_running_loop().create_future(), seconds)

    def create_wake_up(self) -> WakeUp:
        return ThreadSafeWakeUp(self._wait_for)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(coroutine)

    def advance(self, by: timedelta) -> None:
        """Move the clock ahead, and wake each task whose moment is now past.

        Raises:
            ValueError: `by` is negative; time does not go back.
        """
        if by < timedelta():
            raise ValueError("Time does not go back. Advance the clock by 0 seconds or more.")
        self.offset += by
        for timer in sorted(self._timers, key=lambda each: each.due):
            call_in_loop(timer.loop, timer.fire_or_reschedule)

    def monotonic(self) -> float:
        """Return seconds on a scale of its own: the machine's seconds plus the advanced ones."""
        return monotonic() + self.offset.total_seconds()

    async def _wait_for(self, future: asyncio.Future[bool], seconds: float) -> bool:
        """Wait for `future`, or for `seconds`; True when the future was set."""
        timer = _OffsetTimer(self, self.monotonic() + seconds, future)
        self._timers.add(timer)
        try:
            timer.fire_or_reschedule()
            return await future
        finally:
            self._timers.discard(timer)
            timer.cancel()


class _OffsetTimer:
    """The end of a task's sleep."""

    def __init__(self, clock: OffsetClock, due: float, future: asyncio.Future[bool]) -> None:
        self.due = due
        self.loop = future.get_loop()
        self._clock, self._future = clock, future
        self._handle: asyncio.TimerHandle | None = None

    def fire_or_reschedule(self) -> None:
        """Wake the task if its moment has come, else look again at the moment."""
        self.cancel()
        remaining_s = self.due - self._clock.monotonic()
        if remaining_s > 0:
            self._handle = self.loop.call_later(remaining_s, self.fire_or_reschedule)
        elif not self._future.done():
            self._future.set_result(False)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
