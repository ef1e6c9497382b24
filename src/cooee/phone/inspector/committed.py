"""Describes a claim's commit: the changes that one transaction wrote, in a few words each."""

from __future__ import annotations

from collections.abc import Iterator

from cooee.core.dialogue.journal import decode_journal
from cooee.core.errors import JournalError
from cooee.storage import ClaimResult, DialogueRecord, DialogueUpdate, TurnFailure

TIMER_DUE = "a timer was due"
RESUMED = "came back to its question"
_SET_ASIDE_NOTE = "It is set aside until you save a change, and is then played by itself."


def describe_commit(result: ClaimResult) -> list[str]:
    """Return the changes of a commit, like *text 3 handled* or *2 replies queued*."""
    first, last = result.claim.handled_seq + 1, result.handled_seq
    changes = []
    if last >= first:
        changes.append(
            f"text {last} handled" if last == first else f"texts {first} to {last} handled"
        )
    if result.state is not None:
        changes.append("state saved")
    for update in result.dialogue_updates:
        changes += _describe_update(update)
    if result.drafts:
        changes.append(_count(len(result.drafts), "reply", "replies") + " queued")
    return changes


def describe_failure(failure: TurnFailure | None) -> str:
    """Return the sentence on a failed turn's text that is set aside, "" for any other text."""
    if failure is None or failure.retry_at is not None:
        return ""
    return _SET_ASIDE_NOTE if failure.code_version else "It was set aside."


def cause_of_own_turn(dialogue: DialogueRecord | None) -> str:
    """Return the reason for a turn that a dialogue has by itself, as far as its journal tells."""
    try:
        journal = None if dialogue is None else decode_journal(dialogue.head, dialogue.entries)
    except JournalError:
        journal = None
    if journal is None:
        return TIMER_DUE
    if not journal.turn_count:
        return "began"
    waiting = journal.waiting
    is_resumed = waiting is not None and (waiting.paused or waiting.re_ask)
    return RESUMED if is_resumed else TIMER_DUE


def _describe_update(update: DialogueUpdate) -> Iterator[str]:
    if update.entries:
        entries = _count(len(update.entries), "journal entry", "journal entries")
        yield f"{entries} of {update.handler}() added"
    if update.end_reason:
        yield f"{update.handler}() ended"
    elif update.due_at is not None:
        yield f"timer of {update.handler}() set"


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"
