"""The turn engine beside the same SQL in a loop: texts a second, at batches of 1 to 256.

    python benchmarks/turns.py [--seconds 3] [--batches 1,16,64,256]

Both do all of it for every text, on SQLite with synchronous=FULL: receive → claim → handler →
finish → take → record. The raw loop executes the statements of the store's verbs, recorded from
the verbs themselves, with plain `sqlite3` in the verbs' transactions; ours runs the real intake,
worker and sender with a provider that answers at once. Batch B means that B people have a text
under way at any time. Texts a second wait for the disk; on a machine that does other work the share
of the CPU time says more.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import uvloop
from history import write_result
from raw_statements import OURS, Recording, connected, person, turns

from cooee import App, Chat
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.providers import Accepted, Credentials, Features, Subscription
from cooee.runtime.service import Service
from cooee.storage.sqlite.store import SQLite

PEOPLE = 50_000
SLICES = 3  # of each measurement, in turns; the best counts


class Instant:
    """A provider without a network: every text is accepted before it is sent."""

    name = "instant"
    settings = ()

    def __init__(self, concurrency: int) -> None:
        self.features = Features(
            polling=None, push=True, receipts="none", max_text=1600, concurrency=concurrency
        )

    def login(self):
        return Credentials("none")
        yield

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        return Subscription(OURS, "elsewhere")
        yield

    def send(self, outbound, credentials):
        return Accepted(outbound.id)
        yield


class Rate(NamedTuple):
    """How fast texts go: on the clock, and by the CPU time of all threads."""

    texts_per_s: float
    cpu_us: float


@dataclass
class Count:
    texts: int = 0


def counting() -> App[Count]:
    app = App(state=Count)

    @app.otherwise
    def count(chat: Chat[Count]) -> str:
        chat.state.texts += 1
        return f"That was text {chat.state.texts}."

    return app


async def ours(folder: Path, batch: int, seconds: float) -> Rate:
    clock = RealClock()
    store = Watched(await SQLite.open(folder / "ours.db", now=clock.now))
    service = Service(counting(), Instant(batch), store, InProcessClient(clock, {}), clock)
    done = 0
    async with service:
        await service.connect()
        began, cpu_before = time.perf_counter(), time.process_time()
        people = 0
        while time.perf_counter() - began < seconds:
            now = clock.now()
            texts = [
                Inbound(
                    sender=person((people + n) % PEOPLE),
                    recipient=OURS,
                    text="hello",
                    received_at=now,
                    key=str(people + n),
                )
                for n in range(batch)
            ]
            people += batch
            await service.parts.inbound_receiver.receive(texts)
            await store.recorded(done + batch)
            done += batch
        took, cpu_s = time.perf_counter() - began, time.process_time() - cpu_before
    return Rate(done / took, 1e6 * cpu_s / done)


class Watched:
    """A store that says when so many texts are recorded."""

    def __init__(self, store: SQLite) -> None:
        self._store, self._count, self._target = store, 0, 0
        self._reached = asyncio.Event()

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    async def record_results(self, results) -> None:
        await self._store.record_results(results)
        self._count += len(results)
        if self._count >= self._target:
            self._reached.set()

    async def recorded(self, target: int) -> None:
        self._target = target
        self._reached.clear()
        await self._reached.wait()


async def recorded(folder: Path, batch: int, seconds: float) -> Recording:
    """Record the statements of the store's verbs, for as many texts as they manage in a while."""
    recording, clock = Recording(), RealClock()
    store = await SQLite.open(folder / "recorded.db", now=clock.now)
    try:
        with recording.record():
            count, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                people = [person((count + n) % PEOPLE) for n in range(batch)]
                await turns(store, people, count, clock.now)
                count += batch
    finally:
        await store.close()
    recording.text_count = count
    return recording


def raw(folder: Path, recording: Recording) -> Rate:
    """Execute the same statements with nothing around them."""
    uvloop.run(new_file(folder / "raw.db"))
    with contextlib.closing(connected(folder / "raw.db")) as connection:
        began, cpu_before = time.perf_counter(), time.process_time()
        recording.run_again(connection)
        took, cpu_s = time.perf_counter() - began, time.process_time() - cpu_before
    return Rate(recording.text_count / took, 1e6 * cpu_s / recording.text_count)


async def new_file(path: Path) -> None:
    await (await SQLite.open(path, now=RealClock().now)).close()


def rows(batches: list[int], seconds: float) -> Iterator[tuple[int, Rate, Rate]]:
    for batch in batches:
        plain, with_us = [], []
        for _ in range(SLICES):
            with tempfile.TemporaryDirectory(dir=".") as folder:
                recording = uvloop.run(recorded(Path(folder), batch, seconds / SLICES))
                plain.append(raw(Path(folder), recording))
                with_us.append(uvloop.run(ours(Path(folder), batch, seconds / SLICES)))
        yield batch, best(plain), best(with_us)


def best(rates: Sequence[Rate]) -> Rate:
    return Rate(max(one.texts_per_s for one in rates), min(one.cpu_us for one in rates))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--batches", default="1,16,64,256")
    parser.add_argument("--json", type=Path)
    told, shares = parser.parse_args(), {}
    print(f"{'':>6}{'texts a second':>28}{'CPU µs a text':>29}")
    print(f"{'batch':>6}" + f" {'raw SQL':>10} {'cooee':>9} {'share':>7}" * 2)
    for batch, plain, with_us in rows([int(b) for b in told.batches.split(",")], told.seconds):
        share, cpu_share = with_us.texts_per_s / plain.texts_per_s, plain.cpu_us / with_us.cpu_us
        shares[f"beside its own SQL, batch {batch}"] = share
        shares[f"CPU beside its own SQL, batch {batch}"] = cpu_share
        rates = f" {plain.texts_per_s:>10,.0f} {with_us.texts_per_s:>9,.0f} {share:>7.0%}"
        cpu = f" {plain.cpu_us:>10,.0f} {with_us.cpu_us:>9,.0f} {cpu_share:>7.0%}"
        print(f"{batch:>6}{rates}{cpu}", flush=True)
    write_result(told.json, shares=shares)


if __name__ == "__main__":
    main()
