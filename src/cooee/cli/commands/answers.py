"""`cooee answers`: what people answered to a dialogue, as a table for a spreadsheet."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import msgspec
import typer

from cooee.cli.csv_cells import tame
from cooee.cli.load_app import load
from cooee.cli.open_store import dialogues, visited
from cooee.core.app.app import App
from cooee.core.dialogue.journal import Entry, Key, View, read
from cooee.core.errors import JournalError, SettingError

if TYPE_CHECKING:
    from cooee.storage import Talk

_FIRST = ("person", "started", "ended", "outcome")
_ASKED = frozenset({"ask", "receive"})

Row: TypeAlias = tuple[Sequence[str], Mapping[Key, str]]


class Table(msgspec.Struct):
    """What was read: a row for each dialogue, and why others have none."""

    rows: list[Row] = []
    columns: dict[Key, None] = {}  # in the order first met
    unreadable: list[str] = []

    def add(self, talk: Talk) -> None:
        """Read one more."""
        try:
            given = _given(talk)
        except (JournalError, LookupError) as error:  # records that contradict each other
            self.unreadable.append(str(error))
            return
        self.columns |= dict.fromkeys(given)
        ends = (_moment(talk.started_at), _moment(talk.ended_at), talk.dialogue.ended)
        self.rows.append(((talk.theirs, *ends), given))


def answers(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
    ],
    dialogue: Annotated[
        str, typer.Argument(metavar="DIALOGUE", help="Its name: that of its function, usually.")
    ],
    *,
    over: Annotated[
        bool, typer.Option("--over", help="Only those that have come to their end.")
    ] = False,
) -> None:
    """Print what people answered to a dialogue, as CSV.

    There is a row for each time that it was begun, and a column for each question: its key or
    its words, with "(2)" at the second time that it was asked, and "guest: " before what is
    asked inside the part "guest". Dates and times are in ISO 8601; those of the columns
    "started" and "ended" in UTC. Who goes on has no "ended".

    A cell that a spreadsheet would take for a formula begins with an apostrophe, people's
    numbers too. What cannot be read is counted on standard error, and the exit status is 1.
    """
    table = asyncio.run(_read(load(app), dialogue, over=over))
    _write(table)
    if table.unreadable:
        count, first = len(table.unreadable), table.unreadable[0]
        print(f"cooee: {count} cannot be read and left out, the first: {first}", file=sys.stderr)
        raise typer.Exit(1)


async def _read(app: App[Any, Any], name: str, *, over: bool) -> Table:
    table = Table()
    found = app.routes.named(name)
    names = (name,) if found is None else (found.name, *found.was)
    async with visited() as store:
        for each in names:
            async for talk in dialogues(store, handler=each, over=True):
                if talk.ended_at is not None or not over:
                    table.add(talk)
    if found is None and not table.rows and not table.unreadable:
        known = ", ".join(one.name for one in app.routes.dialogues) or "none"
        raise SettingError(f"There is no dialogue {name!r}, and never was. The app's: {known}.")
    return table


def _given(talk: Talk) -> Mapping[Key, str]:
    """Each question with the answer that counts: what was taken back, or is stale, does not."""
    records = View(read(talk.dialogue.head, talk.dialogue.entries).entries).records
    return {key: _shown(found.entry) for key, found in records.items() if key[0] in _ASKED}


def _write(table: Table) -> None:
    names = _names(table.columns)
    rows = ([*first, *(given.get(key, "") for key in names)] for first, given in table.rows)
    text = io.StringIO(newline="")
    write = csv.writer(text, quoting=csv.QUOTE_MINIMAL).writerow
    for row in ([*_FIRST, *names.values()], *rows):
        write(map(tame, row))
    sys.stdout.flush()
    sys.stdout.buffer.write(text.getvalue().encode(errors="replace"))


def _names(keys: Iterable[Key]) -> Mapping[Key, str]:
    """What the columns are called: each otherwise, so that none is taken for another."""
    names: dict[Key, str] = {}
    taken = set(_FIRST)
    for key in keys:
        kind, parts, words, n = key
        name = ": ".join((*parts, words or "(any text)")) + (f" ({n + 1})" if n else "")
        while name in taken:
            name = f"{name} ({kind})"
        taken.add(name)
        names[key] = name
    return names


def _shown(entry: Entry) -> str:
    """An answer as it was recorded; "" where the question came to none."""
    if entry.kind not in {"answer", "default"} or entry.value is None:
        return ""
    value = entry.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict) and "$" in value:
        return _of_its_type(entry, value["$"], value["v"])
    return json.dumps(value, ensure_ascii=False)


def _of_its_type(entry: Entry, kind: str, written: Any) -> str:
    """Return an answer of another type, as `value_codec` wrote it, without its class."""
    if kind == "datetime":
        return str(written[0])
    if kind == "timedelta":
        return str(timedelta(*written))
    if kind == "enum":
        return str(written[1])
    if isinstance(written, str) and kind != "bytes":
        return written
    return json.dumps(written, ensure_ascii=False) if entry.raw is None else entry.raw


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
