"""What waiting costs: an idle `cooee run` that polls every second."""

import asyncio
import os
from pathlib import Path

import pytest
from support.durability.scenes import PEOPLE, scene

SECONDS = 6


def processor_time(pid):
    """Seconds of processor time a process has used (proc(5): fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to measure")
async def test_an_idle_poller_takes_a_few_percent_of_a_core_at_most(tmp_path):
    async with scene(tmp_path, "telstra-v2") as stage:
        stage.environment["COOEE_POLL_INTERVAL"] = "1"
        async with stage.app() as process:
            await stage.until(stage.number)
            stage.simulator.network.send_from_phone(PEOPLE[0], stage.number(), "hello")
            await stage.until(lambda: stage.replies(PEOPLE[0]))
            await asyncio.sleep(1)
            before = processor_time(process.pid)
            await asyncio.sleep(SECONDS)
            used = (processor_time(process.pid) - before) / SECONDS
    print(f"idle: {used:.2%} of a core")
    assert used < 0.05  # 0.3 % on a free machine; a loop that spins takes all
