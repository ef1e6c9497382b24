"""Transactions that a test holds open, and verbs that run into them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from cooee.storage.postgres.store import PostgreSQL
from cooee.storage.postgres.transaction import Transaction


@asynccontextmanager
async def held_open(
    store: PostgreSQL, verb: Callable[[Transaction], Awaitable[Any]]
) -> AsyncIterator[None]:
    """Run a verb of a store up to its commit, which comes at the end of the block."""
    loop, is_there, may_commit = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    async def stop_before_commit(transaction: Transaction) -> None:
        await verb(transaction)
        loop.call_soon_threadsafe(is_there.set)
        await asyncio.to_thread(may_commit.wait)

    running = store._session.write(stop_before_commit)
    running.add_done_callback(lambda _: is_there.set())
    await is_there.wait()
    try:
        yield
    finally:
        may_commit.set()
        await running


async def until_blocked(
    connection: asyncpg.Connection, running: asyncio.Future[Any] | None = None
) -> None:
    """Wait until another connection to the database waits for a lock.

    Raises:
        AssertionError: `running` is done, so it waited for nobody.
    """
    waiting = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    while not await connection.fetchval(waiting):
        assert running is None or not running.done(), "It waits for no lock."
        await asyncio.sleep(0.005)
