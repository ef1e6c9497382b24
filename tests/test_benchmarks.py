"""The benchmarks run, and measure what they say."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_turn_engine_is_measured_beside_the_same_sql(tmp_path):
    script = ROOT / "benchmarks" / "turns.py"
    done = subprocess.run(
        [sys.executable, str(script), "--seconds", "0.3", "--batches", "1,16"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d,]+) +(\d+)%", done.stdout, re.MULTILINE)
    assert [int(batch) for batch, *_ in rows] == [1, 16]
    assert all(int(ours.replace(",", "")) > 0 for _, _, ours, _ in rows)
