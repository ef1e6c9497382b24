"""The troubles of a conversation, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.storage import StoredText

_LOST_STATUSES = {"unknown", "undelivered", "failed", "expired"}


def describe_troubles(history: Iterable[StoredText]) -> Sequence[str]:
    """Describe a history's failed turns and lost texts, a sentence each."""
    return [
        _describe_trouble(entry)
        for entry in history
        if entry.error or entry.status in _LOST_STATUSES
    ]


def _describe_trouble(entry: StoredText) -> str:
    if entry.direction == "in":
        return f"Answering {entry.text!r} failed ({entry.status}): {entry.error}"
    words = "; ".join(entry.notes) or entry.error
    return f"Our text {entry.text!r} is {entry.status}: {words}"
