"""The peers' packages, pinned: an environment of its own for each group."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PACKAGES = {
    "cooee": (),  # the environment that runs the benchmark
    "flask": ("flask==3.1.3", "gunicorn==27.0.1", "twilio==9.13.0"),
    "aiogram": ("aiogram==3.31.0",),
    "ptb": ("python-telegram-bot[webhooks]==22.8",),
    "dbos": ("dbos==3.4.0", "uvicorn==0.54.0", "aiohttp==3.14.5"),
    "temporal": ("temporalio==1.35.0", "uvicorn==0.54.0", "aiohttp==3.14.5"),
}
HOME = Path(__file__).parents[1] / ".peers"


class NotInstalled(Exception):
    """The packages of a peer cannot be installed here; the words say why."""


def python_of(environment: str) -> str:
    """Return the interpreter of an environment, which is made where there is none.

    Raises:
        NotInstalled: pip refuses.
    """
    packages = PACKAGES[environment]
    if not packages:
        return sys.executable
    folder = HOME / environment
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if installed.is_file() and installed.read_text().split() == list(packages):
        return str(python)
    print(f"Installing {', '.join(packages)} …", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *packages], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["pip failed"]
        raise NotInstalled(words[-1])
    installed.write_text("\n".join(packages))
    return str(python)
