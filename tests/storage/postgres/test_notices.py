"""Processes hear of each other's work: soon by a notice, or later by a slow look."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from cooee.core.messages import Status
from cooee.storage.postgres import notices
from cooee.storage.postgres.notices import Notices


def listening(harness):
    """Return an event that is set when a harness's process hears of others."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    harness.store.listen(lambda: loop.call_soon_threadsafe(heard.set))
    return heard


@pytest.fixture
async def both(here, there):
    """Two harnesses whose processes listen by now."""
    await asyncio.gather(*(is_listening(one) for one in (here, there)))
    return here, there


async def is_listening(harness):
    channels = "select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%'"
    while len(await harness.store._session.read(lambda one: one.connection.fetch(channels))) < 2:
        await asyncio.sleep(0.01)


async def test_a_process_hears_of_a_text_that_another_stored(both):
    here, there = both
    heard = listening(there)
    await there.store.changed_externally()
    await here.receive("hello")
    await heard.wait()
    assert await there.store.changed_externally()


async def test_a_process_does_not_hear_itself(both, monkeypatch):
    monkeypatch.setattr(notices, "_SLOW_LOOK_S", 1e9)
    here, there = both
    heard, own = listening(there), listening(here)
    await here.store.changed_externally()
    await here.receive("hello")
    await heard.wait()
    assert not own.is_set()
    assert not await here.store.changed_externally()


async def test_what_nobody_else_can_do_is_no_news(both, monkeypatch):
    """A text that is claimed as it is stored, and a reply that is taken as it is said."""
    told = []
    here, _ = both
    monkeypatch.setattr(here.store._session._notices, "tell", lambda: told.append(1))
    [received] = await here.store.receive([here.new_inbound("hello")], claim_limit=1)
    assert told == []
    await here.store.claim(5)
    assert told == []
    await here.finish(received.claim, "reply")
    assert told == [1], "the reply is to be taken by whoever sends for the number"
    sent = await here.take_one()
    await here.record(sent, Status.ACCEPTED, provider_id="1")
    assert told == [1]
    assert await here.store.hold_number("+1", "poller") > 0


async def test_a_slow_look_stands_behind_notices(here, monkeypatch):
    monkeypatch.setattr(notices, "_SLOW_LOOK_S", 1e9)
    while await here.store.changed_externally():  # until it has heard that it listens
        await asyncio.sleep(0.01)
    monkeypatch.setattr(notices, "_SLOW_LOOK_S", 0.0)
    assert await here.store.changed_externally()


class CountingDatabase:
    """A database that counts notices."""

    def __init__(self):
        self.connections, self.worker, self.count = self, 1, 0

    async def acquire(self):
        return self

    def release(self, connection):
        pass

    async def execute(self, *_):
        self.count += 1


async def test_many_commits_are_one_notice_in_a_twentieth_of_a_second(monkeypatch):
    database, pauses = CountingDatabase(), []
    may_go_on = asyncio.Event()

    async def sleep(seconds):
        pauses.append(seconds)
        await may_go_on.wait()

    monkeypatch.setattr(notices.asyncio, "sleep", sleep)
    told = Notices(database)
    sending = asyncio.create_task(told._send())
    for _ in range(1000):
        told.tell()
        await settle()
    assert (database.count, pauses) == (1, [0.05])
    may_go_on.set()
    await settle()
    assert database.count == 2
    sending.cancel()


async def settle():
    """Let all tasks run that can."""
    for _ in range(10):
        turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turn.set_result, None)
        await turn


@pytest.mark.parametrize(("is_deaf", "expected"), [(False, [False, True]), (True, [True, True])])
async def test_behind_a_pooler_the_slow_look_comes_sooner(monkeypatch, is_deaf, expected):
    monkeypatch.setattr(notices, "_SLOW_LOOK_S", 1e9)
    monkeypatch.setattr(notices, "_SLOW_LOOK_UNHEARD_S", 0)
    address = SimpleNamespace(behind_pgbouncer=is_deaf)
    heard = Notices(SimpleNamespace(connections=SimpleNamespace(address=address)))
    assert heard.take_news()  # the first look finds all that was there before
    looks = [heard.take_news()]
    monkeypatch.setattr(notices, "_SLOW_LOOK_S", 0)
    assert [*looks, heard.take_news()] == expected
