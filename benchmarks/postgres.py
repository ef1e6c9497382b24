"""PostgreSQL: the store's verbs and the turn engine beside their own SQL; and many processes.

    python benchmarks/postgres.py [--seconds 3] [--batches 1,16,64] [--processes 1,2,4] [--url …]

All do all of it for every text, on one server with its defaults (every commit waits for the disk):
receive and claim → handler → finish and take → record. The raw loop executes the statements of the
store's verbs, recorded from the verbs themselves, with plain `asyncpg` in the verbs' transactions;
`verbs` awaits the verbs one after the other; `cooee` runs the real intake, worker and sender with a
provider that answers at once. Batch B means that B people have a text under way at any time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import uvloop
from history import write_result
from peer_programs.postgres import postgres
from raw_statements import OURS, person, turns
from turns import PEOPLE, Instant, Watched, counting

from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.providers import Subscription
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage.postgres.connections import Connections, read_address
from cooee.storage.postgres.store import PostgreSQL
from cooee.storage.postgres.transaction import _STATEMENTS, Transaction

SLICES = 3  # of each measurement, in turns; the best counts


class OwnNumber(Instant):
    """A provider with a number for each process: one process at a time sends for a number."""

    def __init__(self, concurrency: int, number: str) -> None:
        super().__init__(concurrency)
        self._number = number

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        return Subscription(self._number, "elsewhere")
        yield


class Recording:
    """Transactions, each a list of statements with their parameters."""

    def __init__(self) -> None:
        self.transactions: list[list[tuple[str, Sequence[Any]]]] = []
        self.text_count = 0

    @contextlib.contextmanager
    def record(self) -> Iterator[None]:
        """Note the statements of a block, in which each verb is awaited alone."""
        own = {name: getattr(Transaction, name) for name in ("fetch", "fetch_row", "execute")}
        last: list[Transaction] = []

        def noting(method: Any) -> Any:
            def note(transaction: Transaction, name: str, *parameters: object) -> Any:
                if name in {"beat", "bury_workers"}:
                    return method(transaction, name, *parameters)
                if not last or last[0] is not transaction:
                    self.transactions.append([])
                    last[:] = [transaction]
                self.transactions[-1].append((_STATEMENTS[name], parameters))
                return method(transaction, name, *parameters)

            return note

        for name, method in own.items():
            setattr(Transaction, name, noting(method))
        try:
            yield
        finally:
            for name, method in own.items():
                setattr(Transaction, name, method)

    async def run_again(self, connection: asyncpg.Connection) -> None:
        """Execute everything that was recorded."""
        for statements in self.transactions:
            await connection.execute("begin")
            for sql, parameters in statements:
                await connection.fetch(sql, *parameters)
            await connection.execute("commit")


async def new_database(server: str, name: str) -> str:
    connection = await asyncpg.connect(server)
    await connection.execute(f"drop database if exists {name}")
    await connection.execute(f"create database {name}")
    await connection.close()
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


async def verbs(server: str, batch: int, seconds: float) -> tuple[Recording, float]:
    """Await the store's verbs for a while; return their statements, and the texts a second."""
    recording, clock = Recording(), RealClock()
    store = await PostgreSQL.open(await new_database(server, "verbs"), now=clock.now)
    with recording.record():
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            await turns(
                store, [person((count + n) % PEOPLE) for n in range(batch)], count, clock.now
            )
            count += batch
        took = time.perf_counter() - began
    await store.close()
    recording.text_count = count
    return recording, count / took


async def raw(server: str, recording: Recording) -> float:
    """Execute the same statements with nothing around them; return the texts a second."""
    url = await new_database(server, "raw")
    await (await PostgreSQL.open(url, now=RealClock().now, owner=False)).close()
    connections = Connections(read_address(url))
    connection = await connections.connect()
    worker = "insert into workers values ($1, '', '', now(), now() + interval '1 day')"
    await connection.execute(worker, 1)
    began = time.perf_counter()
    await recording.run_again(connection)
    took = time.perf_counter() - began
    await connection.close()
    return recording.text_count / took


