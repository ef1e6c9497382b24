"""DatabaseThread: the event loop of the connections, which serves callers of any other loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

import uvloop

from cooee.core.errors import StorageError
from cooee.storage.call_results import CallResult, resolve_all

T = TypeVar("T")

_Work: TypeAlias = tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any]]


class DatabaseThread:
    """Runs work in an event loop of its own, so that no line of the app delays a commit.

    Work that began is carried to its end, whatever becomes of its caller. Both ways between the
    loops take one call for all that is ready.
    """

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()  # a fifth of a verb's CPU less than asyncio's own
        self._thread = threading.Thread(target=self._run, name="cooee-postgres", daemon=True)
        self._lock = threading.Lock()
        self._queue: list[_Work] = []
        self._results: list[CallResult] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, work: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Start work, from any event loop; its future is resolved there.

        Raises:
            StorageError: the thread was closed.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self.closed:
                raise StorageError("The store is closed. Open it again.")
            self._queue.append((work, future))
            if len(self._queue) == 1:
                self._loop.call_soon_threadsafe(self._start_queued)
        return future

    async def close(self, last_work: Callable[[], Awaitable[None]]) -> None:
        """Refuse further work, end the work under way, then do the last work and end the thread."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            is_first, self.closed = not self.closed, True
        if not is_first:
            await asyncio.to_thread(self._thread.join)
            return
        self._loop.call_soon_threadsafe(self._start_last, last_work, done)
        try:
            await asyncio.shield(done)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _start_queued(self) -> None:
        with self._lock:
            queue, self._queue = self._queue, []
        for work, future in queue:
            self._spawn(self._carry_out(work, future))

    def _start_last(
        self, work: Callable[[], Awaitable[None]], future: asyncio.Future[None]
    ) -> None:
        self._start_queued()
        others = list(self._tasks)

        async def end() -> None:
            await asyncio.gather(*others)
            await work()

        self._spawn(self._carry_out(end, future))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(
        self, work: Callable[[], Awaitable[Any]], future: asyncio.Future[Any]
    ) -> None:
        try:
            result: CallResult = (future, await work(), None)
        except asyncio.CancelledError:
            result = (future, None, StorageError("The store is closed. Open it again."))
        except BaseException as error:
            result = (future, None, error)
        self._results.append(result)
        if len(self._results) == 1:
            self._loop.call_soon(self._resolve_all)

    def _resolve_all(self) -> None:
        results, self._results = self._results, []
        resolve_all(results)
