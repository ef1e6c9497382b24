"""`cooee send`: queues a text to a person."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from cooee.cli.open_store import open_configured_store
from cooee.core.errors import SettingError
from cooee.runtime.operations import choose_our_number, parse_person_number, queue_text


def send(
    to: Annotated[str, typer.Argument(metavar="NUMBER", help="A person's number, like +61….")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The words.")],
    *,
    ours: Annotated[
        str | None,
        typer.Option("--from", metavar="NUMBER", help="Our number, where there are several."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Makes it idempotent: one text for each person and key.", metavar="WORD"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="Not before: 2026-01-31T09:00+10:00.", metavar="TIME"),
    ] = None,
) -> None:
    """Queue a text in the database; a running app sends the text within a second.

    A person who opted out is not texted: the text is kept as cancelled, and the command fails.
    """
    moment = None if at is None else _parse_moment(at)
    asyncio.run(_queue_text(to, text, ours=ours, key=key, at=moment))


async def _queue_text(
    to: str, text: str, *, ours: str | None, key: str | None, at: datetime | None
) -> None:
    if not text.strip():
        raise SettingError('There are no words. Type: cooee send +61… "See you at 7."')
    async with open_configured_store() as store:
        sender = await choose_our_number(store, ours)
        recipient = parse_person_number(to, near=sender)
        id = await queue_text(store, sender, recipient, text, key=key, at=at)
    print(f"Queued from {sender} to {recipient}: {id}")


def _parse_moment(typed: str) -> datetime:
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise SettingError(f"{typed!r} is no time. Type it like 2026-01-31T09:00+10:00.") from None
    if moment.tzinfo is None:
        raise SettingError(f"{typed!r} could be anywhere. Add the offset, like {typed}+10:00.")
    return moment