async def ours(url: str, batch: int, seconds: float, number: str = OURS) -> tuple[float, float]:
    """Run the engine; return the texts a second, and the CPU of this process, in µs a text."""
    clock = RealClock()
    store = Watched(await PostgreSQL.open(url, now=clock.now))
    provider = OwnNumber(batch, number)
    # Another process may play a turn whose reply this one sends.
    options = ServiceOptions(shared=True)
    client = InProcessClient(clock, {})
    service = Service(counting(), provider, store, client, clock, options=options)
    done = 0
    async with service:
        await service.connect()
        began, cpu = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            texts = [
                Inbound(
                    sender=person((done + n) % PEOPLE),
                    recipient=number,
                    text="hello",
                    received_at=clock.now(),
                    key=str(done + n),
                )
                for n in range(batch)
            ]
            await service.parts.inbound_receiver.receive(texts)
            await store.recorded(done + batch)
            done += batch
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return done / took, cpu / done * 1e6


def many(server: str, count: int, seconds: float) -> float:
    """Run the engine in several processes, at batch 64; return the texts a second of all."""
    url = asyncio.run(new_database(server, "many"))
    asyncio.run(_make_schema(url))
    command = [sys.executable, __file__, "--worker", url, "--seconds", str(seconds), "--number"]
    processes = [
        subprocess.Popen([*command, f"+614915700{n:02}"], stdout=subprocess.PIPE, text=True)
        for n in range(count)
    ]
    return sum(float(process.communicate()[0]) for process in processes)


async def _make_schema(url: str) -> None:
    await (await PostgreSQL.open(url, now=RealClock().now, owner=False)).close()


async def measure(server: str, batch: int, seconds: float) -> list[float]:
    """Return the best of the raw loop, the verbs and the engine, and the engine's CPU a text."""
    best = [0.0, 0.0, 0.0, 1e9]
    for _ in range(SLICES):
        recording, with_verbs = await verbs(server, batch, seconds / SLICES)
        plain = await raw(server, recording)
        url = await new_database(server, "engine")
        with_us, cpu = await ours(url, batch, seconds / SLICES)
        best = [*map(max, best, (plain, with_verbs, with_us)), min(best[3], cpu)]
    return best


@contextlib.contextmanager
def server_of(url: str, core: int) -> Iterator[str]:
    """Yield the URL of a server: the one that is named, or one of our own on a core of its own."""
    if url:
        yield url
        return
    with (
        tempfile.TemporaryDirectory(prefix="cooee-bench-") as folder,
        postgres(Path(folder), core) as (own, _),
    ):
        yield own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--batches", default="1,16,64")
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--core", type=int, default=0, help="of the server")
    parser.add_argument("--url", default="", help="of another server's database, postgres")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--number", default=OURS, help=argparse.SUPPRESS)
    told, shares = parser.parse_args(), {}
    if told.worker:
        print(uvloop.run(ours(told.worker, 64, told.seconds, told.number))[0])
        return
    with server_of(told.url, told.core) as server:
        print(
            f"{'batch':>6} {'raw SQL':>9} {'verbs':>9} {'cooee':>9} {'share':>6} {'CPU a text':>11}"
        )
        for batch in map(int, told.batches.split(",")):
            plain, with_verbs, with_us, cpu = uvloop.run(measure(server, batch, told.seconds))
            shares[f"PostgreSQL: verbs beside their SQL, batch {batch}"] = with_verbs / plain
            shares[f"PostgreSQL: cooee beside its SQL, batch {batch}"] = with_us / plain
            print(
                f"{batch:>6} {plain:>9,.0f} {with_verbs:>9,.0f} {with_us:>9,.0f}"
                f" {with_us / plain:>6.0%} {cpu:>8,.0f} µs"
            )
        for count in map(int, filter(None, told.processes.split(","))):
            print(f"{count:>6} processes: {many(server, count, told.seconds):,.0f} texts a second")
    write_result(told.json, shares=shares)


if __name__ == "__main__":
    main()
