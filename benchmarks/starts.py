"""How long cooee needs to be there, as ratios to `python -c pass`.

    python benchmarks/starts.py [--rounds 10] [--json starts.json]

Counted is the CPU time of each process, the least of a few rounds, in which the commands take
turns. `cooee run` is also timed on the wall clock: from its call until /health answers. The goals
are for a machine on which `python -c pass` takes 14 ms: 120 ms, 300 ms and a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from urllib.error import URLError
from urllib.request import urlopen

from history import write_result
from peers import free_port

APP = Path(__file__).parent / "peer_programs" / "cooee_texts.py"
PYTHON, COOEE = sys.executable, (sys.executable, "-m", "cooee")
COMMANDS: dict[str, Sequence[str]] = {
    "python -c pass": (PYTHON, "-c", "pass"),
    "import cooee": (PYTHON, "-c", "import cooee"),
    "cooee --help": (*COOEE, "--help"),
}
NOBODY = "http://127.0.0.1:9"  # the provider need not be there for a start
GOALS = {"import cooee": 120 / 14, "cooee --help": 300 / 14, "cooee run": 1_000 / 14}


def cpu_s() -> float:
    """Seconds that processes started here have computed."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def once(command: Sequence[str]) -> float:
    before = cpu_s()
    subprocess.run(command, check=True, capture_output=True)
    return cpu_s() - before


def start_app() -> tuple[float, float]:
    """Run an app until /health answers; return the seconds of the wall clock, and of CPU."""
    port, before = free_port(), cpu_s()
    with tempfile.TemporaryDirectory(prefix="starts-") as folder:
        environment = {
            **os.environ,
            "COOEE_DATABASE": f"sqlite:///{folder}/cooee.db",
            "COOEE_PROVIDER": "simulated",
            "SIMULATED_BASE_URL": NOBODY,
            "COOEE_PORT": str(port),
        }
        began = time.perf_counter()
        process = subprocess.Popen(
            [*COOEE, "run", str(APP)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not is_there(port):
            time.sleep(0.01)
        took = time.perf_counter() - began
        process.terminate()
        process.wait()
    return took, cpu_s() - before


def is_there(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health"):
            return True
    except URLError as error:
        return getattr(error, "code", None) is not None  # 503 is an answer, too


def measure(rounds: int) -> dict[str, float]:
    least = dict.fromkeys([*COMMANDS, "cooee run", "cooee run, on the clock"], float("inf"))
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            least[name] = min(least[name], once(command))
        took, cpu = start_app()
        least["cooee run"] = min(least["cooee run"], cpu)
        least["cooee run, on the clock"] = min(least["cooee run, on the clock"], took)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    least = measure(told.rounds)
    ratios = {name: one / least["python -c pass"] for name, one in least.items()}
    print(f"{'':<26}{'ms':>8}{'ratio':>8}{'goal':>8}")
    for name, seconds in least.items():
        goal = f"{GOALS[name]:.1f}" if name in GOALS else ""
        print(f"{name:<26}{seconds * 1e3:>8,.0f}{ratios[name]:>8.1f}{goal:>8}")
    write_result(told.json, costs={name: ratios[name] for name in GOALS})


if __name__ == "__main__":
    main()
