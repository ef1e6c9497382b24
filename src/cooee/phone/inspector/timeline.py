"""Gathers a service's events into one story a text, and one view an outbound text."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from cooee.core.app.routes import Handler
from cooee.core.messages import Inbound, Outbound, Status
from cooee.core.own_code import is_own_file
from cooee.phone.inspector.committed import (
    RESUMED,
    TIMER_DUE,
    cause_of_own_turn,
    describe_commit,
    describe_failure,
)
from cooee.phone.inspector.consents import LIFTED, NOT_SENT, Consents
from cooee.phone.inspector.exchanges import Exchanges
from cooee.phone.inspector.formatting import compare_states, format_utc
from cooee.phone.inspector.reply_times import ReplyTimes
from cooee.phone.inspector.story import STATUS_NAMES, OutboundView, Story
from cooee.phone.ipc_messages import HTTPExchange, ServiceEvent, TimelineRecord
from cooee.runtime import events
from cooee.storage import Claim, ClaimResult, NewOutbound, PendingText

_MAX_STORIES = 120
_MAX_OUTBOUNDS = 1_000
_MAX_SENT = 1_000  # texts of phones that the app has not received yet
_LOST_NOTE = "The answer was lost. Whether it arrived is being found out."
_HELD_NOTE = "The answer was lost, and nobody can tell: it is held, and not sent twice."


class _SentText(NamedTuple):
    theirs: str
    text: str
    at: float
    network_id: str


class Timeline:
    """Stories and outbound texts, as the events of the app's service tell them.

    Attributes:
        consents: who has opted out.
        stories: by id, oldest first.
        outbounds: views of outbound texts, oldest first.
        exchanges: the HTTP exchanges, those of no text too.
        reply_times: how long the replies took.
        story_ids: the story of each text from a phone that the app has received, by the text's id
            in the simulated network; a story that made room for newer ones keeps its id.
        dropped_ids: stories that made room for newer ones; the reader of this list clears it.
    """

    def __init__(self, consents: Consents | None = None) -> None:
        self.consents = consents or Consents()
        self.stories: dict[str, Story] = {}
        self.outbounds: deque[OutboundView] = deque(maxlen=_MAX_OUTBOUNDS)
        self.dropped_ids: list[str] = []
        self.exchanges, self.reply_times = Exchanges(), ReplyTimes()
        self.story_ids: dict[str, str] = {}
        self._turns: dict[bytes, list[Story]] = {}  # of the claim under way, by conversation
        self._last_timer_story: dict[bytes, Story] = {}  # by conversation
        self._sent_by_phones: deque[_SentText] = deque(maxlen=_MAX_SENT)
        self._view_of: dict[str, OutboundView] = {}  # by the store's id of an outbound text
        self._story_count = self._view_count = 0

    def note_text_sent(self, theirs: str, text: str, at: float, network_id: str) -> None:
        """Keep the moment at which a phone sent a text, and its id in the simulated network."""
        self._sent_by_phones.append(_SentText(theirs, text, at, network_id))

    def add_record(self, record: TimelineRecord) -> Sequence[Story]:
        """Take in an event or an HTTP exchange; return the stories that it changes."""
        if isinstance(record, HTTPExchange):
            return self._on_exchange(record)
        match record.event:
            case events.TextReceived(inbound, is_new, id):
                return self._on_received(record, inbound, id, is_new=is_new)
            case events.OptOutRecorded(inbound, consent, id=id):
                story = self._text_story(id, inbound)
                story.consent = self.consents.change(inbound, consent)
                story.status = "opted out" if consent == "out" else story.status
                return [story]
            case events.ConversationClaimed(claim):
                return self._on_claimed(record, claim)
            case events.HandlerStarted(claim, pending, handler):
                return self._on_handler_started(record, claim, pending, handler)
            case events.HandlerRan() as ran:
                return self._on_handler_ran(record, ran)
            case events.CheckpointWritten(checkpoint):
                return self._add_steps(record, checkpoint.claim)
            case events.TurnsFinished(result):
                return self._on_finished(record, result)
            case events.LeaseExpired(claim) | events.CommitRefused(claim):
                return self._drop_drafts(claim)
            case events.TurnsCommitted(result):
                return self._on_committed(record, result)
            case _:
                return self._on_outbound_event(record)

    def stop_turns(self) -> Sequence[Story]:
        """Have every running turn wait, since its process has ended; return their stories."""
        stopped = [story for story in self.stories.values() if story.status == "running"]
        for story in stopped:
            story.status = "waiting"
        return stopped

    # Texts in

    def _on_received(
        self, record: ServiceEvent, inbound: Inbound, id: bytes, *, is_new: bool
    ) -> Sequence[Story]:
        story = self._text_story(id, inbound)
        story.consent = story.consent or self.consents.describe_help(inbound)
        story.duplicates += not is_new
        story.step_times.setdefault("received", record.at)
        self.exchanges.show_in(record.exchange, story)
        return [story]

    def _text_story(self, id: bytes, inbound: Inbound) -> Story:
        """Return a text's story; a text from before this page gets one at its first event."""
        if id.hex() in self.stories:
            return self.stories[id.hex()]
        theirs, sent_at = inbound.sender, inbound.sent_at or inbound.received_at
        story = self._add_story(id.hex(), theirs, inbound.text, sent_at)
        for sent in self._sent_by_phones:
            if (sent.theirs, sent.text) == (theirs, inbound.text):
                story.step_times["texted"] = sent.at
                self.story_ids[sent.network_id] = story.id
                self._sent_by_phones.remove(sent)
                break
        return story

    def _add_story(self, id: str, theirs: str, text: str, at: datetime) -> Story:
        earlier = [story.at for story in self.stories.values() if story.theirs == theirs]
        gap_s = (at - earlier[-1]).total_seconds() if earlier else 0.0
        self._story_count += 1
        story = self.stories[id] = Story(id, theirs, text, at, self._story_count, gap_s=gap_s)
        while len(self.stories) > _MAX_STORIES:
            oldest = next(iter(self.stories))
            del self.stories[oldest]
            self.dropped_ids.append(oldest)
        return story

    def _on_claimed(self, record: ServiceEvent, claim: Claim) -> Sequence[Story]:
        self._turns[claim.conversation] = []
        stories = [self._text_story(pending.id, pending.inbound) for pending in claim.texts]
        for story in stories:
            story.step_times["claimed"] = record.at
        return stories

    # Turns

    def _on_handler_started(
        self, record: ServiceEvent, claim: Claim, pending: PendingText | None, handler: Handler
    ) -> Sequence[Story]:
        story = self._turn_story(record, claim, pending, handler.name)
        file, _, line = handler.location.rpartition(":")
        story.handler = handler.name
        story.location = f"{Path(file).name}:{line}" if is_own_file(file) else ""
        story.step_times["called"] = record.at
        for end in ("over", "finished"):  # of an attempt before
            story.step_times.pop(end, None)
        story.status, story.retry_at = "running", ""
        return [story]

    def _on_handler_ran(self, record: ServiceEvent, ran: events.HandlerRan) -> Sequence[Story]:
        story = self._turn_story(record, ran.claim, ran.pending)
        story.state = compare_states(ran.state_before, ran.state_after)
        story.error, story.reply_count = record.error, ran.reply_count
        story.step_times["over"] = record.at
        story.step_times.setdefault("called", record.at)
        story.attempts += 1
        story.status = "waiting"
        if story.text == TIMER_DUE and ran.reply_count:
            story.text = "reminded"
        return [story]

    def _turn_story(
        self, record: ServiceEvent, claim: Claim, pending: PendingText | None, handler: str = ""
    ) -> Story:
        """Return the story of a turn, one of the claim's from now on."""
        if pending is None:
            story = self._timer_story(record, claim, handler)
        else:
            story = self._text_story(pending.id, pending.inbound)
        turns = self._turns.setdefault(claim.conversation, [])
        if story not in turns:
            turns.append(story)
        return story

    def _timer_story(self, record: ServiceEvent, claim: Claim, handler: str) -> Story:
        last = self._last_timer_story.get(claim.conversation)
        if last is not None and last.status != "answered":
            is_retry = last.error is not None and handler in {"", last.handler}
            if is_retry or "over" not in last.step_times:
                return last
        dialogue = next((one for one in claim.dialogues if one.handler == handler), None)
        id, cause = f"timer-{self._story_count + 1}", cause_of_own_turn(dialogue)
        if any(turn.consent == LIFTED for turn in self._turns.get(claim.conversation, ())):
            cause = RESUMED
        story = self._add_story(id, claim.theirs, cause, record.now)
        story.by_timer = True
        self._last_timer_story[claim.conversation] = story
        return story

    def _on_finished(self, record: ServiceEvent, result: ClaimResult) -> Sequence[Story]:
        """Show the drafts of turns before their commit, which may come after the first attempt."""
        turns = self._turns.get(result.claim.conversation, [])
        said_by = [story for story in turns for _ in range(story.reply_count)]
        # a reply beyond the turns' own is the apology for the last turn, which failed
        for draft, story in zip_longest(result.drafts, said_by, fillvalue=None):
            if draft is not None and turns:
                self._add_draft(record, result.claim.theirs, draft, story or turns[-1])
        return turns

    def _drop_drafts(self, claim: Claim) -> Sequence[Story]:
        """Take the drafts away of turns that were not committed."""
        turns = self._turns.pop(claim.conversation, [])
        dropped = {view.id for story in turns for view in story.outbounds}
        self.outbounds = deque(
            (view for view in self.outbounds if view.id not in dropped), _MAX_OUTBOUNDS
        )
        for story in turns:
            story.outbounds = []
        return turns

    def _on_committed(self, record: ServiceEvent, result: ClaimResult) -> Sequence[Story]:
        changed = self._add_steps(record, result.claim)
        turns = self._turns.pop(result.claim.conversation, [])
        for story in turns:
            story.step_times["finished"] = record.at
            story.status = "failed" if story.error else "answered"
            story.committed = describe_commit(result)
        for story in turns[-1:]:
            story.note = describe_failure(result.failure)
            retry_at = None if result.failure is None else result.failure.retry_at
            story.retry_at = "" if retry_at is None else format_utc(retry_at)
        return [*changed, *turns]

    def _add_draft(
        self, record: ServiceEvent, theirs: str, draft: NewOutbound, story: Story
    ) -> None:
        view = self._add_view(theirs, draft.text, record.now, story)
        view.media = draft.media
        if draft.due_at is not None and draft.due_at > record.now:
            view.retry_at = format_utc(draft.due_at)
        if draft.cancelled:
            view.status, view.note = STATUS_NAMES[Status.CANCELLED], NOT_SENT

    def _add_steps(self, record: ServiceEvent, claim: Claim) -> Sequence[Story]:
        """Show each committed record in its text's story, or in that of its handler's own turn."""
        turns, changed = self._turns.get(claim.conversation, []), []
        for step in record.journal_steps:
            own = [story for story in turns if story.handler == step.handler] or turns
            story = self.stories.get(step.text_id) or (own[-1] if own else None)
            if story is not None:
                story.add_journal_step(step)
                changed.append(story)
        return changed

    # Texts out

    def _on_outbound_event(self, record: ServiceEvent) -> Sequence[Story]:
        match record.event:
            case events.TextQueued(id, _, theirs, text):
                self._find_view(id, theirs, text, record.now)
            case events.TextsCancelled(outbounds, reason):
                note = NOT_SENT if reason == "opted out" else f"Not sent: {reason}."
                return [
                    story
                    for one in outbounds
                    for story in self._set_status(record, one, Status.CANCELLED, note)
                ]
            case events.AttemptStarted(outbound):
                return self._set_status(record, outbound, Status.SENDING)
            case events.AttemptRecorded(outbound, status, message, retry_at):
                note = _attempt_note(outbound, status, message, retry_at)
                return self._set_status(record, outbound, status, note, retry_at)
            case events.ReceiptApplied(outbound, status):
                return self._set_status(record, outbound, status)
        return ()

    def _set_status(
        self,
        record: ServiceEvent,
        outbound: Outbound,
        status: Status,
        note: str = "",
        retry_at: datetime | None = None,
    ) -> Sequence[Story]:
        view = self._find_view(outbound.id, outbound.recipient, outbound.text, record.now)
        view.attempts, view.media = max(view.attempts, outbound.attempt), outbound.media
        if view.status not in {"delivered", "failed"}:  # law 6: a receipt overtook the result
            view.status, view.note = STATUS_NAMES.get(status, "failed"), note
            is_queued = status is Status.QUEUED and retry_at is not None
            view.retry_at = format_utc(retry_at) if is_queued and retry_at else ""
        story = self.stories.get(view.story_id)
        if story is None:
            return ()
        if isinstance(record.event, events.AttemptStarted):
            self._note_reply(story, record.at)
        elif isinstance(record.event, events.AttemptRecorded):
            story.step_times["recorded"] = record.at
        elif isinstance(record.event, events.ReceiptApplied):
            self.exchanges.show_in(record.exchange, story)
        return [story]

    def _note_reply(self, story: Story, at: float) -> None:
        """Note when the first reply of a story left."""
        if "replied" not in story.step_times:
            story.step_times["replied"] = at
            if story.reply_ms is not None:
                self.reply_times.add(story.reply_ms)

    def _find_view(self, id: str, theirs: str, text: str, now: datetime) -> OutboundView:
        """Return an outbound text's view, whose first event tells the store's id of a reply."""
        if id not in self._view_of:
            known = {view.id for view in self._view_of.values()}
            sendable = (view for view in self.outbounds if view.status != "cancelled")
            unknown = (view for view in sendable if view.id not in known)
            same = (view for view in unknown if (view.theirs, view.text) == (theirs, text))
            self._view_of[id] = next(same, None) or self._add_view(theirs, text, now)
        return self._view_of[id]

    def _add_view(
        self, theirs: str, text: str, at: datetime, story: Story | None = None
    ) -> OutboundView:
        self._view_count += 1
        view = OutboundView(f"outbound-{self._view_count}", theirs, text, format_utc(at))
        if self.consents.has_opted_out(theirs):  # law 10: the store cancels it as it is queued
            view.status, view.note = STATUS_NAMES[Status.CANCELLED], NOT_SENT
        self.outbounds.append(view)
        if story is not None:
            view.story_id = story.id
            story.outbounds.append(view)
        return view

    def _on_exchange(self, exchange: HTTPExchange) -> Sequence[Story]:
        view = self._view_of.get(exchange.outbound)
        return self.exchanges.add(
            exchange, None if view is None else self.stories.get(view.story_id)
        )


def _attempt_note(
    outbound: Outbound, status: Status, message: str, retry_at: datetime | None
) -> str:
    if status is Status.QUEUED and retry_at is not None:
        return f"Attempt {outbound.attempt} failed."
    if status is Status.UNKNOWN:
        return _HELD_NOTE if retry_at is None else _LOST_NOTE
    return message
