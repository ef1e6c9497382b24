"""Arrays: rows turned into the columns that a statement takes."""

from __future__ import annotations

from collections.abc import Sequence


def columns_of(rows: Sequence[Sequence[object]], count: int) -> Sequence[list[object]]:
    """Return rows as `count` columns, the arrays of a statement."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]
