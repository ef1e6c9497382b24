"""The wake-up of the clocks that tell real time, which any thread may set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import Lock

from cooee.clocks.loop_calls import call_in_loop


class ThreadSafeWakeUp:
    """A `WakeUp` for the tasks of any event loop, which any thread may set.

    Args:
        wait_for: waits for a future, or for so many seconds; True where the future was set.
    """

    def __init__(self, wait_for: Callable[[asyncio.Future[bool], float], Awaitable[bool]]) -> None:
        self._wait_for, self._lock = wait_for, Lock()
        self._is_set = False
        self._waiters: set[asyncio.Future[bool]] = set()

    def set(self) -> None:
        with self._lock:
            waiters = [future for future in self._waiters if not future.done()]
            self._waiters.clear()
            self._is_set = not waiters
        for future in waiters:
            call_in_loop(future.get_loop(), self._wake, future)

    async def wait(self, seconds: float | None = None) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._is_set:
                self._is_set = False
                return True
            self._waiters.add(future)
        try:
            return await (future if seconds is None else self._wait_for(future, seconds))
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.result():
                self._is_set = True  # it came too late for this one, and is for the next
            raise
        finally:
            with self._lock:
                self._waiters.discard(future)

    def _wake(self, future: asyncio.Future[bool]) -> None:
        if not future.done():
            future.set_result(True)
        else:  # another thread set it as its wait ended: it is for the next
            self.set()
