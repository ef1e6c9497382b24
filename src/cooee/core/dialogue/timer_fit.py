"""The timer of a waiting dialogue, by the code of today (replay rule 11)."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from cooee.core.dialogue.dialogue_context import DialogueContext
from cooee.core.dialogue.journal import Journal, JournalIndex
from cooee.core.dialogue.replay import run_turn
from cooee.core.dialogue.waiting import Waiting


def has_timer_of(journal: Journal, code_version: str) -> bool:
    """Tell whether the timer of a dialogue was set by this version of the code."""
    return (journal.timer_version or journal.code_version) == code_version


def fit_timer(
    context: DialogueContext, journal: Journal, stored_state: bytes | None
) -> Waiting | None:
    """Return what a dialogue waits for, with its timer by today's code; None where that differs.

    The handler is run as of the dialogue's last turn, and nothing comes of the run but the timer.
    Where today's code does not stop at the same question or sleep, or comes to a once before, the
    dialogue is left as it is until its next text or timer.

    Raises:
        Exception: the handler's own error, or what refuses the code.
    """
    waiting = journal.waiting
    if waiting is None:
        return None
    flow = run_turn(context, journal, None, time_of_last_turn(journal), stored_state)
    try:
        next(flow)
    except StopIteration as done:
        outcome = done.value
    else:
        flow.close()
        return None
    today = outcome.journal.waiting
    if not outcome.ended and today is not None and today.key == waiting.key:
        return replace(waiting, due_at=today.due_at, deadline=today.deadline)
    if any(entry.kind == "slept" and entry.key == waiting.key for entry in outcome.entries):
        return replace(waiting, due_at=waiting.asked_at)  # today's sleep is over already
    return None


def time_of_last_turn(journal: Journal) -> datetime:
    """Return the time of the dialogue's last turn, at which no new timer is due.

    After a turn that was killed, return the time of its last record.
    """
    waiting = journal.waiting
    now = journal.started_at if waiting is None else waiting.asked_at
    if len(journal.entries) == journal.finished_count:
        return now
    records = JournalIndex(journal.entries).records.values()
    return max(
        [now, *(found.entry.at for found in records if found.position >= journal.finished_count)]
    )
