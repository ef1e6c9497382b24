"""What got slower: the ratios of this run beside those of the last ten, and a record of them.

    python benchmarks/history.py RESULT.json ... [--history benchmarks/history.jsonl]

Each benchmark writes a result with `--json`: its `shares`, of which more is better (texts beside
the same SQL without cooee, say), and its `costs`, of which less is (CPU beside that of `python -c
pass`). Both are ratios within one run, so machines of another speed compare. A ratio that is worse
than the median of the last ten by more than a tenth is marked. The run is added to the history.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

HISTORY = Path(__file__).with_name("history.jsonl")
KINDS = {"shares": 1, "costs": -1}  # what a larger number means
TOLERANCE = 0.1  # of the median; less is noise
RECENT = 10  # runs that are compared with


def write_result(
    path: Path | None, *, shares: Mapping[str, float] = {}, costs: Mapping[str, float] = {}
) -> None:
    """Write a benchmark's result, where a file was asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"shares": shares, "costs": costs}, indent=1))


def read_results(paths: Iterable[Path]) -> dict[str, dict[str, float]]:
    """Return the ratios of all results, each named after its file."""
    found: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    for path in paths:
        result = json.loads(path.read_text())
        for kind in KINDS:
            named = {f"{path.stem}: {name}": one for name, one in result.get(kind, {}).items()}
            found[kind].update(named)
    return found


def read_history(path: Path) -> list[dict[str, Any]]:
    """Return the recorded runs, the latest last."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.strip()]


def changes(
    now: Mapping[str, Mapping[str, float]], history: Sequence[Mapping[str, Any]]
) -> dict[str, float | None]:
    """Return by how much each ratio is better than before (0.1 is a tenth); None if it is new."""
    found: dict[str, float | None] = {}
    for kind, sign in KINDS.items():
        for name, ratio in now[kind].items():
            recent = [run[kind][name] for run in history if name in run.get(kind, {})][-RECENT:]
            before = median(recent) if recent else 0
            found[name] = sign * (ratio - before) / before if before else None
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--history", type=Path, default=HISTORY)
    told = parser.parse_args()
    now, history = read_results(told.results), read_history(told.history)
    changed = changes(now, history)
    for name, ratio in {**now["shares"], **now["costs"]}.items():
        change = changed[name]
        words = "new" if change is None else f"{change:+.0%}"
        mark = "   WORSE" if change is not None and change < -TOLERANCE else ""
        print(f"{name:<60}{ratio:>10.3g}{words:>8}{mark}")
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()}
    with told.history.open("a") as lines:
        lines.write(json.dumps({**about, "python": platform.python_version(), **now}) + "\n")


def commit() -> str:
    """Return the commit that was measured; "" outside of a repository."""
    words = ["git", "-C", str(HISTORY.parent), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
