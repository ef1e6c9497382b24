"""The story of each text: who answered it, what it changed, what it wrote, how long it took."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from cooee.core.messages import Priority, Status
from cooee.phone.inspector import formatting as showing
from cooee.phone.inspector import row_rules as rows
from cooee.phone.inspector.journal_view import show_entry
from cooee.phone.inspector.story import (
    STATUS_NAMES,
    TIMER_RESULTS,
    OutboundView,
    Story,
    iso_from_stored,
    status_note,
)
from cooee.phone.ipc_messages import (
    HandlerCalled,
    HTTPExchange,
    LoggedEvent,
    RowsWritten,
    TimelineRecord,
    TurnEnded,
    TurnRef,
)
from cooee.storage.sqlite.change_feed import Change, Row
from cooee.storage.sqlite.columns import stamp

TextKey: TypeAlias = tuple[str, int]  # a conversation, in hex, and the number of a text in it

_MAX_STORIES = 120  # texts whose story is kept
_TIMER_ID_PREFIX = "alarm-"  # how the ids of stories without a text begin
_SET_ASIDE_NOTE = "It is set aside until you save a change, and is then played by itself."
_MAX_OTHER_EXCHANGES = 200  # exchanges kept that are not yet known to belong to a text


class Timeline:
    """Gathers reports into stories.

    Attributes:
        stories: by the id of their text, oldest first.
        letters: every text of ours that was seen in the outbox, by its place.
        forgotten: the ids of stories that made way for newer ones; whoever reads them clears them.
    """

    def __init__(self) -> None:
        self.dropped_ids: list[str] = []
        self.stories: dict[str, Story] = {}
        self.outbounds: dict[TextKey, OutboundView] = {}
        self._story_of_text: dict[TextKey, str] = {}
        self._stories_of_claim: dict[str, list[str]] = {}
        self._running_story: dict[str, str] = {}  # whose turn is under way, by conversation
        self._handler_of_dialogue: dict[str, str] = {}  # by the ids of their dialogues
        self._last_timer_story: dict[
            str, str
        ] = {}  # the last turn that had no text, by conversation
        self._last_story_at: dict[str, str] = {}  # of the newest story of each person
        self._sent_by_phones: deque[tuple[str, str, float]] = deque(maxlen=_MAX_STORIES)
        self._other_exchanges: dict[int, HTTPExchange] = {}
        self._story_of_exchange: dict[int, str] = {}  # exchanges that are not over, and their story
        self._person_of: dict[str, str] = {}
        self._last_seq: dict[str, int] = {}  # the text whose turn was last written, by conversation
        self._unwritten_replies: dict[
            str, list[str]
        ] = {}  # who said the replies not yet written, by person
        self._story_count = 0

    def note_text_sent(self, theirs: str, text: str, at: float) -> None:
        """A phone sent a text, which is not here yet."""
        self._sent_by_phones.append((theirs, text, at))

    def add_record(self, record: TimelineRecord) -> Iterator[Story]:
        """Take in a report; the stories that it changed."""
        match record:
            case RowsWritten():
                yield from self._on_rows_written(record)
            case HandlerCalled():
                yield from self._on_handler_called(record)
            case TurnEnded():
                yield from self._on_turn_ended(record)
            case LoggedEvent():
                yield from self._on_logged_event(record)
            case HTTPExchange():
                yield from self._on_http_exchange(record)

    # Rows

    def _on_rows_written(self, commit: RowsWritten) -> Iterator[Story]:
        unassigned: list[Change] = []
        for change in commit.changes:
            row = change.after or change.before or {}
            if change.table == "inbound" and change.verb == "insert":
                self._start_story(row)
            if change.table == "inbound" and row["id"].lower() in self.stories:
                self._story_of_text[row["conversation"], row["seq"]] = row["id"].lower()
            if change.table == "outbound" and change.after is not None:
                self._update_outbound(change.after)
            story = self._story_of_row(change, row)
            if story is None:
                unassigned.append(change)
                continue
            story.rows += map(
                showing.show_row, [*rows.take_same_conversation(unassigned, row), change]
            )
            if change.table == "dialogues" and story.by_timer:
                story.text = rows.describe_own_turn(change.before or {}) or story.text
            if change.table == "answers":
                _add_journal_step(story, row)
            if row.get("program") and rows.is_set_aside(change.table, row):
                story.note = _SET_ASIDE_NOTE
            yield story

    def _start_story(self, row: Row) -> None:
        at = iso_from_stored(row["sent_at"] or row["received_at"])
        theirs = self._person_of.get(row["conversation"], "")
        story = self._add_story(row["id"].lower(), theirs, row["text"], at)
        if row["status"] == 2:
            story.status = "opted out"
        for sent in self._sent_by_phones:
            if sent[:2] == (theirs, story.text):
                story.step_times["texted"] = sent[2]
                self._sent_by_phones.remove(sent)
                break

    def _add_story(self, id: str, theirs: str, text: str, at: str) -> Story:
        self._story_count += 1
        story = self.stories[id] = Story(id, theirs, text, at, self._story_count)
        story.gap_s = _seconds_between(self._last_story_at.get(theirs, at), at)
        self._last_story_at[theirs] = at
        while len(self.stories) > _MAX_STORIES:
            oldest = next(iter(self.stories))
            del self.stories[oldest]
            self.dropped_ids.append(oldest)
        return story

    def _update_outbound(self, row: Row) -> None:
        key = (row["conversation"], row["seq"])
        outbound = self.outbounds.get(key)
        if outbound is None:
            story_id = self._story_id_of_reply(row)
            id = f"{row['conversation'].lower()}-{row['seq']}"
            outbound = OutboundView(
                id, row["theirs"], row["text"], iso_from_stored(row["queued_at"]), story_id=story_id
            )
            self.outbounds[key] = outbound
            if story_id in self.stories:
                self.stories[story_id].outbounds.append(outbound)
        outbound.status, outbound.attempts = STATUS_NAMES[Status(row["status"])], row["attempts"]
        outbound.note = status_note(row)

    def _story_id_of_reply(self, row: Row) -> str:
        """Which text a new reply answers; its row knows the last of those answered together."""
        waiting = self._unwritten_replies.get(row["theirs"])
        if waiting and (row["class"] == Priority.REPLY or waiting[0].startswith(_TIMER_ID_PREFIX)):
            return waiting.pop(0)
        return self._story_of_text.get((row["conversation"], row["turn"]), "")

    def _story_of_row(self, change: Change, row: Row) -> Story | None:
        """Whose story a row belongs to."""
        conversation, seq = row.get("conversation") or row.get("id"), row.get("seq")
        running = self._running_story.get(str(conversation), "")
        match change.table:
            case "conversations":
                self._person_of[row["id"]] = row["theirs"]
                if running and rows.is_without_text(change, row):
                    return self.stories.get(running)
                seq = self._last_seq[row["id"]] = rows.seq_of_turn(change, row)
            case "states":
                if running.startswith(_TIMER_ID_PREFIX):
                    return self.stories.get(running)
                seq = self._last_seq.get(str(conversation), 0)
            case "dialogues":
                self._handler_of_dialogue[row["id"]] = row["handler"]
                return self._story_of_dialogue(row["id"], running)
            case "answers":
                text_id = show_entry(row["entry"])[1]
                return self.stories.get(text_id) or self._story_of_dialogue(
                    row["dialogue"], running
                )
            case "outbound" | "receipts":
                outbound = self.outbounds.get((str(conversation), seq or 0))
                return self.stories.get(outbound.story_id) if outbound else None
        return self.stories.get(self._story_of_text.get((str(conversation), seq or 0), ""))

    def _story_of_dialogue(self, id: str, running: str) -> Story | None:
        """The last of the turns under way that a dialogue had; it is known by its handler."""
        claim_stories = next(
            (turns for turns in self._stories_of_claim.values() if running in turns), []
        )
        stories = [self.stories[turn] for turn in claim_stories if turn in self.stories]
        own = [story for story in stories if story.handler == self._handler_of_dialogue.get(id)]
        return own[-1] if own else self.stories.get(running)

    # Turns

    def _on_handler_called(self, call: HandlerCalled) -> Iterator[Story]:
        for story in self._story_of_turn(call.turn, call.handler):
            story.handler = call.handler
            file, _, line = call.location.rpartition(":")
            story.location = f"{Path(file).name}:{line}"
            story.step_times["called"] = call.at
            yield story

    def _on_turn_ended(self, end: TurnEnded) -> Iterator[Story]:
        for story in self._story_of_turn(end.turn):
            story.state = showing.compare_states(end.state_before, end.state_after)
            story.error = end.error
            story.step_times["over"] = end.at
            story.step_times.setdefault("called", end.at)
            story.attempts += 1
            if story.by_timer and end.error is None:
                story.text = "reminded" if end.reply_count else "looked at the time"
            self._unwritten_replies.setdefault(story.theirs, []).extend(
                [story.id] * end.reply_count
            )
            yield story

    def _story_of_turn(self, turn: TurnRef, handler: str = "") -> Iterator[Story]:
        """The story of a turn; a dialogue's own turn has one from its first report on."""
        self._person_of[turn.conversation] = turn.theirs
        story = self.stories.get(turn.text_id) if turn.text_id else self._timer_story(turn, handler)
        if story is not None:
            self._running_story[turn.conversation] = story.id
            self._note_claim(turn.claim_id, story.id)
            yield story

    def _timer_story(self, turn: TurnRef, handler: str) -> Story:
        last = self.stories.get(self._last_timer_story.get(turn.conversation, ""))
        if last is not None and last.status != "answered":
            is_retry = last.error is not None and handler in {"", last.handler}
            if is_retry or "over" not in last.step_times:
                return last
        id = f"{_TIMER_ID_PREFIX}{self._story_count + 1}"
        self._last_timer_story[turn.conversation] = id
        story = self._add_story(id, turn.theirs, "an alarm rang", iso_from_stored(stamp(turn.now)))
        story.by_timer = True
        return story

    def _note_claim(self, claim: str, story_id: str) -> None:
        """Remember under which claim a turn is logged."""
        story_ids = self._stories_of_claim.setdefault(claim, [])
        if story_id not in story_ids:
            story_ids.append(story_id)
        if claim in self.stories and story_id in self.stories:
            claimed_at = self.stories[claim].step_times.get("claimed")
            if claimed_at is not None:
                self.stories[story_id].step_times["claimed"] = claimed_at

    # The log

    def _on_logged_event(self, event: LoggedEvent) -> Iterator[Story]:
        match event.name:
            case "received" | "received-again":
                yield from self._on_received(event)
            case "claimed":
                self._stories_of_claim.pop(event.turn, None)  # of a claim that was never committed
                self._unwritten_replies.pop(self._person_of.get(event.turn.upper(), ""), None)
                for story in self._find_story(event.turn):
                    story.step_times[event.name] = event.at
                    self._unwritten_replies.pop(story.theirs, None)
                    yield story
            case "finished":
                for story_id in self._stories_of_claim.pop(event.turn, []):
                    for story in self._find_story(story_id):
                        story.step_times[event.name] = event.at
                        story.status = "failed" if story.error else "answered"
                        yield story
                    self._running_story = {
                        who: one for who, one in self._running_story.items() if one != story_id
                    }
            case "recorded":
                for story in self._story_of_outbound(event.outbound):
                    story.step_times[event.name] = event.at
                    yield story
            case "receipt":
                for story in self._story_of_outbound(event.outbound):
                    self._story_of_exchange[event.exchange] = story.id
                    yield story
            case "turn-failed" | "turn-set-aside":
                for story in self._find_story(
                    self._stories_of_claim.get(event.turn, [event.turn])[-1]
                ):
                    is_retried = event.name == "turn-failed"
                    story.note = "It is tried again soon." if is_retried else "It was set aside."
                    yield story
            case "send-failed":
                for story in self._story_of_outbound(event.outbound):
                    story.note = event.message
                    yield story

    def _on_received(self, event: LoggedEvent) -> Iterator[Story]:
        for story in reversed(self.stories.values()):
            if (story.theirs, story.text) != (event.theirs, event.text):
                continue
            if event.name == "received-again":
                story.duplicates += 1
            elif "received" in story.step_times:
                continue
            story.step_times.setdefault("received", event.at)
            if event.exchange in self._other_exchanges:
                story.exchanges.append(self._other_exchanges.pop(event.exchange))
            elif event.exchange:
                self._story_of_exchange[event.exchange] = story.id
            yield story
            return

    # HTTP

    def _on_http_exchange(self, exchange: HTTPExchange) -> Iterator[Story]:
        stories = [*self._story_of_outbound(exchange.outbound)]
        if exchange.id in self._story_of_exchange:
            stories += self._find_story(self._story_of_exchange.pop(exchange.id))
        for story in stories:
            story.exchanges.append(exchange)
            yield story
        if not stories:
            self._other_exchanges[exchange.id] = exchange
            while len(self._other_exchanges) > _MAX_OTHER_EXCHANGES:
                del self._other_exchanges[next(iter(self._other_exchanges))]

    def _find_story(self, story_id: str) -> Iterator[Story]:
        if story_id in self.stories:
            yield self.stories[story_id]

    def _story_of_outbound(self, outbound: str) -> Iterator[Story]:
        conversation, _, seq = outbound.partition("-")
        found = self.outbounds.get((conversation.upper(), int(seq or 0)))
        if found is not None:
            yield from self._find_story(found.story_id)

    def other_exchanges(self) -> list[tuple[HTTPExchange, int]]:
        """The exchanges that brought and sent no text, with how often each was made in a row."""
        runs: list[tuple[HTTPExchange, int]] = []
        for exchange in self._other_exchanges.values():
            if runs and _is_repetition(runs[-1][0], exchange):
                runs[-1] = (exchange, runs[-1][1] + 1)
            else:
                runs.append((exchange, 1))
        return runs


def _add_journal_step(story: Story, row: Row) -> None:
    step, _ = show_entry(row["entry"])
    if step is None:
        return
    story.journal_steps = [
        *(known for known in story.journal_steps if known.question != step.question),
        step,
    ]
    if story.by_timer:
        story.text = TIMER_RESULTS.get(step.kind, story.text)


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _is_repetition(one: HTTPExchange, other: HTTPExchange) -> bool:
    names = ("from_app", "method", "url", "status", "response_body", "failure")
    return all(getattr(one, name) == getattr(other, name) for name in names)
