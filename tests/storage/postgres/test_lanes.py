"""A lane: what callers bring while a batch is under way goes together into the next."""

from __future__ import annotations

import asyncio

import pytest

from cooee.core.errors import StorageError, StoreUnavailable
from cooee.storage.postgres.lanes import Lane


class Verb:
    """Doubles numbers; refuses 13 and, while the server is away, everything. Stops where told to."""

    def __init__(self):
        self.batches, self.is_away = [], False
        self.permits = asyncio.Semaphore(100)  # for how many batches it goes on

    async def __call__(self, items):
        self.batches.append(list(items))
        await self.permits.acquire()
        if self.is_away:
            raise StoreUnavailable("away")
        if 13 in items:
            raise StorageError("13 is refused")
        return [2 * item for item in items]


@pytest.fixture
def verb():
    return Verb()


@pytest.fixture
def lane(verb):
    return Lane(verb)


def release(verb):
    for _ in range(10):
        verb.permits.release()


async def start(*coroutines):
    tasks = [asyncio.create_task(one) for one in coroutines]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_one_caller_waits_for_nobody(lane, verb):
    assert await lane.call([1, 2]) == [2, 4]
    assert verb.batches == [[1, 2]]


async def test_no_item_is_no_transaction(lane, verb):
    assert await lane.call([]) == []
    assert verb.batches == []


async def test_what_comes_meanwhile_is_one_batch_and_each_caller_gets_its_own(lane, verb):
    verb.permits = asyncio.Semaphore(0)
    first = await start(lane.call([1]))
    rest = await start(lane.call([2, 3]), lane.call([4]), lane.call([5]))
    release(verb)
    assert await asyncio.gather(*first, *rest) == [[2], [4, 6], [8], [10]]
    assert verb.batches == [[1], [2, 3, 4, 5]]


async def test_the_first_caller_goes_while_others_keep_coming(lane, verb):
    verb.permits = asyncio.Semaphore(0)
    [first] = await start(lane.call([1]))
    [second] = await start(lane.call([2]))
    verb.permits.release()
    assert await first == [2]
    assert not second.done()
    verb.permits.release()
    assert await second == [4]


async def test_a_batch_that_fails_fails_only_the_faulty_caller(lane, verb):
    verb.permits = asyncio.Semaphore(0)
    first = await start(lane.call([1]))
    rest = await start(lane.call([2]), lane.call([13]), lane.call([4]))
    release(verb)
    results = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert [str(result) for result in results] == ["[2]", "[4]", "13 is refused", "[8]"]
    assert verb.batches == [[1], [2, 13, 4], [2], [13], [4]]


async def test_where_the_server_is_away_nobody_is_tried_again_alone(lane, verb):
    verb.permits = asyncio.Semaphore(0)
    first = await start(lane.call([1]))
    rest = await start(lane.call([2]), lane.call([3]))
    verb.is_away = True
    release(verb)
    results = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert verb.batches == [[1], [2, 3]]
    verb.is_away = False
    assert await lane.call([4]) == [8]


async def test_a_batch_has_an_end(lane, verb):
    verb.permits = asyncio.Semaphore(0)
    first = await start(lane.call([1]))
    rest = await start(*(lane.call([2] * 100) for _ in range(4)))
    release(verb)
    await asyncio.gather(*first, *rest)
    assert [len(batch) for batch in verb.batches] == [1, 300, 100]
