"""`make phone` says at once that it installs, and then how far it is."""

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOL = ROOT / "tools" / "install.py"
PIP = "\n".join(
    [
        "Obtaining file:///srv/cooee",
        *(
            f"Collecting package-{number}>=1 (from cooee==0.1.0)\n  Downloading p"
            for number in range(25)
        ),
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken",
        "Installing collected packages: one, two, three, cooee",
        "Successfully installed cooee-0.1.0",
    ]
)
SHOW = f"""
import runpy
tool = runpy.run_path({str(TOOL)!r})
list(tool["show_progress"]({PIP!r}.splitlines(keepends=True)))
"""


def test_in_a_file_it_shows_a_line_for_each_step():
    done = subprocess.run([sys.executable, "-c", SHOW], check=True, capture_output=True, text=True)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "  10 packages, now package-9>=1 …",
        "  20 packages, now package-19>=1 …",
        "  the index does not answer; trying again …",
        "  unpacking 4 packages …",
    ]


def test_on_a_terminal_it_rewrites_one_line_for_each_package():
    reader, terminal = pty.openpty()
    subprocess.run([sys.executable, "-c", SHOW], check=True, stderr=terminal, stdout=terminal)
    os.close(terminal)
    shown = os.read(reader, 100_000).decode()
    os.close(reader)
    assert shown.count("\r") == 25 + 2 + 1
    assert "25 packages, now package-24" in shown
    assert shown.endswith("\r\x1b[K")
    assert "\n" not in shown


def test_where_pip_fails_all_that_it_said_is_shown_and_its_status_is_kept(tmp_path):
    typed = [sys.executable, TOOL, "--no-index", str(tmp_path / "nowhere")]
    done = subprocess.run(typed, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "nowhere" in done.stderr


def test_the_first_line_comes_before_the_first_step():
    makefile = (ROOT / "Makefile").read_text()
    for target in (".venv/bin/python:", ".venv/.installed:", ".venv/.developing:"):
        recipe = makefile.partition(f"\n{target}")[2].partition("\n\n")[0]
        steps = [line for line in recipe.splitlines()[1:] if "version_info" not in line]
        said = [line.strip() for line in steps if line.startswith("\t@")]
        assert said[0].startswith("@echo "), target
