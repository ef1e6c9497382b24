"""SQL by name: a file of statements, each under a line `-- name: …`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files


def load_statements(dialect: str) -> Mapping[str, str]:
    """The statements of a dialect (``"sqlite"``), by name; they are constants, never composed."""
    return parse_statements(
        files(f"cooee.storage.{dialect}").joinpath("statements.sql").read_text("utf-8")
    )


def parse_statements(script: str) -> Mapping[str, str]:
    """The statements of a script, by name.

    Raises:
        ValueError: two have one name.
    """
    _, *parts = re.split(r"^-- name: *(\w+) *$", script, flags=re.MULTILINE)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two statements are called {duplicate}: rename one.")
    return {name: _without_comments(body) for name, body in zip(names, bodies, strict=True)}


def _without_comments(body: str) -> str:
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")
