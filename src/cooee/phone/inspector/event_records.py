"""Turns a service's events into timeline records: plain data for the page's process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cooee.core.messages import Inbound, Outbound, Status
from cooee.phone.inspector.app_error import describe_error
from cooee.phone.inspector.formatting import show_row, time_of_day
from cooee.phone.inspector.journal_view import describe_entry, read_head_progress, show_entry
from cooee.phone.ipc_messages import (
    HandlerCalled,
    OutboundChanged,
    ShownRow,
    TextArrived,
    TextOptedOut,
    TextRef,
    TextsClaimed,
    TimelineRecord,
    TurnEnded,
    TurnRef,
    TurnsWritten,
    WrittenRow,
)
from cooee.runtime import events
from cooee.storage import Claim, ClaimResult, DialogueUpdate, PendingText, TurnFailure

_SET_ASIDE_NOTE = "It is set aside until you save a change, and is then played by itself."
_LOST_NOTE = "The answer was lost. Whether it arrived is being found out."
_HELD_NOTE = "The answer was lost, and nobody can tell: it is held, and not sent twice."


class EventRecords:
    """Makes timeline records of one service's events.

    Args:
        folder: the folder of the app's own files.
        now: returns the app's time.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder, self._now = folder, now

    def make_record(self, event: events.Event, at: float, exchange: int) -> TimelineRecord | None:
        """Return the record of an event, None where the timeline does not show the event.

        Args:
            event: the service's event.
            at: the moment of the event, of `monotonic`.
            exchange: the number of the HTTP exchange that caused the event, 0 for none.
        """
        match event:
            case events.TextReceived(inbound, is_new):
                ref = _text_ref(inbound)
                return TextArrived(at, exchange, ref, is_new, _inbound_row(inbound))
            case events.OptOutRecorded(inbound, "out"):
                return TextOptedOut(_text_ref(inbound))
            case events.ConversationClaimed(claim):
                texts = [_text_ref(text.inbound, text.id.hex()) for text in claim.texts]
                return TextsClaimed(at, claim.conversation.hex(), texts)
            case events.HandlerStarted(claim, pending, handler):
                turn = self._turn_ref(claim, pending)
                return HandlerCalled(at, turn, handler.name, handler.location)
            case events.HandlerRan():
                return self._turn_ended(event, at)
            case events.CheckpointWritten(checkpoint):
                rows = _dialogue_rows(checkpoint.claim, [checkpoint.update])
                return self._turns_written(checkpoint.claim, at, rows, is_checkpoint=True)
            case events.TurnsCommitted(finish):
                note = _failure_note(finish.failure)
                return self._turns_written(finish.claim, at, _claim_rows(finish), note=note)
            case _:
                return self._outbound_changed(event, at, exchange)

    # Turns

    def _turn_ref(self, claim: Claim, pending: PendingText | None) -> TurnRef:
        text_id = "" if pending is None else pending.id.hex()
        return TurnRef(text_id, claim.conversation.hex(), claim.theirs, self._now())

    def _turn_ended(self, ran: events.HandlerRan, at: float) -> TurnEnded:
        error = None if ran.error is None else describe_error(ran.error, self._folder)
        before, after = (_state_json(state) for state in (ran.state_before, ran.state_after))
        turn = self._turn_ref(ran.claim, ran.pending)
        return TurnEnded(at, turn, before, after, error, ran.reply_count)

    def _turns_written(
        self, claim: Claim, at: float, rows: Iterable[WrittenRow], **more: Any
    ) -> TurnsWritten:
        conversation = claim.conversation.hex()
        return TurnsWritten(at, conversation, claim.theirs, self._now(), [*rows], **more)

    # Texts out

    def _outbound_changed(
        self, event: events.Event, at: float, exchange: int
    ) -> OutboundChanged | None:
        def change(outbound: Outbound, status: Status, **more: Any) -> OutboundChanged:
            ids = outbound.id, outbound.recipient, outbound.text
            return OutboundChanged(at, *ids, self._now(), status.name, **more)

        match event:
            case events.TextQueued(id, _, theirs, text):
                queued = Status.QUEUED.name
                return OutboundChanged(at, id, theirs, text, self._now(), queued)
            case events.AttemptStarted(outbound):
                return change(outbound, Status.SENDING, attempt=outbound.attempt)
            case events.AttemptRecorded(outbound, status, message, retry_at):
                note = _attempt_note(outbound, status, message, retry_at)
                return change(outbound, status, note=note, is_recorded=True)
            case events.AttemptHeld(outbound):
                return change(outbound, Status.UNKNOWN, note=_HELD_NOTE)
            case events.ReceiptApplied(outbound, status):
                return change(outbound, status, exchange=exchange)
        return None


