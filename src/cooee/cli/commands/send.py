"""`cooee send`: a text that we write first, from the command line."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli.open_store import number, our_numbers, visited
from cooee.core.errors import SettingError

if TYPE_CHECKING:
    from cooee.storage import Store


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
    """Send a text. It is queued in the database; a running app sends it within a second.

    Who opted out is not texted: such a text is kept, cancelled, and that is an error.
    """
    moment = None if at is None else _moment(at)
    asyncio.run(_send(to, text, ours=ours, key=key, at=moment))


async def _send(
    to: str, text: str, *, ours: str | None, key: str | None, at: datetime | None
) -> None:
    from cooee.core.messages import Class
    from cooee.runtime.opt_outs import refuse_if_silent
    from cooee.storage import Draft, Letter

    if not text.strip():
        raise SettingError('There are no words. Type: cooee send +61… "See you at 7."')
    async with visited() as store:
        sender = await _ours(store, ours)
        recipient = number(to, near=sender)
        draft = Draft(text=text, kind=Class.STARTED, key=key, due_at=at)
        (id,) = await store.enqueue([Letter(sender, recipient, draft)])
        await refuse_if_silent(store, sender, recipient, "The text is kept, cancelled")
    print(f"Queued from {sender} to {recipient}: {id}")


async def _ours(store: Store, words: str | None) -> str:
    """Our number: the one named, or the only one."""
    known = await our_numbers(store)
    if words is not None:
        return number(words, near=known[0] if known else "")
    if len(known) == 1:
        return known[0]
    which = "which of our numbers" if known else "our number, since nobody has texted yet"
    choice = f" ({' or '.join(known)})" if known else ""
    raise SettingError(f"Say {which} it comes from{choice}: --from +61…")


def _moment(words: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise SettingError(f"{words!r} is no time. Type it like 2026-01-31T09:00+10:00.") from None
    if moment.tzinfo is None:
        raise SettingError(f"{words!r} could be anywhere. Add the offset, like {words}+10:00.")
    return moment
