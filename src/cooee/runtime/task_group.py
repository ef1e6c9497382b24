"""Background tasks of one owner: a failure is logged, and the owner's end waits for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from cooee.clocks.clock import Clock
from cooee.runtime.log import error_location, log_event


class TaskGroup:
    """The tasks that an owner starts, and ends with itself.

    Args:
        clock: what they sleep on.
        name: what they are called in the log where one fails, which none should.
        ended: called whenever one has ended.
    """

    def __init__(
        self, clock: Clock, name: str, on_task_end: Callable[[], None] = lambda: None
    ) -> None:
        self._clock, self._name, self._on_task_end = clock, name, on_task_end
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = self._clock.spawn(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    async def close(self, grace_s: float | None = None) -> None:
        """Wait for every task; cancel those that need more than `grace_s` seconds."""
        while self._tasks and grace_s is None:
            await asyncio.wait(self._tasks)
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            location = error_location(error)
            log_event("task-failed", logging.CRITICAL, task=self._name, error=location)
        self._on_task_end()
