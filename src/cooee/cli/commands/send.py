"""`cooee send`: queues a text to a person."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli.open_store import open_configured_store
from cooee.cli.options import AtOption, KeyOption, OursOption, PersonArgument, parse_moment
from cooee.core.errors import SettingError
from cooee.runtime.operations import choose_our_number, parse_person_number, queue_text

if TYPE_CHECKING:
    from datetime import datetime


def send(
    to: PersonArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The words.")],
    *,
    ours: OursOption = None,
    key: KeyOption = None,
    at: AtOption = None,
) -> None:
    """Queue a text in the database; a running app sends the text within a second.

    A person who opted out is not texted: the text is kept as cancelled, and the command fails.
    """
    moment = None if at is None else parse_moment(at)
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
