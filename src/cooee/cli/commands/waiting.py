"""`cooee waiting`: where everybody is who is in the middle of a dialogue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cooee.cli.commands.conversations import JSONOption
from cooee.cli.load_app import import_app
from cooee.cli.open_store import iterate_dialogues, open_configured_store
from cooee.cli.output import show_json, show_table
from cooee.core.app.app import App
from cooee.core.dialogue.journal import decode_journal
from cooee.core.errors import JournalError

if TYPE_CHECKING:
    from cooee.storage import Talk


class WaitPoint(msgspec.Struct, frozen=True):
    """A place where dialogues stand still, and how."""

    where: str
    dialogue: str
    state: str
    trouble: str = ""


class WaitingGroup(msgspec.Struct):
    """Those who are at one stop. `since` and the two ends of `until` are of all of them."""

    question: str
    dialogues: int = 0
    since: datetime | None = None
    until: tuple[datetime, datetime] | None = None
    has_other_questions: bool = False

    def add(self, question: str, since: datetime, until: datetime | None) -> None:
        """One more."""
        self.dialogues += 1
        self.has_other_questions |= question != self.question
        self.since = since if self.since is None else min(self.since, since)
        if until is not None:
            first, last = self.until or (until, until)
            self.until = min(first, until), max(last, until)


def waiting(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
    ],
    *,
    json: JSONOption = False,
) -> None:
    """Show where everybody is who is in the middle of a dialogue.

    That is at which line and question, how many, and since when. The line is that of the code that
    asked them, which may have been edited since. Who sleeps is shown with the time until which.
    No dialogue is run, and it may be used beside a running app.
    """
    groups = asyncio.run(_group_dialogues(import_app(app)))
    ordered = sorted(groups.items(), key=lambda one: -one[1].dialogues)
    if json:
        show_json([_group_json(stop, crowd) for stop, crowd in ordered])
    elif ordered:
        columns = ("how many", "since", "where", "dialogue", "waits for", "trouble")
        show_table(columns, [_group_row(stop, crowd) for stop, crowd in ordered])
    else:
        print("Nobody is in the middle of a dialogue.")


async def _group_dialogues(app: App[Any, Any]) -> dict[WaitPoint, WaitingGroup]:
    groups: dict[WaitPoint, WaitingGroup] = {}
    async with open_configured_store() as store:
        async for stored in iterate_dialogues(store):
            point, question, since, until = _wait_point_of(app, stored)
            groups.setdefault(point, WaitingGroup(question)).add(question, since, until)
    return groups


def _wait_point_of(
    app: App[Any, Any], stored: Talk
) -> tuple[WaitPoint, str, datetime, datetime | None]:
    """Where a dialogue is, what was asked there, since when and, asleep, until when."""
    record = stored.dialogue
    name, trouble = record.handler, _trouble_of(app, stored)
    try:
        journal = decode_journal(record.head, record.entries)
    except JournalError as error:
        return WaitPoint("", name, "unreadable", str(error)), "", stored.started_at, None
    waiting_for = journal.waiting
    if waiting_for is None:
        registered = app.routes.dialogue_named(name)
        where = "" if registered is None else registered.handler.location
        state = "about to be asked again" if journal.turn_count else "to begin"
        due = None if journal.turn_count else record.due_at
        return WaitPoint(where, name, state, trouble), "", stored.started_at, due
    if not waiting_for.expects_text:
        return (
            WaitPoint(waiting_for.location, name, "asleep", trouble),
            "",
            waiting_for.asked_at,
            waiting_for.due_at,
        )
    state = "put by" if waiting_for.paused else "asked"
    return (
        WaitPoint(waiting_for.location, name, state, trouble),
        waiting_for.prompt,
        waiting_for.asked_at,
        None,
    )


def _trouble_of(app: App[Any, Any], stored: Talk) -> str:
    name, record = stored.dialogue.handler, stored.dialogue
    if name in app.retired_dialogues:
        return "retired"
    if app.routes.dialogue_named(name) is None:
        return "not in this app"
    return "set aside" if record.error and record.due_at is None else ""


def _group_row(point: WaitPoint, group: WaitingGroup) -> Sequence[object]:
    where = point.where.replace(f"{Path.cwd()}/", "")
    return (
        f"{group.dialogues:,}",
        group.since,
        where,
        point.dialogue,
        _waits_for(point, group),
        point.trouble,
    )


def _waits_for(point: WaitPoint, group: WaitingGroup) -> str:
    until = "" if group.until is None else f" {_until_text(group.until)}"
    if point.state == "asleep" or not group.question:
        description = "any text" if point.state in {"asked", "put by"} else point.state
        return f"({description}{until})"
    others = " (and the like)" if group.has_other_questions else ""
    suspended = " (put by: another dialogue asks)" if point.state == "put by" else ""
    return f"{group.question}{others}{suspended}"


def _until_text(period: tuple[datetime, datetime]) -> str:
    first, last = (end.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") for end in period)
    return f"until {first}" if first == last else f"until {first} to {last}"


def _group_json(point: WaitPoint, group: WaitingGroup) -> dict[str, object]:
    until = dict(zip(("until", "until_last"), group.until or (None, None), strict=True))
    counts = {"question": group.question, "dialogues": group.dialogues, "since": group.since}
    return {**msgspec.structs.asdict(point), **counts, **until}
