"""TimerHold: no timer runs before the texts that wait at the provider were read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from cooee.clocks.clock import Clock, WakeUp
from cooee.core.errors import StoreUnavailable
from cooee.runtime.number_hold import NumberHold

_LOOK_S = 1.0  # between two looks whether another process has read all


class TimerHold:
    """Whether timers are held back; texts are answered all the while.

    Args:
        clock: the time.
        on_release: called when timers may run again.
    """

    def __init__(self, clock: Clock, on_release: Callable[[], None]) -> None:
        self._clock, self._on_release = clock, on_release
        self._ends_at: datetime | None = None

    def begin(self, longest: timedelta) -> None:
        """Hold timers back until `release`, or for `longest`."""
        self._ends_at = self._clock.now() + longest

    def release(self) -> None:
        """Let timers run from now on."""
        if self._ends_at is not None:
            self._ends_at = None
            self._on_release()

    def remaining_s(self) -> float:
        """Return the seconds for which timers are still held back; 0 where they are not."""
        ends_at = self._ends_at  # `release` comes from another thread
        if ends_at is None:
            return 0
        remaining = (ends_at - self._clock.now()).total_seconds()
        if remaining <= 0:
            self._ends_at = None
        return max(remaining, 0)


async def release_once_read(timer_hold: TimerHold, stopping: WakeUp, caught_up: NumberHold) -> None:
    """Let timers run once the poller of another process has read what waits at the provider."""
    while timer_hold.remaining_s():
        if await stopping.wait(_LOOK_S):
            stopping.set()  # for the next
            return
        with suppress(StoreUnavailable):  # it is looked again in a moment
            if await caught_up.is_held_elsewhere():
                timer_hold.release()
