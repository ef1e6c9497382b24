"""Output of commands: tables and questions for people, JSON for scripts."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from cooee.core.errors import SettingError
from cooee.core.one_line import to_one_line


def ask_confirmation(question: str) -> bool:
    """Ask on the terminal; without a terminal the answer is no.

    Raises:
        SettingError: nobody can be asked.
    """
    import typer

    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        print(file=sys.stderr)
        raise SettingError("Nothing was done. To go without the question: --yes") from None


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as wide as the terminal; in a pipe, as wide as its longest row."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _UNFOLDED_COLUMNS)
    for row in rows:
        table.add_row(*(Text(_cell_text(cell)) for cell in row))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    wide = Console(highlight=False, width=_PIPE_COLUMNS, file=io.StringIO())
    with wide.capture() as captured:
        wide.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def show_json(value: Any) -> None:
    """Print a value as JSON; times as RFC 3339 in UTC."""
    print(msgspec.json.format(msgspec.json.encode(value)).decode())


def format_time(at: datetime, separator: str = " ") -> str:
    """Return a moment in UTC, to the second: a space before the time is for people, T for files."""
    return at.astimezone(UTC).strftime(f"%Y-%m-%d{separator}%H:%M:%SZ")


_PIPE_COLUMNS = 5_000  # columns of a table in a pipe: a line a row, for grep
_UNFOLDED_COLUMNS = frozenset({"when", "ours", "theirs", "last", "name"})


def _cell_text(cell: object) -> str:
    if isinstance(cell, datetime):
        return format_time(cell)
    if cell is None or cell is False:
        return ""
    return "yes" if cell is True else to_one_line(str(cell))
