"""SQL by name: a file of statements, each under a line `-- name: …`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files


def load(dialect: str) -> Mapping[str, str]:
    """The statements of a dialect (``"sqlite"``), by name; they are constants, never composed."""
    return parse(files(f"cooee.storage.{dialect}").joinpath("statements.sql").read_text("utf-8"))


def parse(script: str) -> Mapping[str, str]:
    """The statements of a script, by name.

    Raises:
        ValueError: two have one name.
    """
    _, *parts = re.split(r"^-- name: *(\w+) *$", script, flags=re.MULTILINE)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two statements are called {twice}: rename one.")
    return {name: _bare(body) for name, body in zip(names, bodies, strict=True)}


def _bare(body: str) -> str:
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")
