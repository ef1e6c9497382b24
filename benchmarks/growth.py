"""What grows with the database: a turn's cost, and a process beside a million people who wait.

    make bench-growth    # half an hour, and 15 GB of disk
    python benchmarks/growth.py --texts 1000,100000 --waiting 10000 --idle 5

The first table: CPU µs a text, of the store's verbs and, on a copy of the same file, of the same
statements with nothing around them. Both are measured in turns, on people chosen at random, sixteen
at a time. `growth` is by what factor the verbs grew, beside few texts, over the factor of the
statements; the goal is at most 1.15.

The second: `cooee run` beside few and beside many who wait for years in the middle of a
dialogue. Each of them has a timer.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import uvloop
from crowd import copy_person
from growth_process import Waiting, measure_waiting
from history import write_result
from raw_statements import OURS, Recording, connected, person, turns

from cooee.clocks.clock import RealClock
from cooee.core.messages import Receipt, Status
from cooee.storage.sqlite.store import SQLite

TEXTS_EACH = 10  # of each person
MODEL = "+61491570156"  # whose conversation everybody has
BATCH, TEXTS_A_SLICE = 16, 1_024
GOAL = 1.15
FEW = 100  # people who wait, beside whom the many are measured


class Row(NamedTuple):
    """A size of the database, and what a text costs there: CPU µs, and statements."""

    texts: int
    size: int
    verbs_us: float
    raw_us: float
    statements: float


async def live(path: Path) -> None:
    """Let one person text, be answered and have the receipts."""
    clock = RealClock()
    store = await SQLite.open(path, now=clock.now)
    for number in range(TEXTS_EACH):
        await turns(store, [MODEL], -1 - number, clock.now)
        entries = await store.history(OURS, MODEL, 1)
        sent = Receipt(
            status=Status.DELIVERED, provider_status="delivered", provider_id=entries[0].provider_id
        )
        await store.apply_receipts([sent])
    await store.close()


async def measure_turns(folder: Path, people: int, slices: int) -> tuple[float, float, float]:
    """Return CPU µs a text, of the store's verbs and of their statements alone; and the latter."""
    store = await SQLite.open(folder / "ours.db", now=RealClock().now)
    chosen, number = random.Random(people), 0
    with contextlib.closing(connected(folder / "raw.db")) as connection:
        verbs, statements = list[float](), list[float]()
        for _ in range(slices):
            recording = Recording()
            batches = [
                [person(n) for n in chosen.sample(range(people), BATCH)]
                for _ in range(TEXTS_A_SLICE // BATCH)
            ]
            gc.collect()
            gc.disable()  # what the recording keeps is no cost of the verbs
            with recording.record():
                began = time.process_time()
                for batch in batches:
                    await turns(store, batch, number, RealClock().now)
                    number += BATCH
                verbs.append(time.process_time() - began)
            began = time.process_time()
            recording.run_again(connection)
            statements.append(time.process_time() - began)
            gc.enable()
    await store.close()
    count = recording.statement_count / TEXTS_A_SLICE
    return *(1e6 * min(each) / TEXTS_A_SLICE for each in (verbs, statements)), count


def by_texts(folder: Path, sizes: Sequence[int], slices: int) -> Iterator[Row]:
    """Fill a file for each size; yield what the store's verbs and their statements cost."""
    for texts in sizes:
        ours = folder / "ours.db"
        uvloop.run(live(ours))
        copy_person(ours, OURS, MODEL, map(person, range(texts // TEXTS_EACH)))
        size = ours.stat().st_size
        shutil.copy(ours, folder / "raw.db")
        yield Row(texts, size, *uvloop.run(measure_turns(folder, texts // TEXTS_EACH, slices)))
        for file in folder.iterdir():
            file.unlink()


def print_turns(rows: Iterator[Row]) -> float:
    """Print the first table; return the largest growth of the verbs beside their statements'."""
    heads = f"{'MB':>8}{'statements':>12}{'verbs µs':>10}{'SQL µs':>9}{'verbs +':>9}{'SQL +':>8}"
    print(f"{'texts':>12}{heads}{'growth':>8}")
    first: Row | None = None
    worst = 0.0
    for row in rows:
        first = first or row
        more, more_raw = row.verbs_us - first.verbs_us, row.raw_us - first.raw_us
        growth = (row.verbs_us / first.verbs_us) / (row.raw_us / first.raw_us)
        worst = max(worst, growth)
        cells = f"{row.texts:>12,}{row.size / 1e6:>8,.0f}{row.statements:>12.2f}"
        cells += f"{row.verbs_us:>10,.0f}{row.raw_us:>9,.0f}{more:>+9,.0f}{more_raw:>+8,.0f}"
        print(f"{cells}{growth:>8.2f}", flush=True)
    return worst


def print_waiting(found: Mapping[int, Waiting]) -> None:
    """Print the second table: a column for each number of people who wait."""
    print(f"\n{'cooee run':<44}" + "".join(f"{count:>12,} wait" for count in found))
    for name, words in Waiting.rows():
        cells = "".join(f"{getattr(one, name):>17,.2f}" for one in found.values())
        print(f"{words:<44}{cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", default="1000,10000,100000,1000000,10000000")
    parser.add_argument(
        "--slices", type=int, default=15, help="of a thousand texts; the best counts"
    )
    parser.add_argument("--waiting", type=int, default=1_000_000)
    parser.add_argument("--idle", type=float, default=60, help="seconds in which nothing comes")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    costs = {}
    with tempfile.TemporaryDirectory(dir=".", prefix="growth-") as name:
        folder = Path(name).absolute()
        if told.texts:
            sizes = [int(word) for word in told.texts.split(",")]
            costs["growth beside its own SQL"] = print_turns(by_texts(folder, sizes, told.slices))
            print(f"goal: at most {GOAL}")
        if told.waiting:
            counts = sorted({FEW, told.waiting})
            print_waiting({count: measure_waiting(folder, count, told.idle) for count in counts})
    write_result(told.json, costs=costs)


if __name__ == "__main__":
    main()
