"""What several cores bring one process: the CPU of each thread of `cooee run` under load.

    python benchmarks/cores.py [--seconds 8]

One process owns the SQLite file, and of its threads only one at a time runs Python; SQLite itself,
and its waits for the disk, hold no lock of the interpreter. So the most that a second core brings
is the share of the store's thread, and what that thread spends in SQLite brings it surely. The
shares are those of CPU time, so that a machine that does other work tells the same.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from growth_process import Server, fake_provider
from history import write_result
from peers import PROGRAMS

APP = """
import json
import os
import threading

from cooee import App, Chat

app = App()
PATH = {path!r}


@app.otherwise
def repeat(chat: Chat[None]) -> str:
    if not os.path.exists(PATH):
        threads = {{thread.name: thread.native_id for thread in threading.enumerate()}}
        with open(PATH, "w") as file:
            json.dump(threads, file)
    return f"You said {{chat.message.text}}"
"""
STORE = "cooee-sqlite"


def thread_seconds(pid: int) -> dict[int, float]:
    """Return the CPU seconds of each thread."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {
        int(task.name): int((task / "schedstat").read_text().split()[0]) / 1e9 for task in tasks
    }


def measure(folder: Path, seconds: float) -> Mapping[str, float]:
    """Put `cooee run` under load; return the CPU seconds of each of its threads."""
    threads, app = folder / "threads.json", folder / "app.py"
    app.write_text(APP.format(path=str(threads)))
    with fake_provider(folder) as provider:
        server = Server(folder, provider, app, reply_by="rest")
        server.connect()
        words = {"url": server.webhook, "provider": provider, "seconds": seconds}
        options = [word for name, value in words.items() for word in (f"--{name}", str(value))]
        pid = server.program.process.pid
        before, cpu_before = thread_seconds(pid), server.program.cpu_s()
        subprocess.run(
            [sys.executable, str(PROGRAMS / "load.py"), *options], check=True, capture_output=True
        )
        after, cpu_s = thread_seconds(pid), server.program.cpu_s() - cpu_before
        server.program.stop()
    found = {
        name: after[id] - before.get(id, 0.0)
        for name, id in json.loads(threads.read_text()).items()
        if id in after
    }
    return {**found, "threads of handlers, and others": cpu_s - sum(found.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix="cores-") as name:
        found = measure(Path(name).absolute(), told.seconds)
    everything = sum(found.values())
    print(f"{'thread':<40}{'share of the CPU time':>24}")
    for name, cpu_s in sorted(found.items(), key=lambda each: -each[1]):
        print(f"{name:<40}{cpu_s / everything:>24.0%}")
    share = found[STORE] / everything
    print(f"two cores do at most {1 / (1 - share):.2f} times the work of one")
    write_result(told.json, costs={"work outside the store's thread": 1 - share})


if __name__ == "__main__":
    main()
