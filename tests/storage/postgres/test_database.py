"""A verb is written once: whatever it clashes with, and wherever its connection breaks."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from support.cut_proxy import CutProxy
from support.open_transactions import until_blocked
from support.postgres import start_postgres

from cooee.core.errors import StorageError, StoreUnavailable
from cooee.storage.postgres.connections import read_address
from cooee.storage.postgres.database import Database
from cooee.storage.postgres.store import PostgreSQL
from cooee.testing.store_suite import ManualClock, StoreHarness


@pytest.fixture
async def database(migrated_url):
    database = Database(read_address(migrated_url), lambda: 1_000)
    yield database
    await database.connections.close()


@pytest.fixture
async def proxy(migrated_url):
    async with CutProxy(migrated_url) as proxy:
        yield proxy


@pytest.fixture
async def remote(proxy):
    """A database behind the proxy."""
    database = Database(read_address(proxy.url), lambda: 1_000)
    yield database
    await database.connections.close()


class Adding:
    """A verb that adds a row; counts its runs."""

    def __init__(self, name="n"):
        self.name, self.runs = name, 0

    async def __call__(self, transaction):
        self.runs += 1
        await transaction.connection.execute(
            "insert into media_to_erase values ($1)", f"{self.name}{self.runs}"
        )
        return self.runs


async def rows(url):
    connection = await asyncpg.connect(url)
    try:
        return [
            path
            for (path,) in await connection.fetch(
                "select path from cooee.media_to_erase order by path"
            )
        ]
    finally:
        await connection.close()


async def test_a_verb_that_is_through_is_written(database, migrated_url):
    assert await database.write(Adding()) == 1
    assert await rows(migrated_url) == ["n1"]


async def test_a_verb_that_raises_leaves_nothing_and_a_connection_in_use(database, migrated_url):
    async def fail(transaction):
        await Adding()(transaction)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.write(fail)
    assert await rows(migrated_url) == []
    await database.write(Adding())


async def test_the_answer_to_a_commit_is_lost_and_the_verb_is_through(proxy, remote, migrated_url):
    proxy.lose_answer_to = b"commit\0"
    verb = Adding()
    assert await remote.write(verb) == 1
    assert verb.runs == 1
    assert await rows(migrated_url) == ["n1"]


async def test_a_commit_that_never_came_is_made_again(proxy, remote, migrated_url):
    proxy.lose_request = b"commit\0"
    verb = Adding()
    assert await remote.write(verb) == 2
    assert await rows(migrated_url) == ["n2"]


@pytest.mark.parametrize("is_first", [True, False], ids=["of a new connection", "of one in use"])
async def test_a_commit_that_is_still_on_its_way_is_waited_for(proxy, remote, aside, is_first):
    """The client's end is cut; the server's is not, and its transaction not over."""
    if not is_first:
        await remote.write(Adding("before"))
    proxy.delay_request, verb = b"commit\0", Adding()
    writing = asyncio.create_task(remote.write(verb))
    await until_blocked(aside, writing)
    proxy.may_arrive.set()
    assert await writing == 1
    assert verb.runs == 1


async def test_the_end_of_a_commit_is_asked_for_until_the_network_is_back(
    proxy, remote, migrated_url
):
    await remote.read(lambda one: one.connection.fetchval("select 1"))
    proxy.lose_answer_to = b"commit\0"
    proxy.is_down = True
    before = proxy.connection_count
    writing = asyncio.create_task(remote.write(Adding()))
    while proxy.connection_count < before + 2:  # two questions went nowhere
        await asyncio.sleep(0.01)
    assert not writing.done()
    proxy.is_down = False
    assert await writing == 1
    assert await rows(migrated_url) == ["n1"]


async def test_after_a_crash_no_transaction_is_taken_for_another():
    """The server gives the id of a transaction that a crash has lost to another one."""
    with start_postgres({"synchronous_commit": "on"}) as server:
        url = server.url(await server.create_database())
        await (await PostgreSQL.open(url, now=ManualClock(), owner=False)).close()
        async with CutProxy(url) as proxy:
            remote, verb = Database(read_address(proxy.url), lambda: 1_000), Adding()
            await remote.read(lambda one: one.connection.fetchval("select 1"))
            before, proxy.lose_request = proxy.connection_count, b"commit\0"
            proxy.is_down = True
            writing = asyncio.create_task(remote.write(verb))
            while proxy.connection_count == before:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.restart)
            others = Database(read_address(url), lambda: 1_000)
            for n in range(50):
                await others.write(Adding(f"other{n}-"))
            proxy.is_down = False
            assert await writing == 2
        assert [row for row in await rows(url) if not row.startswith("other")] == ["n2"]
        for database in (remote, others):
            await database.connections.close()


async def test_a_process_that_ends_waits_for_no_server_that_is_away(proxy, clock):
    store = await PostgreSQL.open(proxy.url, now=clock)
    harness = StoreHarness(store, clock)
    before = proxy.connection_count
    proxy.lose_answer_to = b"commit\0"
    proxy.is_down = True
    receiving = asyncio.create_task(harness.receive("hello"))
    while proxy.connection_count < before + 2:
        await asyncio.sleep(0.01)
    await store.close()
    with pytest.raises(StoreUnavailable, match="shows at the next start"):
        await receiving


async def test_a_connection_that_breaks_before_the_commit_has_written_nothing(
    proxy, remote, migrated_url
):
    proxy.lose_answer_to = b"insert into media_to_erase"
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        await remote.write(Adding())
    assert await rows(migrated_url) == []
    assert await remote.write(Adding()) == 1


async def test_a_driver_that_has_lost_its_place_is_a_lost_connection(database, migrated_url):
    """As asyncpg is at times, where statement time-outs hit it in the middle of another answer."""
    adding = Adding()

    async def confused(transaction):
        await adding(transaction)
        raise asyncpg.InternalClientError("got result for unknown protocol state 3")

    with pytest.raises(StoreUnavailable):
        await database.write(confused)
    assert await rows(migrated_url) == []
    assert await database.write(adding) == 2


async def test_a_server_that_is_away_is_said_to_be(proxy, remote):
    proxy.is_down = True
    with pytest.raises(StoreUnavailable, match="see whether the server runs"):
        await remote.write(Adding())
    with pytest.raises(StoreUnavailable):
        await remote.read(Adding())


async def test_of_two_verbs_in_a_deadlock_one_runs_again(database, migrated_url):
    """40P01: each has the row that the other wants."""
    await database.write(Adding("a"))
    await database.write(Adding("b"))
    both_have_one, runs = asyncio.Barrier(2), []

    def changing(first, second):
        async def change(transaction):
            runs.append(first)
            await transaction.connection.execute("set local deadlock_timeout = '10ms'")
            statement = "update media_to_erase set path = path || '!' where path like $1"
            await transaction.connection.execute(statement, f"{first}%")
            if len(runs) <= 2:
                await both_have_one.wait()
            await transaction.connection.execute(statement, f"{second}%")

        return change

    await asyncio.gather(database.write(changing("a", "b")), database.write(changing("b", "a")))
    assert len(runs) >= 3
    assert await rows(migrated_url) == ["a1!!", "b1!!"]


async def test_a_verb_whose_snapshot_is_out_of_date_runs_again(database, migrated_url):
    """40001: another verb has changed the row since the snapshot."""
    await database.write(Adding("a"))
    runs = []

    async def change(transaction):
        await transaction.connection.execute("set transaction isolation level repeatable read")
        seen = await transaction.connection.fetchval("select path from media_to_erase")
        runs.append(seen)
        if len(runs) == 1:
            await database.write(
                lambda one: one.connection.execute("update media_to_erase set path = 'b'")
            )
        await transaction.connection.execute("update media_to_erase set path = path || '!'")

    await database.write(change)
    assert runs == ["a1", "b"]
    assert await rows(migrated_url) == ["b!"]


async def test_a_verb_that_meets_a_row_stored_meanwhile_runs_again(database):
    """23505: another verb has stored what this verb did not see."""
    runs = []

    async def add(transaction):
        seen = await transaction.connection.fetch("select from media_to_erase")
        runs.append(len(seen))
        if not seen:
            await database.write(Adding("n"))
            await transaction.connection.execute("insert into media_to_erase values ('n1')")

    await database.write(add)
    assert runs == [0, 1]


async def test_a_verb_that_clashes_for_ever_fails_with_the_servers_words(database):
    async def clash(transaction):
        raise asyncpg.DeadlockDetectedError("deadlock detected")

    with pytest.raises(StorageError, match="The database refused: deadlock detected"):
        await database.write(clash)


async def test_a_statement_that_is_wrong_is_no_reason_to_wait(database):
    with pytest.raises(StorageError, match="The database refused") as raised:
        await database.write(lambda one: one.connection.execute("select nonsense"))
    assert not isinstance(raised.value, StoreUnavailable)


async def test_a_read_writes_nothing(database):
    with pytest.raises(StorageError, match="read-only"):
        await database.read(Adding())


async def test_all_connections_are_in_use_and_the_next_verb_waits(migrated_url):
    database = Database(read_address(f"{migrated_url}&pool_size=2"), lambda: 1_000)
    inside, peak, release = 0, 0, asyncio.Event()

    async def stay(transaction):
        nonlocal inside, peak
        inside += 1
        peak = max(peak, inside)
        await release.wait()
        inside -= 1

    running = [asyncio.create_task(database.write(stay)) for _ in range(5)]
    while inside < 2:
        await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*running)
    assert peak == 2
    await database.connections.close()


async def test_behind_a_pooler_the_settings_come_with_each_transaction(migrated_url):
    database = Database(read_address(f"{migrated_url}&pgbouncer=1"), lambda: 1_000)
    settings = await database.read(
        lambda one: one.connection.fetchrow(
            "select current_setting('search_path'), current_setting('enable_seqscan'),"
            " current_setting('plan_cache_mode')"
        )
    )
    assert tuple(settings) == ("cooee", "off", "force_generic_plan")
    await database.write(Adding())
    await database.connections.close()
