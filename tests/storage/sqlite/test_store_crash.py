"""Real processes: killed without warning, and watched while they wait for the disk."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import groupby

import pytest

from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ANNA, BERT, OURS, ManualClock, StoreHarness

STREAM = """
import asyncio, sys
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ManualClock, StoreHarness

async def stream(harness, name, sender):
    for number in range(1_000_000):
        key = f"{name}-{number}"
        assert list(await harness.receive(key, sender=sender, key=key)) == [True]
        print(key, flush=True)

async def main():
    clock = ManualClock()
    harness = StoreHarness(await SQLite.open(sys.argv[1], now=clock), clock)
    await asyncio.gather(*(stream(harness, n, s) for n in range(20) for s in sys.argv[2:4][n % 2:][:1]))

asyncio.run(main())
"""

GROUPS = """
import asyncio, os, sys
from cooee.storage.sqlite.store import SQLite
from cooee.testing.store_suite import ManualClock, StoreHarness

async def main():
    clock = ManualClock()
    harness = StoreHarness(await SQLite.open(sys.argv[1], now=clock), clock)
    await harness.receive("the first")
    os.write(1, b"begin\\n")
    for number in range(10):
        assert await asyncio.gather(*(harness.receive(f"{number} {n}") for n in range(8)))
        os.write(1, b"acknowledged\\n")
    for number in range(5):
        claims = await harness.store.claim(10)
        await harness.store.next_due()
        await harness.store.counts()
        os.write(1, b"read\\n")
        await harness.store.release(claims)
    os.write(1, b"end\\n")
    await harness.store.close()

asyncio.run(main())
"""


@pytest.mark.slow
async def test_every_acknowledged_text_survives_a_kill(tmp_path):
    path = tmp_path / "cooee.db"
    acknowledged: list[str] = []
    for life in (1, 2, 3):
        acknowledged += _killed_in_mid_stream(path.with_name(f"{life}.db"), 400 * life)
        clock = ManualClock()
        harness = StoreHarness(await SQLite.open(path.with_name(f"{life}.db"), now=clock), clock)
        stored = await _stored(harness)
        assert set(acknowledged) <= set(stored)
        assert len(stored) == len(set(stored))
        for sender, keys in ((ANNA, acknowledged[::2]), (BERT, acknowledged[1::2])):
            own = [key for key in keys if int(key.partition("-")[0]) % 2 == (sender == BERT)]
            again = [await harness.receive(key, sender=sender, key=key) for key in own[:5]]
            assert all(list(fresh) == [False] for fresh in again)
        assert (await harness.store.counts()).unclean_exits == 1
        await harness.store.close()
        acknowledged.clear()


def _killed_in_mid_stream(path, count: int) -> list[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", STREAM, str(path), ANNA, BERT], stdout=subprocess.PIPE, text=True
    )
    lines = [child.stdout.readline().strip() for _ in range(count)]
    os.kill(child.pid, signal.SIGKILL)
    rest, _ = child.communicate()
    lines += rest.split("\n")[:-1]  # a line cut short was not said
    assert child.returncode == -signal.SIGKILL
    assert len(lines) >= count
    return lines


async def _stored(harness: StoreHarness) -> list[str]:
    return [
        entry.text
        for person in (ANNA, BERT)
        for entry in await harness.store.history(OURS, person, 1_000_000)
    ]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_group_is_synced_once_before_it_is_acknowledged_and_reading_never_is(tmp_path):
    log = tmp_path / "strace.log"
    command = ["strace", "-f", "-o", str(log), "-e", "trace=fsync,fdatasync,write"]
    script = [sys.executable, "-c", GROUPS, str(tmp_path / "cooee.db")]
    ran = subprocess.run([*command, *script], capture_output=True, text=True, check=False)
    if "ptrace" in ran.stderr.lower() and ran.returncode:
        pytest.skip(f"strace may not trace here: {ran.stderr.strip()[:100]}")
    assert ran.returncode == 0, ran.stderr
    events = re.findall(r'(sync)\(\d+|write\(1, "(\w+)', log.read_text())
    steps = ["sync" if sync else word for sync, word in events]
    steps = steps[steps.index("begin") + 1 : steps.index("end")]
    runs = [(step, len(list(group))) for step, group in groupby(steps)]
    assert [step for step, _ in runs] == ["sync", "acknowledged"] * 10 + ["read"]
    assert steps.count("sync") <= 12  # one a group of eight; a busy machine may split one
