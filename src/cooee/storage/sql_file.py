"""SQL by name: a file of statements, each under a line `-- name: …`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from importlib.resources import files

from cooee.core.messages import Priority, Status
from cooee.storage.statuses import InboundStatus

_ENUMS: Mapping[str, type[IntEnum]] = {
    enum.__name__: enum for enum in (Status, InboundStatus, Priority)
}
_MEMBER = re.compile(rf"\b({'|'.join(_ENUMS)})\.([A-Z_]+)\b")


def load_statements(dialect: str) -> Mapping[str, str]:
    """Return the statements of a dialect (``"sqlite"``), by name; nothing is composed at run time.

    ``Status.QUEUED``, ``InboundStatus.PENDING`` and ``Priority.REPLY`` stand for their numbers. A
    partial index needs literals: no statement can take the numbers as parameters (storage rule 7).
    """
    return parse_statements(
        files(f"cooee.storage.{dialect}").joinpath("statements.sql").read_text("utf-8")
    )


def parse_statements(script: str) -> Mapping[str, str]:
    """Return the statements of a script, by name.

    Raises:
        ValueError: two have one name.
        KeyError: an enum has no such member.
    """
    _, *parts = re.split(r"^-- name: *(\w+) *$", script, flags=re.MULTILINE)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two statements are called {duplicate}: rename one.")
    return {
        name: _with_numbers(_without_comments(body))
        for name, body in zip(names, bodies, strict=True)
    }


def _without_comments(body: str) -> str:
    lines = [line for line in body.splitlines() if line.strip() and not line.startswith("--")]
    return "\n".join(lines).strip().removesuffix(";")


def _with_numbers(body: str) -> str:
    return _MEMBER.sub(lambda found: str(int(_ENUMS[found[1]][found[2]])), body)
