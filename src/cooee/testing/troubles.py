"""The troubles of a conversation, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.runtime.operations import is_set_aside
from cooee.storage import DialogueRecord, StoredText

_LOST_STATUSES = {"unknown", "undelivered", "failed", "expired"}


def describe_troubles(
    history: Iterable[StoredText], dialogues: Iterable[DialogueRecord]
) -> Sequence[str]:
    """Describe failed turns and lost texts, a sentence each: of texts, then of timers."""
    texts = [
        _describe_trouble(entry)
        for entry in history
        if entry.error or entry.status in _LOST_STATUSES
    ]
    return [*texts, *(_describe_timer(each) for each in dialogues if each.failed_attempts)]


def _describe_trouble(entry: StoredText) -> str:
    if entry.direction == "in":
        return f"Answering {entry.text!r} failed ({entry.status}): {entry.error}"
    words = "; ".join(entry.notes) or entry.error
    return f"Our text {entry.text!r} is {entry.status}: {words}"


def _describe_timer(dialogue: DialogueRecord) -> str:
    status = "set aside" if is_set_aside(dialogue) else "pending"
    return f"Going on with {dialogue.handler} by itself failed ({status}): {dialogue.error}"
