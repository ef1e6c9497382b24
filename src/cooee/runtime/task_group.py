"""The tasks of one owner: started on its clock, waited for at its end, never lost unheard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from cooee.clocks.clock import Clock
from cooee.runtime.log import blame, tell


class Crew:
    """Tasks that somebody has to end before leaving.

    Args:
        clock: what they sleep on.
        name: what they are called in the log where one fails, which none should.
        ended: called whenever one has ended.
    """

    def __init__(self, clock: Clock, name: str, ended: Callable[[], None] = lambda: None) -> None:
        self._clock, self._name, self._heard = clock, name, ended
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = self._clock.spawn(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def end(self, grace: float | None = None) -> None:
        """Wait until all have ended; those that need more than `grace` seconds are cancelled."""
        while self._tasks and grace is None:
            await asyncio.wait(self._tasks)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            tell(f"{self._name}-failed", logging.CRITICAL, error=blame(error))
        self._heard()
