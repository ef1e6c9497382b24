"""What a written row tells of the turn that it was written for."""

from __future__ import annotations

from collections.abc import Iterator

from cooee.phone.inspector.journal_view import read_head_progress
from cooee.storage.sqlite.change_feed import Change, Row

_SET_ASIDE = 1  # inbound.status


def is_without_text(change: Change, row: Row) -> bool:
    """Whether a conversation's row was written for no text of its own."""
    before = change.before or {"last_in": 0, "handled": 0}
    return bool(row["last_in"] == before["last_in"] and row["handled"] == before["handled"])


def describe_own_turn(before: Row) -> str:
    """What a dialogue's own turn was for, where its journal's head says so already."""
    turns, is_paused = read_head_progress(before["head"]) if before else (0, False)
    if not turns:
        return "began"
    return "came back to its question" if is_paused else ""


def is_set_aside(table: str, row: Row) -> bool:
    """Whether a row is of a text, or a dialogue, that nothing but another program brings back."""
    return bool(row["status"] == _SET_ASIDE if table == "inbound" else row.get("due_at") is None)


def seq_of_turn(change: Change, row: Row) -> int:
    """The text that a conversation's row was written for: it came, it is over, or it failed."""
    before = change.before or {"last_in": 0, "handled": 0}
    if row["last_in"] != before["last_in"]:
        return int(row["last_in"])
    return int(row["handled"] + (row["handled"] == before["handled"]))


def take_same_conversation(unassigned: list[Change], row: Row) -> Iterator[Change]:
    """Take out what was written before a text's own row, for the same conversation."""
    for change in [*unassigned]:
        written = change.after or {}
        if row.get("conversation") in {written.get("conversation"), written.get("id")}:
            unassigned.remove(change)
            yield change
