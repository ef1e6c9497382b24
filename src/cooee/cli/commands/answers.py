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

from cooee.cli.csv_cells import escape_formula
from cooee.cli.load_app import import_app
from cooee.cli.open_store import iterate_dialogues, open_configured_store
from cooee.core.app.app import App
from cooee.core.dialogue.journal import JournalEntry, JournalIndex, RecordKey, decode_journal
from cooee.core.errors import JournalError, SettingError

if TYPE_CHECKING:
    from cooee.storage import Talk

_FIXED_COLUMNS = ("person", "started", "ended", "outcome")
_QUESTION_KINDS = frozenset({"ask", "receive"})

AnswerRow: TypeAlias = tuple[Sequence[str], Mapping[RecordKey, str]]


class AnswerTable(msgspec.Struct):
    """What was read: a row for each dialogue, and why others have none."""

    rows: list[AnswerRow] = []
    columns: dict[RecordKey, None] = {}  # in the order first met
    unreadable: list[str] = []

    def add(self, stored: Talk) -> None:
        """Read one more."""
        try:
            answers_given = _answers_of(stored)
        except (JournalError, LookupError) as error:  # records that contradict each other
            self.unreadable.append(str(error))
            return
        self.columns |= dict.fromkeys(answers_given)
        times = (_iso_time(stored.started_at), _iso_time(stored.ended_at), stored.dialogue.ended)
        self.rows.append(((stored.theirs, *times), answers_given))


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
    table = asyncio.run(_read_answers(import_app(app), dialogue, only_ended=over))
    _write_csv(table)
    if table.unreadable:
        count, first = len(table.unreadable), table.unreadable[0]
        print(f"cooee: {count} cannot be read and left out, the first: {first}", file=sys.stderr)
        raise typer.Exit(1)


async def _read_answers(app: App[Any, Any], name: str, *, only_ended: bool) -> AnswerTable:
    table = AnswerTable()
    registered = app.routes.dialogue_named(name)
    names = (name,) if registered is None else (registered.name, *registered.former_names)
    async with open_configured_store() as store:
        for handler in names:
            async for stored in iterate_dialogues(store, handler=handler, include_ended=True):
                if stored.ended_at is not None or not only_ended:
                    table.add(stored)
    if registered is None and not table.rows and not table.unreadable:
        known_names = ", ".join(one.name for one in app.routes.dialogues) or "none"
        raise SettingError(
            f"There is no dialogue {name!r}, and never was. The app's: {known_names}."
        )
    return table


def _answers_of(stored: Talk) -> Mapping[RecordKey, str]:
    """Each question with the answer that counts: what was taken back, or is stale, does not."""
    records = JournalIndex(
        decode_journal(stored.dialogue.head, stored.dialogue.entries).entries
    ).records
    return {
        key: _answer_text(found.entry)
        for key, found in records.items()
        if key[0] in _QUESTION_KINDS
    }


def _write_csv(table: AnswerTable) -> None:
    names = _column_names(table.columns)
    rows = (
        [*fixed, *(answers_given.get(key, "") for key in names)]
        for fixed, answers_given in table.rows
    )
    text = io.StringIO(newline="")
    write = csv.writer(text, quoting=csv.QUOTE_MINIMAL).writerow
    for row in ([*_FIXED_COLUMNS, *names.values()], *rows):
        write(map(escape_formula, row))
    sys.stdout.flush()
    sys.stdout.buffer.write(text.getvalue().encode(errors="replace"))


def _column_names(keys: Iterable[RecordKey]) -> Mapping[RecordKey, str]:
    """What the columns are called: each otherwise, so that none is taken for another."""
    names: dict[RecordKey, str] = {}
    used = set(_FIXED_COLUMNS)
    for key in keys:
        kind, parts, prompt, n = key
        name = ": ".join((*parts, prompt or "(any text)")) + (f" ({n + 1})" if n else "")
        while name in used:
            name = f"{name} ({kind})"
        used.add(name)
        names[key] = name
    return names


def _answer_text(entry: JournalEntry) -> str:
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
        return _typed_answer_text(entry, value["$"], value["v"])
    return json.dumps(value, ensure_ascii=False)


def _typed_answer_text(entry: JournalEntry, kind: str, encoded: Any) -> str:
    """Return an answer of another type, as `value_codec` wrote it, without its class."""
    if kind == "datetime":
        return str(encoded[0])
    if kind == "timedelta":
        return str(timedelta(*encoded))
    if kind == "enum":
        return str(encoded[1])
    if isinstance(encoded, str) and kind != "bytes":
        return encoded
    return json.dumps(encoded, ensure_ascii=False) if entry.raw is None else entry.raw


def _iso_time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
