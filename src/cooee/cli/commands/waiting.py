"""`cooee waiting`: where everybody is who is in the middle of a dialogue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cooee.cli.commands.conversations import AsJSON
from cooee.cli.load_app import load
from cooee.cli.open_store import dialogues, visited
from cooee.cli.output import show_json, show_table
from cooee.core.app.app import App
from cooee.core.dialogue.journal import read
from cooee.core.errors import JournalError

if TYPE_CHECKING:
    from cooee.storage import Talk


class Stop(msgspec.Struct, frozen=True):
    """A place where dialogues stand still, and how."""

    where: str
    dialogue: str
    state: str
    trouble: str = ""


class Crowd(msgspec.Struct):
    """Those who are at one stop. `since` and the two ends of `until` are of all of them."""

    question: str
    dialogues: int = 0
    since: datetime | None = None
    until: tuple[datetime, datetime] | None = None
    others: bool = False

    def add(self, question: str, since: datetime, until: datetime | None) -> None:
        """One more."""
        self.dialogues += 1
        self.others |= question != self.question
        self.since = since if self.since is None else min(self.since, since)
        if until is not None:
            first, last = self.until or (until, until)
            self.until = min(first, until), max(last, until)


def waiting(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
    ],
    *,
    json: AsJSON = False,
) -> None:
    """Show where everybody is who is in the middle of a dialogue.

    That is at which line and question, how many, and since when. The line is that of the code that
    asked them, which may have been edited since. Who sleeps is shown with the time until which.
    No dialogue is run, and it may be used beside a running app.
    """
    crowds = asyncio.run(_count(load(app)))
    ordered = sorted(crowds.items(), key=lambda one: -one[1].dialogues)
    if json:
        show_json([_plain(stop, crowd) for stop, crowd in ordered])
    elif ordered:
        columns = ("how many", "since", "where", "dialogue", "waits for", "trouble")
        show_table(columns, [_row(stop, crowd) for stop, crowd in ordered])
    else:
        print("Nobody is in the middle of a dialogue.")


async def _count(app: App[Any, Any]) -> dict[Stop, Crowd]:
    crowds: dict[Stop, Crowd] = {}
    async with visited() as store:
        async for talk in dialogues(store):
            stop, question, since, until = _place(app, talk)
            crowds.setdefault(stop, Crowd(question)).add(question, since, until)
    return crowds


def _place(app: App[Any, Any], talk: Talk) -> tuple[Stop, str, datetime, datetime | None]:
    """Where a dialogue is, what was asked there, since when and, asleep, until when."""
    kept = talk.dialogue
    name, trouble = kept.handler, _trouble(app, talk)
    try:
        journal = read(kept.head, kept.entries)
    except JournalError as error:
        return Stop("", name, "unreadable", str(error)), "", talk.started_at, None
    at = journal.waiting
    if at is None:
        found = app.routes.named(name)
        where = "" if found is None else found.handler.where
        state = "about to be asked again" if journal.turn else "to begin"
        due = None if journal.turn else kept.due_at
        return Stop(where, name, state, trouble), "", talk.started_at, due
    if not at.asks:
        return Stop(at.line, name, "asleep", trouble), "", at.asked_at, at.due_at
    state = "put by" if at.parked else "asked"
    return Stop(at.line, name, state, trouble), at.prompt, at.asked_at, None


def _trouble(app: App[Any, Any], talk: Talk) -> str:
    name, kept = talk.dialogue.handler, talk.dialogue
    if name in app.retired:
        return "retired"
    if app.routes.named(name) is None:
        return "not in this app"
    return "set aside" if kept.error and kept.due_at is None else ""


def _row(stop: Stop, crowd: Crowd) -> Sequence[object]:
    where = stop.where.replace(f"{Path.cwd()}/", "")
    return (
        f"{crowd.dialogues:,}",
        crowd.since,
        where,
        stop.dialogue,
        _words(stop, crowd),
        stop.trouble,
    )


def _words(stop: Stop, crowd: Crowd) -> str:
    until = "" if crowd.until is None else f" {_until(crowd.until)}"
    if stop.state == "asleep" or not crowd.question:
        what = "any text" if stop.state in {"asked", "put by"} else stop.state
        return f"({what}{until})"
    more = " (and the like)" if crowd.others else ""
    by = " (put by: another dialogue asks)" if stop.state == "put by" else ""
    return f"{crowd.question}{more}{by}"


def _until(ends: tuple[datetime, datetime]) -> str:
    first, last = (end.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") for end in ends)
    return f"until {first}" if first == last else f"until {first} to {last}"


def _plain(stop: Stop, crowd: Crowd) -> dict[str, object]:
    ends = dict(zip(("until", "until_last"), crowd.until or (None, None), strict=True))
    told = {"question": crowd.question, "dialogues": crowd.dialogues, "since": crowd.since}
    return {**msgspec.structs.asdict(stop), **told, **ends}
