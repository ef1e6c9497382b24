"""Dialogues beside plain handlers: texts a second, durable, at batches of 1 to 64.

    python benchmarks/dialogues.py [--seconds 3] [--batches 1,16,64]

Both go through the real intake, worker, store (synchronous=FULL) and sender, with a provider
that answers at once, as in turns.py. In the dialogue every person has ten answers recorded when
the clock starts and gives one more with each text: its run replays them all.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from history import write_result
from turns import OURS, SLICES, Count, Instant, Watched, counting, person

from cooee import App, Chat
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.net.http_client import InProcessClient
from cooee.runtime.service import Service
from cooee.storage.sqlite.store import SQLite

RECORDED = 10
ROUND = 3  # answers measured of each person; then there are others, so that few have many more


def asking() -> App[Count]:
    app = App(state=Count)

    @app.dialogue("GO")
    async def ask(chat: Chat[Count]) -> None:
        while True:
            await chat.ask(f"That was text {chat.state.texts}. Next?", key="next")
            chat.state.texts += 1

    return app


async def rate(app: App[Count], folder: Path, batch: int, seconds: float, warm: int) -> float:
    """Texts a second, each answered; those that prepare a person are not counted."""
    clock = RealClock()
    store = Watched(await SQLite.open(folder / f"{warm}-{batch}.db", now=clock.now))
    service = Service(app, Instant(batch), store, InProcessClient(clock, {}), clock)
    done = counted = 0
    took = 0.0
    async with service:
        await service.connect()
        while took < seconds:
            first = done
            for turn in range(warm + ROUND):
                began = time.perf_counter()
                now, words = clock.now(), "GO" if turn == 0 else "fine"
                texts = [
                    Inbound(
                        sender=person(first + n),
                        recipient=OURS,
                        text=words,
                        received_at=now,
                        key=f"{turn}",
                    )
                    for n in range(batch)
                ]
                await service.parts.inbound_receiver.receive(texts)
                await store.recorded(done + batch)
                done += batch
                if turn >= warm:
                    took += time.perf_counter() - began
                    counted += batch
    return counted / took


def rows(batches: list[int], seconds: float) -> Iterator[tuple[int, float, float]]:
    for batch in batches:
        plain, dialogue = [], []
        for _ in range(SLICES):
            with tempfile.TemporaryDirectory(dir=".") as name:
                folder, part = Path(name), seconds / SLICES
                plain.append(uvloop.run(rate(counting(), folder, batch, part, 0)))
                dialogue.append(uvloop.run(rate(asking(), folder, batch, part, 1 + RECORDED)))
        yield batch, max(plain), max(dialogue)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--batches", default="1,16,64")
    parser.add_argument("--json", type=Path)
    told, shares = parser.parse_args(), {}
    print(f"{'batch':>6} {'plain':>10} {'dialogue':>10} {'share':>7}   (texts a second)")
    for batch, plain, dialogue in rows([int(b) for b in told.batches.split(",")], told.seconds):
        shares[f"beside a plain handler, batch {batch}"] = dialogue / plain
        print(f"{batch:>6} {plain:>10,.0f} {dialogue:>10,.0f} {dialogue / plain:>7.0%}")
    write_result(told.json, shares=shares)


if __name__ == "__main__":
    main()
