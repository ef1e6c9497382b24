"""The way out, at calls of 0 to 200 ms: the sender alone, and a service that texts are pushed to.

    python benchmarks/sending.py [--seconds 3] [--delays 0,20,200]
    python benchmarks/sending.py --served [--seconds 8] [--delays 0,200] [--peer cooee-rest]

Alone: replies wait in the outbox, each for another person; the provider takes all that come, and
answers each call after the delay. Printed are the texts that were recorded as accepted a second,
the CPU time a text, the most calls under way at once, and the store's calls that write for each
text: two (an attempt, its result) where nothing is shared.

Served: `cooee run` has a core to itself, as in peers.py. First 32 connections go round as fast as
they are answered: printed is, for the worst second, how many replies left for each text that was
acknowledged in it (delivery rule 26; the goal is 80 %). Then texts come at 60 % of that rate,
whatever happens: printed is how long after a text was due the provider had accepted its reply,
without the delay of the provider's own answer (the goal is 150 ms at p99).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from history import write_result
from peers import PEERS, measure
from turns import OURS, person

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Priority
from cooee.providers import Accepted, Credentials, Features, Subscription
from cooee.runtime.service import Service
from cooee.storage import AttemptResult, NewOutbound, ProactiveOutbound
from cooee.storage.sqlite.store import SQLite


class Accepting:
    """A provider that names no limit, and takes every text."""

    name = "accepting"
    settings = ()
    features = Features(polling=None, push=True, receipts="none", max_text=1600)

    def login(self) -> Any:
        return Credentials("none")
        yield

    def subscribe(
        self, credentials: Any, webhook_url: str | None, *, keep_direction: bool = False
    ) -> Any:
        return Subscription(OURS, "elsewhere")
        yield

    def send(self, outbound: Any, credentials: Any) -> Any:
        yield Request(method="POST", url="https://accepting.example")
        return Accepted(outbound.id)


class Network:
    """Answers each request after a delay."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s, self._under_way, self.most = delay_s, 0, 0

    async def __call__(self, request: Request) -> Response:
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        await asyncio.sleep(self._delay_s)
        self._under_way -= 1
        return Response(status=200)

    async def close(self) -> None:
        pass


class Counted:
    """A store that counts its calls that take texts, or record results."""

    def __init__(self, store: SQLite) -> None:
        self._store, self.writes, self.recorded = store, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def take(self, ours: str, limit: int) -> Any:
        self.writes += 1
        return await self._store.take(ours, limit)

    async def record_results(self, results: Sequence[AttemptResult]) -> Any:
        self.writes += 1
        cancelled = await self._store.record_results(results)
        self.recorded += len(results)
        return cancelled


@dataclass(frozen=True)
class Measured:
    texts_per_s: float
    cpu_us: float
    most_under_way: int
    writes_per_text: float


async def send_for(seconds: float, delay_s: float, folder: Path) -> Measured:
    clock, network = RealClock(), Network(delay_s)
    store: Any = Counted(await SQLite.open(folder / "sending.db", now=clock.now))
    texts = [
        ProactiveOutbound(OURS, person(n), NewOutbound(text="hello", priority=Priority.REPLY))
        for n in range(int(20_000 * seconds))
    ]
    await store.enqueue(texts)
    service = Service(App(), Accepting(), store, network, clock)  # type: ignore[arg-type]  # ends early
    async with service:
        await service.connect()
        began, cpu_began = time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        took, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        count = max(store.recorded, 1)
        return Measured(count / took, 1e6 * cpu_s / count, network.most, store.writes / count)


SHARE_OF_CAPACITY = 0.6


def served(told: argparse.Namespace) -> None:
    """Print, for each delay, the worst second at saturation and the latency at 60 % of it."""
    [peer] = [one for one in PEERS if one.name == told.peer]
    print(
        f"{'a call':>8} {'texts/s':>9} {'worst second':>13} {'at':>8} {'p50 ms':>8} {'p99 ms':>8}"
    )
    shares = {}
    for delay_ms in told.delays:
        options = argparse.Namespace(seconds=told.seconds, delay_ms=delay_ms, greeted=2_000)
        full = measure(peer, options, 0)
        rate = SHARE_OF_CAPACITY * full["answered_per_s"]
        late = {
            name: at - delay_ms for name, at in measure(peer, options, rate)["latency_ms"].items()
        }
        share = shares[f"worst second, {delay_ms} ms a call"] = full["least_share_left_in_a_second"]
        cells = f"{delay_ms:>5} ms {full['answered_per_s']:>9,.0f} {share:>13.0%} {rate:>6,.0f}/s"
        print(f"{cells} {late['p50']:>8,.0f} {late['p99']:>8,.0f}")
    write_result(told.json, shares=shares)


def delays(words: str) -> list[int]:
    return [int(one) for one in words.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--delays", type=delays, default=[0, 20, 200], help="ms of each call")
    parser.add_argument("--served", action="store_true", help="a service, by real HTTP")
    parser.add_argument("--peer", default="cooee-rest", help="which of peers.py is served")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    if told.served:
        served(told)
        return
    print(f"{'a call':>8} {'texts/s':>9} {'CPU µs':>8} {'at once':>8} {'writes a text':>14}")
    for delay_ms in told.delays:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            one = uvloop.run(send_for(told.seconds, delay_ms / 1e3, Path(folder)))
        rates = f"{one.texts_per_s:>9,.0f} {one.cpu_us:>8,.0f} {one.most_under_way:>8}"
        print(f"{delay_ms:>5} ms {rates} {one.writes_per_text:>14.2f}")


if __name__ == "__main__":
    main()
