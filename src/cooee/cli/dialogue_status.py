"""Where one person stands in their dialogues: a line for each that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cooee.core.dialogue.journal import decode_journal
from cooee.core.errors import JournalError
from cooee.core.messages import conversation_id
from cooee.core.one_line import to_one_line

if TYPE_CHECKING:
    from cooee.storage import Dialogue, Store

_MAX_DIALOGUES = 100  # dialogues of one person that anybody wants to see


async def open_dialogues(store: Store, ours: str, theirs: str) -> Sequence[Dialogue]:
    """A person's dialogues that go on."""
    conversation = conversation_id(ours, theirs)
    page = await store.dialogues(after=(conversation, ""), limit=_MAX_DIALOGUES)
    return [talk.dialogue for talk in page if talk.conversation == conversation]


def is_stuck(dialogue: Dialogue) -> bool:
    """Whether its alarm was set aside."""
    return dialogue.attempts > 0 and dialogue.due_at is None


def describe_dialogue(dialogue: Dialogue) -> str:
    """Where a dialogue stands, in words."""
    position = f"In the middle of {dialogue.handler}: {_describe_waiting(dialogue)}"
    tries = f"{dialogue.attempts} {'try' if dialogue.attempts == 1 else 'tries'}"
    if is_stuck(dialogue):
        return f"{position} Set aside after {tries}: {to_one_line(dialogue.error)}"
    return (
        f"{position} Failed, {tries} so far: {to_one_line(dialogue.error)}"
        if dialogue.error
        else position
    )


def _describe_waiting(dialogue: Dialogue) -> str:
    try:
        waiting = decode_journal(dialogue.head, dialogue.entries).waiting
    except JournalError as error:
        return str(error)
    if waiting is None:
        return "about to begin."
    since, until = _time_text(waiting.asked_at), _time_text(waiting.due_at)
    next_check = f", looked at again {until}" if until else ""
    if not waiting.expects_text:
        return f"asleep since {since}, until {until or 'another has ended'} ({waiting.location})."
    suspended = "put by, " if waiting.paused else ""
    question = f"“{to_one_line(waiting.prompt)}”" if waiting.prompt else "any text"
    return f"{suspended}waits for {question} since {since}{next_check} ({waiting.location})."


def _time_text(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%SZ}"
