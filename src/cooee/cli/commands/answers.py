"""`cooee answers`: people's answers to a dialogue, as a table for a spreadsheet."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cooee.cli.csv_cells import escape_formula
from cooee.cli.load_app import import_app
from cooee.cli.open_store import open_configured_store
from cooee.cli.options import AppArgument, DialogueArgument
from cooee.cli.output import format_time
from cooee.runtime.answer_table import FIXED_COLUMNS, AnswerTable, read_answers

if TYPE_CHECKING:
    from cooee.core.app.app import App


def answers(
    app: AppArgument,
    dialogue: DialogueArgument,
    *,
    over: Annotated[
        bool, typer.Option("--over", help="Only those that have come to their end.")
    ] = False,
) -> None:
    """Print people's answers to a dialogue, as CSV.

    Each row is one run of the dialogue, from its beginning to its end. Each column is a question,
    named by its key or its words; a question asked twice has a second column with "(2)", and one
    that is asked inside the part "guest" begins with "guest: ".

    Dates and times are in ISO 8601; the columns "started" and "ended" are in UTC. A dialogue that
    still goes on has no "ended".

    A cell that a spreadsheet would take for a formula begins with an apostrophe; so do people's
    numbers. Answers that cannot be read are counted on standard error, and the exit status is 1.
    """
    table = asyncio.run(_read_answers(import_app(app), dialogue, only_ended=over))
    _write_csv(table)
    if table.unreadable:
        count, first = len(table.unreadable), table.unreadable[0]
        print(f"cooee: {count} cannot be read and left out, the first: {first}", file=sys.stderr)
        raise typer.Exit(1)


async def _read_answers(app: App[Any, Any], dialogue: str, *, only_ended: bool) -> AnswerTable:
    async with open_configured_store() as store:
        return await read_answers(app, store, dialogue, only_ended=only_ended)


def _write_csv(table: AnswerTable) -> None:
    text = io.StringIO(newline="")
    write = csv.writer(text, quoting=csv.QUOTE_MINIMAL).writerow
    write(map(escape_formula, (*FIXED_COLUMNS, *table.columns.values())))
    for row in table.rows:
        times = [
            "" if at is None else format_time(at, "T") for at in (row.started_at, row.ended_at)
        ]
        answers = (row.answers.get(key, "") for key in table.columns)
        write(map(escape_formula, (row.person, *times, row.ending, *answers)))
    sys.stdout.flush()
    sys.stdout.buffer.write(text.getvalue().encode(errors="replace"))
