"""Jobs in order within a lane, and side by side across lanes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeAlias

from cooee.clocks.clock import Clock

Job: TypeAlias = Callable[[], Awaitable[object]]


class OrderedJobs:
    """Runs jobs on a clock: the jobs of a lane in turn, in the order of `add`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[Hashable, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, lane: Hashable, job: Job) -> None:
        """Put a job at the end of a lane. Call `add` from the event loop's thread only."""
        if lane in self._queues:
            self._queues[lane].append(job)
            return
        self._queues[lane] = deque([job])
        task = self._clock.spawn(self._run_lane(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_free(self, lane: Hashable) -> bool:
        """Return whether no job of a lane waits or runs."""
        return lane not in self._queues

    @property
    def is_idle(self) -> bool:
        """True where no job of any lane waits or runs."""
        return not self._queues

    async def _run_lane(self, lane: Hashable) -> None:
        jobs = self._queues[lane]
        try:
            while jobs:
                await jobs[0]()
                jobs.popleft()
        finally:
            self._queues.pop(lane, None)

    async def close(self) -> None:
        """Cancel every unfinished job."""
        # A copy: each task that ends leaves the set.
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._queues.clear()  # a task that never began could not