def _text_ref(inbound: Inbound, id: str = "") -> TextRef:
    sent_at = inbound.sent_at or inbound.received_at
    key = inbound.key or inbound.provider_id
    return TextRef(id, inbound.sender, inbound.text, key, sent_at)


def _inbound_row(inbound: Inbound) -> ShownRow:
    names = ("sender", "text", "sent_at", "received_at")
    return show_row("insert", "inbound", {}, {name: getattr(inbound, name) for name in names})


def _claim_rows(finish: ClaimResult) -> Iterator[WrittenRow]:
    claim, failure = finish.claim, finish.failure
    before = {"handled": claim.handled_seq, "now": claim.last_turn_at}
    after = {"handled": finish.handled_seq, "now": finish.last_turn_at or claim.last_turn_at}
    yield WrittenRow(show_row("update", "conversations", before, after))
    if finish.state is not None:
        verb = "insert" if claim.state is None else "update"
        yield WrittenRow(show_row(verb, "states", {"state": claim.state}, {"state": finish.state}))
    if failure is not None:
        table = "dialogues" if failure.dialogue_id else "inbound"
        values = {"error": failure.error, "due_at": failure.retry_at}
        yield WrittenRow(show_row("update", table, {}, values))
    yield from _dialogue_rows(claim, finish.dialogue_updates)
    for draft in finish.drafts:
        outbound = {"text": draft.text, "class": draft.priority, "due_at": draft.due_at}
        yield WrittenRow(show_row("insert", "outbound", {}, outbound), reply=draft.text)


def _dialogue_rows(claim: Claim, updates: Iterable[DialogueUpdate]) -> Iterator[WrittenRow]:
    heads = {dialogue.id: dialogue.head for dialogue in claim.dialogues}
    for update in updates:
        handler, head = update.handler, heads.get(update.id)
        if update.head is not None:
            verb = "insert" if head is None else "update"
            after = {"handler": handler, "head": update.head, "due_at": update.due_at}
            row = show_row(verb, "dialogues", {"head": head}, after)
            yield WrittenRow(row, handler, cause=_own_turn_cause(head))
        for entry in update.entries:
            step, text_id = show_entry(entry)
            row = show_row("insert", "answers", {}, {"entry": describe_entry(entry)})
            yield WrittenRow(row, handler, text_id, step=step)


def _own_turn_cause(head_before: bytes | None) -> str:
    """Return why a dialogue had a turn by itself, "" where its head before does not say."""
    turns, is_paused = (0, False) if head_before is None else read_head_progress(head_before)
    if not turns:
        return "began"
    return "came back to its question" if is_paused else ""


def _failure_note(failure: TurnFailure | None) -> str:
    if failure is None:
        return ""
    if failure.retry_at is not None:
        return "It is tried again soon."
    return _SET_ASIDE_NOTE if failure.code_version else "It was set aside."


def _attempt_note(
    outbound: Outbound, status: Status, message: str, retry_at: datetime | None
) -> str:
    if status is Status.QUEUED and retry_at is not None:
        next_attempt = time_of_day(retry_at)[:-4]
        return f"Attempt {outbound.attempt} failed. The next is at {next_attempt}."
    if status is Status.UNKNOWN:
        return _HELD_NOTE if retry_at is None else _LOST_NOTE
    return message


def _state_json(state: bytes | None) -> str:
    return "null" if state is None else state.decode(errors="replace")
