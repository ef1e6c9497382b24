"""Installs packages into this Python, and says meanwhile how far it is: `make phone` calls it.

    .venv/bin/python tools/install.py --editable .

The arguments are those of `pip install`. Whatever pip said is shown where it fails.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

_PIP = (
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar",
    "off",
)
_LINE_EVERY = 10  # packages, where the output is no terminal


def main() -> int:
    """Run pip; return its exit status."""
    process = subprocess.Popen(
        [sys.executable, *_PIP, *sys.argv[1:]],
        stdin=subprocess.DEVNULL,  # what is piped into `make demo` is for the phone
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = list(show_progress(process.stdout))
    status = process.wait()
    if status:
        print("".join(said), file=sys.stderr)
    return status


def show_progress(lines: Iterable[str]) -> Iterable[str]:
    """Yield pip's lines again, and show on standard error what they are about."""
    count = 0
    for line in lines:
        yield line
        first, _, rest = line.partition(" ")
        if first in {"Collecting", "Processing"}:
            count += 1
            name = rest.split()[0].rsplit("/", 1)[-1]  # of a file, where packages lie in a folder
            show(f"{count} packages, now {name}", is_milestone=count % _LINE_EVERY == 0)
        elif line.startswith("Installing collected packages: "):
            show(f"unpacking {rest.count(',') + 1} packages", is_milestone=True)
        elif "Retrying (" in line:
            show("the index does not answer; trying again", is_milestone=True)
    show("", is_milestone=False)


def show(words: str, *, is_milestone: bool) -> None:
    """Rewrite the terminal's line; elsewhere print a line at each milestone."""
    if sys.stderr.isatty():
        print(f"\r\033[K{words and f'  {words} …'}", end="", file=sys.stderr, flush=True)
    elif is_milestone:
        print(f"  {words} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
