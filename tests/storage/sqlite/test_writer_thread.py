"""The store's thread serves several event loops, each in its own thread."""

import asyncio
import threading

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.errors import StorageError
from cooee.storage.sqlite.store import SQLite


async def test_callers_of_two_loops_are_answered_each_in_its_own(tmp_path):
    async with asyncio.timeout(60):
        store = await SQLite.open(tmp_path / "two.db", now=RealClock().now)
        threads = [], []

        async def write(name, seen):
            for n in range(200):
                await store.add_our_number(f"{name}{n}")
                seen.append(threading.get_ident())

        other = threading.Thread(target=lambda: asyncio.run(write("+612", threads[1])))
        other.start()
        await write("+613", threads[0])
        await asyncio.to_thread(other.join)
        assert len(await store.our_numbers()) == 400
        await store.close()
    assert set(threads[0]) == {threading.get_ident()}
    assert set(threads[1]) == {other.ident}


async def test_whoever_calls_a_store_as_it_closes_is_answered(tmp_path):
    store = await SQLite.open(tmp_path / "closing.db", now=RealClock().now)
    refused = []

    async def write_until_refused():
        with pytest.raises(StorageError, match="closed"):
            while True:
                await store.add_our_number("+61491570006")
        refused.append(True)

    others = [threading.Thread(target=lambda: asyncio.run(write_until_refused())) for _ in range(4)]
    for other in others:
        other.start()
    await store.add_our_number("+61491570006")
    await store.close()
    for other in others:
        await asyncio.to_thread(other.join, 60)
    assert len(refused) == len(others), "and nobody waits for ever"
