"""The database's thread serves callers of any loop, and carries to its end what it began."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cooee.core.errors import StorageError
from cooee.storage.postgres.database_thread import DatabaseThread


@pytest.fixture
async def thread():
    thread = DatabaseThread()
    thread.start()
    yield thread
    await thread.close(nothing)


async def nothing():
    pass


async def test_work_runs_in_its_thread_and_resolves_in_the_callers_loop(thread):
    async def name():
        return threading.current_thread().name

    assert await thread.submit(name) == "cooee-postgres"

    def elsewhere():
        return asyncio.run(asyncio.wait_for(_submit(thread, name), 30))

    assert await asyncio.to_thread(elsewhere) == "cooee-postgres"


async def _submit(thread, work):
    return await thread.submit(work)


async def test_an_error_is_the_callers(thread):
    async def fail():
        raise StorageError("no")

    with pytest.raises(StorageError, match="no"):
        await thread.submit(fail)


async def test_a_caller_that_is_cancelled_stops_no_work(thread):
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    async def work():
        begun.set()
        await asyncio.to_thread(go_on.wait)
        done.set()

    caller = asyncio.create_task(_submit(thread, work))
    await asyncio.to_thread(begun.wait)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await asyncio.to_thread(done.wait)


async def test_the_end_waits_for_work_under_way_and_refuses_what_comes_after():
    thread, order = DatabaseThread(), []
    thread.start()
    begun, go_on = threading.Event(), threading.Event()

    async def work():
        begun.set()
        await asyncio.to_thread(go_on.wait)
        order.append("work")

    async def last():
        order.append("last")

    working = thread.submit(work)
    await asyncio.to_thread(begun.wait)
    closing = asyncio.create_task(thread.close(last))
    await asyncio.sleep(0)
    with pytest.raises(StorageError, match="closed"):
        await thread.submit(nothing)
    go_on.set()
    await closing
    await working
    await thread.close(last)  # again
    assert order == ["work", "last"]


async def test_a_loop_that_has_ended_harms_nobody(thread):
    begun, go_on = threading.Event(), threading.Event()

    async def work():
        begun.set()
        await asyncio.to_thread(go_on.wait)

    async def give_up():
        thread.submit(work)
        await asyncio.to_thread(begun.wait)

    await asyncio.to_thread(asyncio.run, give_up())
    go_on.set()
    await thread.submit(nothing)
