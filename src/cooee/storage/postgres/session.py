"""Session: what a process has of a server: its thread, connections, worker and notices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from cooee.core.errors import StorageError
from cooee.storage.forget_key import ForgetKey
from cooee.storage.postgres import forgotten
from cooee.storage.postgres.connections import ServerAddress
from cooee.storage.postgres.database import Database
from cooee.storage.postgres.database_thread import DatabaseThread
from cooee.storage.postgres.lanes import Lane
from cooee.storage.postgres.migrate import upgrade_schema
from cooee.storage.postgres.notices import Notices
from cooee.storage.postgres.open_errors import (
    check_rights,
    check_writable,
    explain_open_error,
)
from cooee.storage.postgres.pages import PAGE, PageDone
from cooee.storage.postgres.row_store import refuse_half_copied
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.postgres.workers import Worker

T = TypeVar("T")
A = TypeVar("A")
R = TypeVar("R")
P = ParamSpec("P")


class Session:
    """The thread, the connections, the worker and the notices of one process.

    Callers may be in any event loop. Ended by `close`, opened or not.
    """

    def __init__(
        self,
        address: ServerAddress,
        read_clock: Callable[[], int],
        forget_key: ForgetKey,
        correct_clock: Callable[[timedelta], None] | None,
    ) -> None:
        self._thread = DatabaseThread()
        self._database = Database(address, read_clock, forget_key)
        self._notices = Notices(self._database)
        self._lanes: list[Lane[Any, Any]] = []
        self._worker = Worker(self._database, self._notices.hear, correct_clock)

    async def open(self, *, owner: bool) -> None:
        """Bring the schema up to date and join the workers; `owner`: as `PostgreSQL.open`."""
        self._thread.start()
        try:
            await self._thread.submit(lambda: self._start(owner=owner))
        except BaseException:
            await self.close()
            raise

    async def _start(self, *, owner: bool) -> None:
        try:
            connection = await self._database.connections.acquire()
            try:
                await check_writable(connection)
                await upgrade_schema(connection)
                await check_rights(connection)
            finally:
                self._database.connections.release(connection)
        except Exception as error:
            address = self._database.connections.address
            raise explain_open_error(address.dsn, error) from error
        if owner:
            await self._database.write(refuse_half_copied)
            await self._database.write(forgotten.prepare_forgotten)
            await self._worker.start()
        self._notices.start()

    async def close(self) -> None:
        """Finish all calls under way, leave the workers, and close the connections."""
        self._database.is_closing = True
        await self._thread.close(self._stop)

    async def _stop(self) -> None:
        await self._worker.stop()
        await self._notices.stop()
        await self._database.connections.close()

    def listen(self, on_change: Callable[[], None]) -> None:
        """Call a function, in this process's thread of the database, when others wrote."""
        self._notices.add_listener(on_change)

    async def take_news(self) -> bool:
        """Return whether another process wrote since the last call."""

        async def take() -> bool:
            return self._notices.take_news()

        return await self._thread.submit(take)

    async def newer_versions(self, code_version: str) -> Sequence[str]:
        """Note the code version of this process; return those deployed after it."""
        return await self._thread.submit(lambda: self._worker.newer_versions(code_version))

    def write(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function with a transaction that writes; the future resolves after the commit."""

        async def work() -> T:
            await self._settle_lanes()
            result = await self._database.write(lambda one: function(one, *args, **kwargs))
            self._notices.tell()
            return result

        return self._thread.submit(work)

    def lease(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function as `write`; a crash of the server may forget what it wrote."""

        async def work() -> T:
            await self._settle_lanes()
            return await self._database.write(
                lambda one: function(one, *args, **kwargs), durable=False
            )

        return self._thread.submit(work)

    def read(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function with a transaction that only reads, on one snapshot."""

        async def work() -> T:
            await self._settle_lanes()
            return await self._database.read(lambda one: function(one, *args, **kwargs))

        return self._thread.submit(work)

    def hold(
        self,
        function: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Call a function as `write`, of which other processes need not hear."""

        async def work() -> T:
            await self._settle_lanes()
            return await self._database.write(lambda one: function(one, *args, **kwargs))

        return self._thread.submit(work)

    def lane(
        self,
        function: Callable[[Transaction, Sequence[A]], Awaitable[Sequence[R]]],
        is_news: Callable[[A, R], bool] = lambda _item, _result: True,
    ) -> Callable[[Sequence[A]], asyncio.Future[Sequence[R]]]:
        """Return a function as `write`, in which the items of many callers share a transaction.

        Args:
            function: takes items, and returns a result for each.
            is_news: whether an item and its result are work for another process.
        """

        async def run(items: Sequence[A]) -> Sequence[R]:
            results = await self._database.write(lambda one: function(one, items))
            if any(map(is_news, items, results)):
                self._notices.tell()
            return results

        lane = Lane(run)
        self._lanes.append(lane)
        return lambda items: self._thread.submit(lambda: lane.call(items))

    async def _settle_lanes(self) -> None:
        # storage rule 28: what this process asked for before is seen by what it asks for now.
        last_calls = [lane.last_call for lane in self._lanes]
        pending = [call for call in last_calls if call is not None and not call.done()]
        if pending:
            await asyncio.wait(pending)

    async def in_pages(
        self,
        function: Callable[[Transaction, A, bytes, int], Awaitable[PageDone | None]],
        argument: A,
    ) -> int:
        """Call a function that changes a page of conversations, until there is none left.

        Return how many of the changed rows count.
        """
        after, counted = b"", 0
        while (page := await self.write(function, argument, after, PAGE)) is not None:
            after, counted = page.last, counted + page.counted
        return counted

    def check_is_worker(self) -> None:
        """Raise `StorageError` where this process is no worker."""
        # storage rule 20: who is no worker could not be buried, so it neither claims nor takes.
        if self._database.worker == 0:
            raise StorageError("Only a process that was opened as an owner answers and sends.")

    async def or_put_back(
        self,
        future: asyncio.Future[Sequence[T]],
        put_back: Callable[[Transaction, Sequence[T]], Awaitable[None]],
    ) -> Sequence[T]:
        """Return the leased or taken records; put them back if the caller is cancelled."""

        def put_back_result(finished: asyncio.Future[Sequence[T]]) -> None:
            if (
                not finished.cancelled()
                and finished.exception() is None
                and finished.result()
                and not self._thread.closed
            ):
                self.write(put_back, finished.result())

        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(put_back_result)
            raise
