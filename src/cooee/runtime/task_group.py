"""Background tasks of one owner: a failure is logged, and the owner's end waits for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from cooee.clocks.clock import Clock, monotonic
from cooee.core.backoff import Backoff
from cooee.runtime.log import error_location, log_event

_RESTART_BACKOFF = Backoff((0.1, 1, 10, 60))  # seconds until a part that ended starts again
TROUBLE_SHOWN_S = 600.0
"""Seconds for which trouble that is over still shows in /health."""


def is_being_cancelled() -> bool:
    """Tell whether somebody cancels the current task; else a CancelledError is a mistake.

    Of use only in a task that runs no code of the app: that could cancel the task itself.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def is_loop_over() -> bool:
    """Tell whether the event loop of this task has ended: nothing can be awaited any more."""
    return asyncio._get_running_loop() is None  # noqa: SLF001 -- the only one that raises nothing


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
        self.is_cancelling = False
        self._last_ends: dict[str, tuple[float, int, str]] = {}  # of parts that should go on

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = self._clock.spawn(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def keep_running(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a part until it returns; start it again, after a pause, if it ends in another way.

        Args:
            name: the part's name, for the log and `trouble`.
            run: runs the part; called anew for each start.
        """
        self._start_part(name, run)

    @property
    def trouble(self) -> str:
        """The parts that ended lately and were started again; "" where there is none."""
        since = monotonic() - TROUBLE_SHOWN_S
        return "; ".join(
            words for ended_at, _, words in self._last_ends.values() if ended_at > since
        )

    async def close(
        self, grace_s: float | None = None, *, wait_for_cancelled_s: float | None = None
    ) -> None:
        """Wait for every task; cancel those that need more than `grace_s` seconds.

        A cancelled task is waited for, for `wait_for_cancelled_s` at most. `is_cancelling` tells
        them from then on that a CancelledError is the owner's own.
        """
        while self._tasks and grace_s is None:
            await asyncio.wait(self._tasks)
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=grace_s)
            self.is_cancelling = True
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished, timeout=wait_for_cancelled_s)

    def _start_part(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self.is_cancelling:
            self.start(run()).add_done_callback(partial(self._part_ended, name, run))

    def _part_ended(
        self, name: str, run: Callable[[], Coroutine[Any, Any, None]], task: asyncio.Task[Any]
    ) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None or self.is_cancelling:
            return
        # delivery rule 21: a part that ends silently would end the answering
        ended_at, words = monotonic(), f"the {name} ended by {error_location(error)}"
        log_event("part-ended", logging.CRITICAL, part=name, error=error_location(error))
        last_at, count, _ = self._last_ends.get(name, (ended_at, 0, ""))
        count = count + 1 if ended_at - last_at < TROUBLE_SHOWN_S else 1
        self._last_ends[name] = (ended_at, count, words)
        asyncio.get_running_loop().call_later(
            _RESTART_BACKOFF.pause_s(count), self._start_part, name, run
        )

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            location = error_location(error)
            log_event("task-failed", logging.CRITICAL, task=self._name, error=location)
        self._on_task_end()
