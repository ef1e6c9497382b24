"""Throttle: passes many calls on as a few."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from cooee.clocks.clock import Clock


class Throttle:
    """Calls a function at once, and then once for all calls of each pause that follows.

    A hundred busy processes tell each of them two thousand times a second that they stored work;
    to look for it each time would be work for the database alone.

    Args:
        function: what is called, in the loop of the callers.
        pause_s: seconds between two calls.
        clock: what to sleep on.
        start_task: starts a task that ends before its owner does.
    """

    def __init__(
        self,
        function: Callable[[], None],
        pause_s: float,
        clock: Clock,
        start_task: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._function, self._pause_s, self._clock = function, pause_s, clock
        self._start_task = start_task
        self._is_resting = self._was_called = False

    def call(self) -> None:
        """Call the function now, or at the end of the pause."""
        if self._is_resting:
            self._was_called = True
            return
        self._function()
        self._is_resting = True
        self._start_task(self._rest())

    async def _rest(self) -> None:
        await self._clock.sleep(self._pause_s)
        self._is_resting = False
        if self._was_called:
            self._was_called = False
            self.call()
