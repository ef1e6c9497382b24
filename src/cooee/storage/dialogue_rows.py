"""Rows of dialogues, the same in every database: heads with their journals and question texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.dialogue.question_texts import QuestionText
from cooee.core.messages import Status, outbound_id
from cooee.storage.columns import from_millis, from_millis_or_none
from cooee.storage.records import DialogueRecord
from cooee.storage.summaries import StoredDialogue


def make_open_dialogue(
    conversation: bytes, row: Sequence[Any], entries: Sequence[bytes]
) -> DialogueRecord:
    """Return an open dialogue as a claim carries it: its head, then its question's outbound."""
    return _make_dialogue(row[:7], entries, _make_question_text(conversation, row[7:]))


def make_stored_dialogue(row: Sequence[Any], entries: Sequence[bytes]) -> StoredDialogue:
    """Return a dialogue with its conversation, for operators."""
    conversation, ours, theirs, state, started_at, ended_at, *rest = row
    return StoredDialogue(
        conversation=conversation,
        ours=ours,
        theirs=theirs,
        state=state,
        started_at=from_millis(started_at),
        ended_at=from_millis_or_none(ended_at),
        dialogue=_make_dialogue(rest, entries),
    )


def _make_dialogue(
    row: Sequence[Any], entries: Sequence[bytes], question_text: QuestionText | None = None
) -> DialogueRecord:
    id, handler, head, due_at, attempts, error, ended = row
    return DialogueRecord(
        id=id,
        handler=handler,
        head=head,
        entries=entries,
        due_at=from_millis_or_none(due_at),
        failed_attempts=attempts,
        error=error,
        end_reason=ended,
        question_text=question_text,
    )


def _make_question_text(conversation: bytes, row: Sequence[Any]) -> QuestionText | None:
    seq, status, accepted_at, text, due_at, attempted_at = row
    if seq is None:
        return None
    return QuestionText(
        outbound_id(conversation, seq),
        Status(status),
        from_millis_or_none(accepted_at),
        text or "",
        from_millis_or_none(due_at),
        from_millis_or_none(attempted_at),
    )
