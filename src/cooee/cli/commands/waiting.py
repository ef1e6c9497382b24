"""`cooee waiting`: the points where dialogues wait, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cooee.cli.load_app import import_app
from cooee.cli.open_store import open_configured_store
from cooee.cli.options import AppArgument, JSONOption
from cooee.cli.output import format_time, show_json, show_table
from cooee.runtime.operations import WaitingGroup, WaitPoint, group_waiting

if TYPE_CHECKING:
    from cooee.core.app.app import App


def waiting(
    app: AppArgument,
    *,
    json: JSONOption = False,
) -> None:
    """Show each open dialogue's question, and the people who are asked.

    For each line of the code that asks: the question, the number of people, and since when they
    wait; for a dialogue that sleeps, the time at which it goes on. The line is that of the code
    that asked, which may have been edited since.

    No dialogue is run. The command may be used beside a running app.
    """
    groups = asyncio.run(_group_waiting(import_app(app)))
    if json:
        show_json([_group_json(point, group) for point, group in groups.items()])
    elif groups:
        columns = ("how many", "since", "where", "dialogue", "waits for", "trouble")
        show_table(columns, [_group_row(point, group) for point, group in groups.items()])
    else:
        print("Nobody is in the middle of a dialogue.")


async def _group_waiting(app: App[Any, Any]) -> Mapping[WaitPoint, WaitingGroup]:
    async with open_configured_store() as store:
        return await group_waiting(app, store)


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
    first, last = map(format_time, period)
    return f"until {first}" if first == last else f"until {first} to {last}"


def _group_json(point: WaitPoint, group: WaitingGroup) -> dict[str, object]:
    until = dict(zip(("until", "until_last"), group.until or (None, None), strict=True))
    counts = {"question": group.question, "dialogues": group.dialogues, "since": group.since}
    return {**msgspec.structs.asdict(point), **counts, **until}
