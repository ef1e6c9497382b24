"""A person's open dialogue, described in a line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from cooee.core.dialogue.journal import decode_journal
from cooee.core.errors import JournalError
from cooee.core.one_line import to_one_line
from cooee.runtime.operations import is_set_aside

if TYPE_CHECKING:
    from cooee.storage import DialogueRecord


def describe_dialogue(dialogue: DialogueRecord) -> str:
    """Describe the question or sleep of a waiting dialogue, and its failures."""
    position = f"In the middle of {dialogue.handler}: {_describe_waiting(dialogue)}"
    tries = f"{dialogue.failed_attempts} {'try' if dialogue.failed_attempts == 1 else 'tries'}"
    if is_set_aside(dialogue):
        return f"{position} Set aside after {tries}: {to_one_line(dialogue.error)}"
    return (
        f"{position} Failed, {tries} so far: {to_one_line(dialogue.error)}"
        if dialogue.error
        else position
    )


def _describe_waiting(dialogue: DialogueRecord) -> str:
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
