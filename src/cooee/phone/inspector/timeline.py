"""Gathers timeline records into one story a text, and one view an outbound text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from cooee.phone.inspector.formatting import compare_states, format_utc
from cooee.phone.inspector.story import FINAL_STATUSES, STATUS_NAMES, OutboundView, Story
from cooee.phone.ipc_messages import (
    Cell,
    HandlerCalled,
    HTTPExchange,
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

_MAX_STORIES = 120
_MAX_OUTBOUNDS = 1_000
_MAX_OTHER_EXCHANGES = 200  # exchanges kept that belong to no text so far


class _ClaimedTurn(msgspec.Struct):
    """A turn of the claim under way: its story, and the replies that wait for the commit."""

    story: Story
    reply_count: int = 0


class _InboundText(msgspec.Struct):
    """A text with its story; `ref` has the store's id from the first claim on."""

    ref: TextRef
    story: Story


class Timeline:
    """Stories and outbound texts, as the app's process has reported them.

    Attributes:
        stories: by id, oldest first.
        outbounds: views of outbound texts, oldest first.
        dropped_ids: stories that made room for newer ones; the reader of this list clears it.
    """

    def __init__(self) -> None:
        self.stories: dict[str, Story] = {}
        self.outbounds: deque[OutboundView] = deque(maxlen=_MAX_OUTBOUNDS)
        self.dropped_ids: list[str] = []
        self._texts: deque[_InboundText] = deque(maxlen=_MAX_STORIES)
        self._turns: dict[str, list[_ClaimedTurn]] = {}  # by conversation
        self._last_timer_story: dict[str, Story] = {}  # by conversation
        self._last_story_at: dict[str, datetime] = {}  # by person
        self._sent_by_phones: deque[tuple[str, str, float]] = deque(maxlen=_MAX_STORIES)
        self._view_of: dict[str, OutboundView] = {}  # by the store's id of an outbound text
        self._other_exchanges: dict[int, HTTPExchange] = {}
        self._story_of_exchange: dict[int, Story] = {}  # for exchanges that are not over
        self._story_count = 0
        self._view_count = 0

    def note_text_sent(self, theirs: str, text: str, at: float) -> None:
        """Keep the moment at which a phone sent a text, for the story to come."""
        self._sent_by_phones.append((theirs, text, at))

    def add_record(self, record: TimelineRecord) -> Iterator[Story]:
        """Take in a record; yield the stories that it changes."""
        match record:
            case TextArrived():
                yield from self._on_text_arrived(record)
            case TextOptedOut():
                yield from self._on_text_opted_out(record)
            case TextsClaimed():
                yield from self._on_texts_claimed(record)
            case HandlerCalled():
                yield from self._on_handler_called(record)
            case TurnEnded():
                yield from self._on_turn_ended(record)
            case TurnsWritten():
                yield from self._on_turns_written(record)
            case OutboundChanged():
                yield from self._on_outbound_changed(record)
            case HTTPExchange():
                yield from self._on_http_exchange(record)

    # Texts in

    def _on_text_arrived(self, record: TextArrived) -> Iterator[Story]:
        if record.is_new:
            story = self._start_text_story(record.text)
            story.rows.append(record.row)
        else:
            found = [text for text in self._texts if _is_same_text(text.ref, record.text)]
            if not found:
                return
            story = found[-1].story
            story.duplicates += 1
        story.step_times.setdefault("received", record.at)
        self._await_exchange(record.exchange, story)
        yield story

    def _start_text_story(self, ref: TextRef) -> Story:
        self._story_count += 1
        story = self._add_story(f"text-{self._story_count}", ref.theirs, ref.text, ref.sent_at)
        self._texts.append(_InboundText(ref, story))
        for sent in self._sent_by_phones:
            if sent[:2] == (ref.theirs, ref.text):
                story.step_times["texted"] = sent[2]
                self._sent_by_phones.remove(sent)
                break
        return story

    def _add_story(self, id: str, theirs: str, text: str, at: datetime) -> Story:
        story = self.stories[id] = Story(id, theirs, text, format_utc(at), self._story_count)
        story.gap_s = (at - self._last_story_at.get(theirs, at)).total_seconds()
        self._last_story_at[theirs] = at
        while len(self.stories) > _MAX_STORIES:
            oldest = next(iter(self.stories))
            del self.stories[oldest]
            self.dropped_ids.append(oldest)
        return story

    def _on_text_opted_out(self, record: TextOptedOut) -> Iterator[Story]:
        for text in self._texts:
            if _is_same_text(text.ref, record.text):
                text.story.status = "opted out"
                yield text.story
        for outbound in self.outbounds:  # the store cancels queued texts with the opt-out
            if outbound.theirs == record.text.theirs and outbound.status == "queued":
                outbound.status, outbound.note = "failed", "opted out"

    def _on_texts_claimed(self, record: TextsClaimed) -> Iterator[Story]:
        self._turns[record.conversation] = []
        for ref in record.texts:
            story = self._story_of_claimed(ref)
            story.step_times["claimed"] = record.at
            yield story

    def _story_of_claimed(self, ref: TextRef) -> Story:
        """Return a claimed text's story; a text from before this page gets a story here."""
        found = self._find_text(ref.id) or next(
            (text for text in self._texts if not text.ref.id and _is_same_text(text.ref, ref)), None
        )
        if found is None:
            self._start_text_story(ref)
            found = self._texts[-1]
        found.ref = ref
        return found.story

    def _find_text(self, id: str) -> _InboundText | None:
        return next((text for text in self._texts if id and text.ref.id == id), None)

    # Turns

    def _on_handler_called(self, call: HandlerCalled) -> Iterator[Story]:
        for turn in self._claimed_turn(call.turn, call.handler):
            story = turn.story
            story.handler = call.handler
            file, _, line = call.location.rpartition(":")
            story.location = f"{Path(file).name}:{line}"
            story.step_times["called"] = call.at
            yield story

    def _on_turn_ended(self, end: TurnEnded) -> Iterator[Story]:
        for turn in self._claimed_turn(end.turn):
            story = turn.story
            story.state = compare_states(end.state_before, end.state_after)
            story.error = end.error
            story.step_times["over"] = end.at
            story.step_times.setdefault("called", end.at)
            story.attempts += 1
            if story.by_timer and end.error is None:
                story.text = "reminded" if end.reply_count else "looked at the time"
            turn.reply_count += end.reply_count
            yield story

    def _claimed_turn(self, ref: TurnRef, handler: str = "") -> Iterator[_ClaimedTurn]:
        """Yield a turn with its story; a dialogue's own turn gets a story by its first record."""
        text = self._find_text(ref.text_id)
        if ref.text_id and text is None:
            return
        story = text.story if text is not None else self._timer_story(ref, handler)
        turns = self._turns.setdefault(ref.conversation, [])
        if story not in [turn.story for turn in turns]:
            turns.append(_ClaimedTurn(story))
        yield next(turn for turn in turns if turn.story is story)

    def _timer_story(self, ref: TurnRef, handler: str) -> Story:
        last = self._last_timer_story.get(ref.conversation)
        if last is not None and last.status != "answered":
            is_retry = last.error is not None and handler in {"", last.handler}
            if is_retry or "over" not in last.step_times:
                return last
        self._story_count += 1
        id = f"timer-{self._story_count}"
        story = self._add_story(id, ref.theirs, "a timer was due", ref.now)
        story.by_timer = True
        self._last_timer_story[ref.conversation] = story
        return story

    # Commits

    def _on_turns_written(self, written: TurnsWritten) -> Iterator[Story]:
        turns = self._turns.get(written.conversation)
        if not turns:  # all texts of the claim were opt-out words, which have no turn
            return
        speakers = deque(turn.story for turn in turns for _ in range(turn.reply_count))
        changed = [turn.story for turn in turns]
        for row in written.rows:
            story = self._story_of_row(row, turns, speakers)
            story.rows.append(row.row)
            if row.cause and story.by_timer and story.handler == row.handler:
                story.text = row.cause
            story.add_journal_step(row.step)
            if row.reply:
                view = self._add_view(written.theirs, row.reply, written.now, story.id)
                story.outbounds.append(view)
            changed.append(story)
        if not written.is_checkpoint:
            turns[-1].story.note = written.note
            self._turns[written.conversation] = []
            for turn in turns:
                turn.story.step_times["finished"] = written.at
                turn.story.status = "failed" if turn.story.error else "answered"
        yield from {story.id: story for story in changed}.values()

    def _story_of_row(
        self, row: WrittenRow, turns: list[_ClaimedTurn], speakers: deque[Story]
    ) -> Story:
        if row.reply:  # a reply beyond the turns' own is the apology for the last one, which failed
            return speakers.popleft() if speakers else turns[-1].story
        text = self._find_text(row.text_id)
        if text is not None:
            return text.story
        own = [turn.story for turn in turns if turn.story.handler == row.handler]
        return own[-1] if own else turns[-1].story

    # Texts out

    def _on_outbound_changed(self, record: OutboundChanged) -> Iterator[Story]:
        view = self._find_view(record)
        status, note = STATUS_NAMES[record.status], record.note
        if view.status in FINAL_STATUSES:  # a receipt overtook its own attempt's result (law 6)
            status, note = view.status, view.note
        cells = [Cell("status", view.status, status)]
        if record.attempt:
            cells.append(Cell("attempts", str(view.attempts), str(record.attempt)))
            view.attempts = record.attempt
        view.status, view.note = status, note
        story = self.stories.get(view.story_id)
        if story is None:
            return
        story.rows.append(
            ShownRow("update", "outbound", tuple(cell for cell in cells if cell.changed))
        )
        if record.is_recorded:
            story.step_times["recorded"] = record.at
        if record.exchange:
            self._story_of_exchange[record.exchange] = story
        yield story

    def _find_view(self, record: OutboundChanged) -> OutboundView:
        """Return an outbound text's view, whose first attempt tells the store's id of a reply."""
        if record.id not in self._view_of:
            known = {id(view) for view in self._view_of.values()}
            self._view_of[record.id] = next(
                (
                    view
                    for view in self.outbounds
                    if id(view) not in known
                    and (view.theirs, view.text) == (record.theirs, record.text)
                ),
                None,
            ) or self._add_view(record.theirs, record.text, record.now)
        return self._view_of[record.id]

    def _add_view(self, theirs: str, text: str, at: datetime, story_id: str = "") -> OutboundView:
        self._view_count += 1
        id = f"outbound-{self._view_count}"
        view = OutboundView(id, theirs, text, format_utc(at), story_id=story_id)
        self.outbounds.append(view)
        return view

    # HTTP

    def _await_exchange(self, exchange: int, story: Story) -> None:
        """Show the exchange that caused a record in a story, now or once it is over."""
        if exchange in self._other_exchanges:
            story.exchanges.append(self._other_exchanges.pop(exchange))
        elif exchange:
            self._story_of_exchange[exchange] = story

    def _on_http_exchange(self, exchange: HTTPExchange) -> Iterator[Story]:
        stories = []
        view = self._view_of.get(exchange.outbound)
        if view is not None and view.story_id in self.stories:
            stories.append(self.stories[view.story_id])
        if exchange.id in self._story_of_exchange:
            stories.append(self._story_of_exchange.pop(exchange.id))
        for story in {story.id: story for story in stories}.values():
            story.exchanges.append(exchange)
            yield story
        if not stories:
            self._other_exchanges[exchange.id] = exchange
            while len(self._other_exchanges) > _MAX_OTHER_EXCHANGES:
                del self._other_exchanges[next(iter(self._other_exchanges))]

    def other_exchanges(self) -> list[tuple[HTTPExchange, int]]:
        """Return the exchanges of no text, with how often each was made in a row."""
        runs: list[tuple[HTTPExchange, int]] = []
        for exchange in self._other_exchanges.values():
            if runs and _is_repetition(runs[-1][0], exchange):
                runs[-1] = (exchange, runs[-1][1] + 1)
            else:
                runs.append((exchange, 1))
        return runs


def _is_same_text(one: TextRef, other: TextRef) -> bool:
    return (one.theirs, one.text, one.key) == (other.theirs, other.text, other.key)


def _is_repetition(one: HTTPExchange, other: HTTPExchange) -> bool:
    names = ("from_app", "method", "url", "status", "response_body", "failure")
    return all(getattr(one, name) == getattr(other, name) for name in names)
