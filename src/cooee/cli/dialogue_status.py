"""Where one person stands in their dialogues: a line for each that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cooee.core.dialogue.journal import read
from cooee.core.errors import JournalError
from cooee.core.messages import conversation_id
from cooee.core.one_line import one_line

if TYPE_CHECKING:
    from cooee.storage import Dialogue, Store

_MOST = 100  # dialogues of one person that anybody wants to see


async def of(store: Store, ours: str, theirs: str) -> Sequence[Dialogue]:
    """A person's dialogues that go on."""
    conversation = conversation_id(ours, theirs)
    page = await store.dialogues(after=(conversation, ""), limit=_MOST)
    return [talk.dialogue for talk in page if talk.conversation == conversation]


def stuck(dialogue: Dialogue) -> bool:
    """Whether its alarm was set aside."""
    return dialogue.attempts > 0 and dialogue.due_at is None


def told(dialogue: Dialogue) -> str:
    """Where a dialogue stands, in words."""
    place = f"In the middle of {dialogue.handler}: {_place(dialogue)}"
    tries = f"{dialogue.attempts} {'try' if dialogue.attempts == 1 else 'tries'}"
    if stuck(dialogue):
        return f"{place} Set aside after {tries}: {one_line(dialogue.error)}"
    return (
        f"{place} Failed, {tries} so far: {one_line(dialogue.error)}" if dialogue.error else place
    )


def _place(dialogue: Dialogue) -> str:
    try:
        waiting = read(dialogue.head, dialogue.entries).waiting
    except JournalError as error:
        return str(error)
    if waiting is None:
        return "about to begin."
    since, until = _at(waiting.asked_at), _at(waiting.due_at)
    looked = f", looked at again {until}" if until else ""
    if not waiting.asks:
        return f"asleep since {since}, until {until or 'another has ended'} ({waiting.line})."
    put_by = "put by, " if waiting.parked else ""
    asked = f"“{one_line(waiting.prompt)}”" if waiting.prompt else "any text"
    return f"{put_by}waits for {asked} since {since}{looked} ({waiting.line})."


def _at(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%SZ}"
