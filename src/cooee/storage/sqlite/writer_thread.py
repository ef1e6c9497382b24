"""WriterThread: owns the connection, and commits the requests of many callers together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeAlias, TypeVar

from cooee.core.errors import DatabaseLost, StorageError
from cooee.storage.call_results import CallResult, resolve_all
from cooee.storage.sqlite.database_file import Connection, roll_back, translate_error

T = TypeVar("T")

StoreWork: TypeAlias = Callable[[Connection], T]
"""Work inside a transaction, in the store's thread; run again if a request beside it fails."""

_MAX_BATCH = 256  # requests in one transaction, at most


class Transactional(Protocol):
    """State that a store keeps in memory, rolled back together with the transaction."""

    def savepoint(self) -> None:
        """Save the state as it is now."""
        ...

    def rollback(self) -> None:
        """Restore the saved state."""
        ...


class Guard(Protocol):
    """Tells whether the files of the connection are still those that were opened."""

    def check(self) -> None:
        """Raise an error where they are not."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class _Request:
    __slots__ = ("future", "work", "writes")

    def __init__(self, work: StoreWork[Any], future: asyncio.Future[Any], writes: bool) -> None:
        self.work, self.future, self.writes = work, future, writes


class WriterThread:
    """Runs requests in order, up to 256 in one transaction, with one commit and one sync.

    No future is resolved before the commit. If one request fails, every request of the batch
    runs again in a transaction of its own, so that only the faulty request fails.

    Args:
        connect: opens the connection and its guard, in the thread that will use them.
        transactional: the state in memory that is rolled back together with the database.
    """

    def __init__(
        self, connect: Callable[[], tuple[Connection, Guard]], transactional: Transactional
    ) -> None:
        self._connect, self._transactional = connect, transactional
        self._queue: SimpleQueue[_Request | None] = SimpleQueue()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed: asyncio.Future[None] | None = None
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="cooee-sqlite", daemon=True)

    async def open(self) -> None:
        """Start the thread, and wait until the connection is open."""
        self._thread.start()
        await self._opened

    def submit(self, work: StoreWork[T], *, writes: bool = True) -> asyncio.Future[T]:
        """Queue work, from any event loop; its future is resolved there, after the commit."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._closing:  # what is queued after the end would never be run
            if self.closed:
                raise StorageError("The store is closed. Open it again.")
            self._queue.put(_Request(work, future, writes))
        return future

    async def result_or_undo(
        self, future: asyncio.Future[T], undo: Callable[[T], StoreWork[object]]
    ) -> T:
        """Return the result of submitted work; undo the work if the caller is cancelled."""

        def undo_result(finished: asyncio.Future[T]) -> None:
            if not finished.cancelled() and finished.exception() is None and not self.closed:
                self.submit(undo(finished.result()))

        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(undo_result)
            raise

    @property
    def closed(self) -> bool:
        """Tell whether `close` was called."""
        return self._closed is not None

    async def close(self) -> None:
        """Run the queued requests, and close the connection."""
        with self._closing:
            if self._closed is None:
                self._closed = asyncio.get_running_loop().create_future()
                self._queue.put(None)
        await asyncio.shield(self._closed)

    def _run(self) -> None:
        try:
            connection, self._guard = self._connect()
        except BaseException as error:
            resolve_all([(self._opened, None, error)])
            return
        resolve_all([(self._opened, None, None)])
        while (batch := self._next_batch()) is not None:
            resolve_all(self._run_batch(connection, batch))
        self._guard.close()
        assert self._closed is not None
        resolve_all([(self._closed, None, None)])

    def _next_batch(self) -> list[_Request] | None:
        """Return the queued requests, at most 256; None after the last request."""
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        try:
            while len(batch) < _MAX_BATCH and (request := self._queue.get_nowait()):
                batch.append(request)
            if len(batch) < _MAX_BATCH:
                self._queue.put(None)  # None ends the queue: read it again after this batch
        except Empty:
            pass
        return batch

    def _run_batch(self, connection: Connection, batch: Sequence[_Request]) -> Sequence[CallResult]:
        """Run a batch in one transaction; where that fails, each request in one of its own."""
        try:
            # storage rule 15: no transaction begins in a file that is not the database any more.
            self._guard.check()
            connection.execute(_begin_statement(batch))
        except Exception as error:
            return self._fail_writers(connection, batch, error)
        # storage rule 11: leases in memory are rolled back with the transaction.
        self._transactional.savepoint()
        try:
            results = [(request.future, request.work(connection), None) for request in batch]
            connection.execute("commit")
            # storage rule 15: nobody hears of a commit to a removed file.
            self._guard.check()
        except BaseException as error:
            self._transactional.rollback()
            roll_back(connection)
            return self._retry_one_by_one(connection, batch, error)
        return results

    def _retry_one_by_one(
        self, connection: Connection, batch: Sequence[_Request], error: BaseException
    ) -> Sequence[CallResult]:
        # storage rule 11: each request runs again alone, so that only the faulty request fails.
        if len(batch) == 1:
            return [(batch[0].future, None, translate_error(error))]
        return [result for request in batch for result in self._run_batch(connection, [request])]

    def _fail_writers(
        self, connection: Connection, batch: Sequence[_Request], error: BaseException
    ) -> Sequence[CallResult]:
        """Fail the requests that write, since the database is locked or full; run the others."""
        if isinstance(error, DatabaseLost):
            return _failed_results(batch, error)
        readers = [request for request in batch if not request.writes]
        if len(readers) == len(batch):
            return _failed_results(batch, error)
        writers = [request for request in batch if request.writes]
        read_results = self._run_batch(connection, readers) if readers else []
        return [*_failed_results(writers, error), *read_results]


def _begin_statement(batch: Sequence[_Request]) -> str:
    # storage rule 2: the one lock is taken at the start, so that no commit can clash.
    return "begin immediate" if any(request.writes for request in batch) else "begin"


def _failed_results(batch: Sequence[_Request], error: BaseException) -> Sequence[CallResult]:
    return [(request.future, None, translate_error(error)) for request in batch]
