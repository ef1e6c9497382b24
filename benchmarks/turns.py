"""The turn engine beside the same SQL in a loop: texts a second, at batches of 1 to 256.

    python benchmarks/turns.py [--seconds 3] [--batches 1,16,64,256]

Both do all of it for every text, on SQLite with synchronous=FULL: receive → claim → handler →
finish → take → record. The raw loop runs the store's own statements with plain `sqlite3`, one
transaction a verb and batch; ours runs the real intake, worker and sender with a provider that
answers at once. Batch B means that B people have a text under way at any time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop
from history import write_result

from cooee import App, Chat
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound, conversation_id
from cooee.net.http_client import InProcessClient
from cooee.providers import Accepted, Credentials, Features, Subscription
from cooee.runtime.service import Service
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.store import SQLite

OURS = "+61491570006"
SLICES = 3  # of each measurement, in turns; the best counts
SQL = load_statements("sqlite")
PRAGMAS = ("journal_mode = wal", "synchronous = full", "temp_store = memory", "cache_size = -65536")


def person(n: int) -> str:
    return f"+6149{n:07}"


def filled(name: str, values: tuple) -> tuple:
    """A row for a statement; what this plain loop has no use for is null."""
    numbered = [int(number) for number in re.findall(r"\?(\d+)", SQL[name])]
    wanted = max(numbered, default=SQL[name].count("?"))
    return values + (None,) * (wanted - len(values))


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


async def ours(folder: Path, batch: int, seconds: float) -> float:
    clock = RealClock()
    store = Watched(await SQLite.open(folder / "ours.db", now=clock.now))
    service = Service(counting(), Instant(batch), store, InProcessClient(clock, {}), clock)
    done = 0
    async with service:
        await service.connect()
        began = time.perf_counter()
        people = 0
        while time.perf_counter() - began < seconds:
            now = clock.now()
            texts = [
                Inbound(
                    sender=person((people + n) % 50_000),
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
        took = time.perf_counter() - began
    return done / took


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


class Raw:
    """The same statements, one after the other."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.db = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        for pragma in PRAGMAS:
            self.db.execute(f"pragma {pragma}")
        folder = Path(__file__).parents[1] / "src/cooee/storage/sqlite/migrations"
        for script in sorted(folder.glob("*.sql")):
            self.db.executescript(script.read_text())

    def turns(self, first: int, count: int) -> None:
        now = int(time.time() * 1000)
        self.receive(first, count, now)
        claims = self.claim(count, now)
        self.finish(claims, now)
        self.record(self.take(count, now), now)

    def receive(self, first: int, count: int, now: int) -> None:
        self.db.execute("begin immediate")
        for n in range(first, first + count):
            theirs = person(n % 50_000)
            id, key = conversation_id(OURS, theirs), n.to_bytes(16, "big")
            self.db.execute(SQL["add_dedupe_key"], (id, key, now))
            placed = self.db.execute(SQL["assign_text_seq"], (id, OURS, theirs, now, now))
            seq, *_ = placed.fetchone()
            row = (id, seq, key, "", "hello", b"", now, now, 0, None, 0)
            self.db.execute(SQL["add_inbound"], filled("add_inbound", row))
        self.db.execute("commit")

    def claim(self, count: int, now: int) -> list[tuple]:
        self.db.execute(SQL["find_suspect"], (now, True)).fetchone()
        return self.db.execute(SQL["claim_due"], (now, "[]", count)).fetchall()

    def finish(self, claims: list[tuple], now: int) -> None:
        self.db.execute("begin immediate")
        states, texts = [], []
        for id, ours, theirs, lease, _, now_at, state, _, seq, *_ in claims:
            count = 1 if state is None else int(state.split(b":")[1][:-1]) + 1
            row = (id, lease, seq, now_at or now, 1, now, 0, None)
            (last_out,) = self.db.execute(
                SQL["finish_claim"], filled("finish_claim", row)
            ).fetchone()
            states.append((id, b'{"texts":%d}' % count))
            words = f"That was text {count}."
            row = (id, last_out, seq, ours, theirs, words, None, 0, now, now, None, None, 0)
            texts.append(filled("add_outbound", row))
        self.db.executemany(SQL["save_state"], states)
        self.db.executemany(SQL["add_outbound"], texts)
        self.db.execute("commit")

    def take(self, count: int, now: int) -> list[tuple]:
        self.db.execute("begin immediate")
        self.db.execute(SQL["expire_late"], (now, OURS))
        rows = [
            row
            for kind in (2, 0, 1)
            for row in self.db.execute(SQL["next_texts"], (OURS, kind, now, count)).fetchall()
        ]
        attempts = [(now, id, seq) for id, seq, *_ in rows]
        self.db.executemany(SQL["begin_attempt"], attempts)
        self.db.execute("commit")
        return attempts

    def record(self, attempts: list[tuple], now: int) -> None:
        self.db.execute("begin immediate")
        rows = [
            (3, f"{seq}-{id.hex()}", now, now, now + 15_000, id, seq) for _, id, seq in attempts
        ]
        self.db.executemany(SQL["accept_attempt"], rows)
        self.db.execute(SQL["any_early_receipt"]).fetchone()
        self.db.execute("commit")


def raw(folder: Path, batch: int, seconds: float) -> float:
    loop = Raw(folder / "raw.db")
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        loop.turns(done, batch)
        done += batch
    took = time.perf_counter() - began
    loop.db.close()
    return done / took


def rows(batches: list[int], seconds: float) -> Iterator[tuple[int, float, float]]:
    for batch in batches:
        plain, with_us = [], []
        for _ in range(SLICES):
            with tempfile.TemporaryDirectory(dir=".") as folder:
                plain.append(raw(Path(folder), batch, seconds / SLICES))
                with_us.append(uvloop.run(ours(Path(folder), batch, seconds / SLICES)))
        yield batch, max(plain), max(with_us)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--batches", default="1,16,64,256")
    parser.add_argument("--json", type=Path)
    told, shares = parser.parse_args(), {}
    print(f"{'batch':>6} {'raw SQL':>10} {'cooee':>10} {'share':>7}   (texts a second)")
    for batch, plain, with_us in rows([int(b) for b in told.batches.split(",")], told.seconds):
        shares[f"beside the same SQL, batch {batch}"] = with_us / plain
        print(f"{batch:>6} {plain:>10,.0f} {with_us:>10,.0f} {with_us / plain:>7.0%}")
    write_result(told.json, shares=shares)


if __name__ == "__main__":
    main()
