"""A cluster under faults: real processes, a real server, and the simulator as witness (law 7).

`COOEE_PROOF=1000 pytest -s tests/scenarios/cluster` plants 1,000 faults among 200 people, and prints
how many of each kind there were.
"""

import asyncio
import os
import random
import signal
from collections import Counter

import asyncpg
import pytest
from support.cluster.cluster import Person, cluster
from support.postgres import start_postgres

pytestmark = pytest.mark.slow

FAULTS = min(int(os.environ.get("COOEE_PROOF", "0")), 1_000)
PEOPLE = 200 if FAULTS else 24
FOR_EVER = 1_000_000  # orders: a person goes on until the last fault
PAST_THE_LEASE_S = 7
SERVER_SETTINGS = {"synchronous_commit": "on", "max_connections": "60"}


async def kill(cluster, chance):
    """A process is killed, and another takes its place."""
    await chance.choice(cluster.processes).end(signal.SIGKILL)


async def restart(cluster, chance):
    """A process ends at SIGTERM, and another takes its place."""
    await chance.choice(cluster.processes).end(signal.SIGTERM)


async def stop_past_the_lease(cluster, chance):
    """A process stands still until others have its work, and goes on as if nothing were."""
    process = chance.choice(cluster.processes)
    process.send(signal.SIGSTOP)
    await asyncio.sleep(PAST_THE_LEASE_S)
    process.send(signal.SIGCONT)


async def crash_the_server(cluster, chance):
    """The database ends without a word, and recovers."""
    await asyncio.to_thread(cluster.server.restart, signal.SIGQUIT)


async def cut_the_network(cluster, chance):
    """The network between a process and the database is gone for a while."""
    proxy = chance.choice(cluster.processes).proxy
    proxy.is_down = True
    proxy.cut()
    await asyncio.sleep(chance.choice([0, 0.5, 3, PAST_THE_LEASE_S]))
    proxy.is_down = False


async def lose_answers_to_commits(cluster, chance):
    """The database commits, and nobody hears of it."""
    proxy = chance.choice(cluster.processes).proxy
    proxy.commits_to_lose = chance.randint(1, 4)
    for _ in range(100):
        if not proxy.commits_to_lose:
            break
        await asyncio.sleep(0.05)
    proxy.commits_to_lose = 0


async def refuse_writes(cluster, chance):
    """The server is read-only for a while, as after a failover to the wrong one."""
    await set_for_a_while(cluster, "default_transaction_read_only = on")


async def stop_statements(cluster, chance):
    """Every statement of more than a millisecond is cancelled for a while."""
    await set_for_a_while(cluster, "statement_timeout = 1")


async def set_for_a_while(cluster, setting):
    await cluster.execute(f"alter system set {setting}")
    await cluster.execute("select pg_reload_conf()")
    await asyncio.sleep(1)
    await cluster.execute("alter system reset all")
    await cluster.execute("select pg_reload_conf()")


async def take_every_connection(cluster, chance):
    """Somebody else uses all connections that are left; a process that comes anew gets none."""
    taken = []
    try:
        while True:
            taken.append(await asyncpg.connect(cluster.server.url(cluster.database)))
    except asyncpg.PostgresError:
        process = chance.choice(cluster.processes)
        process.proxy.cut()
        await asyncio.sleep(1)
    for connection in taken:
        await connection.close()


KINDS = [
    kill,
    restart,
    stop_past_the_lease,
    crash_the_server,
    cut_the_network,
    lose_answers_to_commits,
    refuse_writes,
    stop_statements,
    take_every_connection,
]


@pytest.fixture(scope="module")
def server():
    with start_postgres(SERVER_SETTINGS) as own:
        yield own


async def test_no_fault_loses_doubles_or_disorders_a_text(tmp_path, server):
    chance, planted = random.Random(PEOPLE), Counter()
    async with cluster(tmp_path, server) as house:
        for n in range(4):  # of which one has a clock that is an hour fast
            await house.add_process(CLOCK_IS_OFF_BY_HOURS=str(n // 3))
        await house.until(house.number)
        house.people = [Person(f"+614915799{n:03}", FOR_EVER) for n in range(PEOPLE)]
        texting = asyncio.create_task(house.text_for_ever())
        for n in range(FAULTS or len(KINDS)):
            kind = KINDS[n] if n < len(KINDS) else chance.choice(KINDS)
            await kind(house, chance)
            planted[kind.__name__] += 1
            await asyncio.sleep(chance.uniform(0, 0.5))
        for person in house.people:
            person.rounds = person.begun
        try:
            await house.until(lambda: house.is_over)
        except AssertionError:
            print(await house.unfinished())
            raise
        texting.cancel()
        processes = house.processes
        await house.stop()
        for person in house.people:
            assert house.screen(person) == person.whole()
        rounds = sum(person.begun for person in house.people)
        print(dict(planted), f"{rounds * 3} replies to {rounds * 3} texts")
        for process in processes:
            assert process.exits[-1] == 0
            assert " critical " not in process.log.read_text(), "no part of a process ended"
        doubts = await house.execute("select count(*) from outbound where status in (0, 1, 2)")
        assert doubts[0][0] == 0
        tokens = Counter(line.split()[1] for line in (tmp_path / "ledger").read_text().splitlines())
        assert len(tokens) == rounds, "one token an order, however often it was tried"
