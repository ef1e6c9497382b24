"""`cooee send`: a text that we write first, from the command line."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli.open_store import open_configured_store, our_numbers_by_use, parse_person_number
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
    moment = None if at is None else _parse_moment(at)
    asyncio.run(_queue_text(to, text, ours=ours, key=key, at=moment))


async def _queue_text(
    to: str, text: str, *, ours: str | None, key: str | None, at: datetime | None
) -> None:
    from cooee.core.messages import Priority
    from cooee.runtime.opt_outs import refuse_if_opted_out
    from cooee.storage import Draft, Letter

    if not text.strip():
        raise SettingError('There are no words. Type: cooee send +61… "See you at 7."')
    async with open_configured_store() as store:
        sender = await _choose_our_number(store, ours)
        recipient = parse_person_number(to, near=sender)
        draft = Draft(text=text, kind=Priority.PROACTIVE, key=key, due_at=at)
        (id,) = await store.enqueue([Letter(sender, recipient, draft)])
        await refuse_if_opted_out(store, sender, recipient, "The text is kept, cancelled")
    print(f"Queued from {sender} to {recipient}: {id}")


async def _choose_our_number(store: Store, typed: str | None) -> str:
    """Our number: the one named, or the only one."""
    numbers = await our_numbers_by_use(store)
    if typed is not None:
        return parse_person_number(typed, near=numbers[0] if numbers else "")
    if len(numbers) == 1:
        return numbers[0]
    description = "which of our numbers" if numbers else "our number, since nobody has texted yet"
    choice = f" ({' or '.join(numbers)})" if numbers else ""
    raise SettingError(f"Say {description} it comes from{choice}: --from +61…")


def _parse_moment(typed: str) -> datetime:
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise SettingError(f"{typed!r} is no time. Type it like 2026-01-31T09:00+10:00.") from None
    if moment.tzinfo is None:
        raise SettingError(f"{typed!r} could be anywhere. Add the offset, like {typed}+10:00.")
    return moment
