"""The state of one replay: the journal, the place reached in it, and the new entries."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Sequence
from contextvars import copy_context
from datetime import datetime, tzinfo
from typing import Any, NoReturn, TypeAlias

from msgspec.structs import replace

from cooee.core.app.chat import Chat
from cooee.core.app.dialogue_verbs import DialogueVerbs, Restart
from cooee.core.dialogue.call_sites import definition_location, user_location
from cooee.core.dialogue.dialogue_context import DialogueContext
from cooee.core.dialogue.divergence import Divergence
from cooee.core.dialogue.error_messages import (
    foreign_await_message,
    lost_restart_message,
    no_opening_message,
    unawaited_message,
)
from cooee.core.dialogue.journal import (
    NO_KEY,
    Journal,
    JournalEntry,
    JournalIndex,
    OpeningText,
    StoredRecord,
    derive_id,
)
from cooee.core.dialogue.questions import IncomingText, QuestionStep
from cooee.core.dialogue.replayed_state import ReplayedState
from cooee.core.dialogue.said_texts import SaidTexts
from cooee.core.dialogue.step_keys import StepKeys
from cooee.core.dialogue.waiting import RecordKey, Waiting
from cooee.core.errors import (
    DialogueError,
    Ended,
    ForeignAwait,
    NoDialogue,
    NotAwaited,
)
from cooee.core.messages import Inbound
from cooee.core.parsing.answers import ParseContext

Verb: TypeAlias = Coroutine[Any, Any, Any]
"""The coroutine of a verb, to be awaited before the next verb is called."""


class Run:
    """One run of a handler, from its first line to a question without a record, or to its end.

    A run is *active* (verbs return recorded answers), then *leaving* (verbs block for ever, so
    `finally` blocks run but loops cannot continue), then *closed* (verbs raise `NoDialogue`). From
    `chat.end()` on it is *ended*: silent, and only a once is still called.
    """

    # Without slots, Python looks up the attributes of a class with over 30 of them in a dict: a
    # fifth of a turn's time.
    # Not a line for each name, which would hide the class.
    __slots__ = (
        "_finished_count", "_seeded_random", "active", "caught_failure", "chat", "closed",
        "context", "context_vars", "coroutine", "divergence", "ended", "fatal_error",
        "index", "journal", "keys", "last_answer", "last_key", "leaving", "new_entries",
        "now", "once_token", "reached_frontier", "reached_waiting", "records",
        "restart_location", "said_texts", "same_code", "state", "step", "stored_state",
        "suspended_at", "taken_count", "text", "text_consumed", "turn_number",
        "unawaited_verb", "unfinished_keys", "waiting_key", "warnings",
    )  # fmt: skip

    def __init__(
        self,
        context: DialogueContext,
        journal: Journal,
        text: IncomingText | None,
        now: datetime,
        verbs: Callable[[Run], DialogueVerbs],
    ) -> None:
        self.context, self.journal, self.text, self.now = context, journal, text, now
        self.index = JournalIndex(journal.entries)
        self.records = self.index.records
        # The key at which the last turn stopped, and the furthest one of all turns: reached yet?
        self.same_code = journal.code_version == context.code_version
        self.waiting_key = None if journal.waiting is None else journal.waiting.key
        self.reached_waiting = self.waiting_key is None
        self.reached_frontier = journal.frontier is None
        # The new entries and texts of this turn
        self.turn_number = journal.turn_count + 1
        self.new_entries: list[JournalEntry] = []
        self.taken_count = 0
        self._finished_count = journal.finished_count
        self.unfinished_keys = set(journal.unfinished_keys)
        if len(journal.entries) > journal.finished_count:
            since = journal.finished_count
            self.unfinished_keys |= {
                key for key, one in self.records.items() if one.position >= since
            }
        self.said_texts = SaidTexts()
        self.text_consumed = False
        self.suspended_at: Waiting | None = None
        self.step: QuestionStep | None = None
        self.warnings: list[str] = []
        # The present place in the handler and in the journal
        self.keys = StepKeys()
        self.last_key: RecordKey = NO_KEY
        self.last_answer: JournalEntry | None = None
        self._seeded_random: random.Random | None = None
        # Active, leaving, closed
        self.active, self.ended, self.leaving, self.closed = True, False, False, False
        self.once_token = ""  # not "" while a once is being called
        self.coroutine: Any = None
        self.context_vars = copy_context()
        self.unawaited_verb: tuple[str, Verb] | None = None
        self.restart_location = ""  # not "" from a restart on, until its value is returned
        self.caught_failure: JournalEntry | None = None
        self.fatal_error: Exception | None = None
        self.divergence: Divergence | None = None
        state, unknown_fields = context.codec.decode(journal.initial_state)
        self.chat: Chat[Any, Any] = self._chat(state, verbs(self))
        self.stored_state: bytes | None = None
        self.state = ReplayedState(self.chat, context.codec, unknown_fields, self.index.diffs)
        if self.reached_waiting and context.others_are_open:
            self.state.begin_turn()

    def _chat(self, state: Any, verbs: DialogueVerbs) -> Chat[Any, Any]:
        return Chat(
            state=state,
            services=self.context.services,
            now=self.journal.started_at,
            message=None,
            ours=self.context.ours,
            theirs=self.context.theirs,
            token=None,
            read_history=self.context.read_history,
            find_zone=self.context.find_zone,
            dialogue=verbs,
        )

    # Verbs without a wait

    def say(self, text: object, key: str | None) -> None:
        """Say a text; it is sent unless an earlier turn sent it."""
        if self.leaving or self.ended or self.once_token:
            self._check_verb_allowed("say")
            return
        if self.unawaited_verb is not None or self.caught_failure is not None:
            self.flush_pending()
        try:
            self.said_texts.add(text, key)
        except DialogueError as error:
            self.fail_turn(error)
            raise

    def end(self, text: object) -> NoReturn:
        """Say a last text, and end the dialogue by raising `Ended`."""
        self.say(text, None)
        # replay rule 14: where the handler catches it, it is told and asked nothing more.
        self.ended, self.active = self.ended or not self.leaving, False
        raise Ended("The dialogue was ended.")

    def restart(self) -> Restart:
        """Return the value with which a handler restarts its dialogue."""
        self.check_open()
        if self.active:
            self.flush_pending()
            self.restart_location = user_location()
        return Restart()

    @property
    def token(self) -> str:
        """Return an id of this step: the same in every replay, and in every attempt of a once."""
        return self.once_token or derive_id(self.journal.id, self.last_key)

    @property
    def seeded_random(self) -> random.Random:
        """Return a random generator, seeded anew after each answer."""
        # replay rule 5: the seed is the dialogue and the last key, so each replay draws alike.
        if self._seeded_random is None:
            self._seeded_random = random.Random(self.token)  # noqa: S311 -- it has to be repeatable
        return self._seeded_random

    @property
    def message(self) -> Inbound:
        """Return the text of the last answer, or before it the text that began the dialogue.

        Raises:
            DialogueError: `App.start` began the dialogue, and nobody has answered yet.
        """
        answer, opening = self.last_answer, self.journal.opening
        if answer is not None:
            text, at, media = answer.raw or "", answer.at, answer.media
        elif isinstance(opening, OpeningText):
            text, at, media = opening.text, self.journal.started_at, opening.media
        elif opening is None:
            raise DialogueError(no_opening_message(user_location()))
        else:  # an older cooee did not store the text
            text, at, media = "", self.journal.started_at, ()
        ours, theirs = self.context.ours, self.context.theirs
        return Inbound(sender=theirs, recipient=ours, text=text, received_at=at, media=media)

    def check_history_allowed(self) -> None:
        """Fail the turn unless a once reads the history: no replay could repeat it."""
        if not self.once_token:
            raise self.fail_turn(
                ForeignAwait(foreign_await_message("chat.history(…)", user_location()))
            )

    # For the verbs

    def opened_verb(self, name: str, verb: Verb) -> Verb:
        """Remember a verb that has to be awaited before another verb is called."""
        ready = self.active and not self.once_token and not self.restart_location
        if not ready or self.unawaited_verb is not None or self.caught_failure is not None:
            try:
                self._make_room_for_verb(name)
            except Exception:
                verb.close()
                raise
        self.unawaited_verb = name, verb
        return verb

    def _make_room_for_verb(self, name: str) -> None:
        self._check_verb_allowed(name)
        if self.leaving:
            self._close_unawaited_verb()
        else:
            self.flush_pending()

    def _check_verb_allowed(self, name: str) -> None:
        self.check_open()
        if self.once_token:
            raise NoDialogue(
                f"chat.{name}(…) cannot be used by what is done once: it would not be replayed."
            )

    def _close_unawaited_verb(self) -> str:
        """Close the verb that was not awaited, so that Python does not warn; return its name."""
        if self.unawaited_verb is None:
            return ""
        (name, verb), self.unawaited_verb = self.unawaited_verb, None
        verb.close()
        return name

    def flush_pending(self) -> None:
        """Refuse a verb without `await`, and record the failure of a once if it was caught."""
        if self.restart_location:
            raise self.fail_turn(NotAwaited(lost_restart_message(self.restart_location)))
        if self.unawaited_verb is not None:
            message = unawaited_message(self._close_unawaited_verb(), self._current_location())
            raise self.fail_turn(NotAwaited(message))  # replay rule 13
        if self.caught_failure is not None:
            failure, self.caught_failure = self.caught_failure, None
            self.deliver_record(failure.key, self.add_record(failure))

    def _current_location(self) -> str:
        """Return the running line of the handler, or its first line once it has returned."""
        running = self.coroutine is not None and self.coroutine.cr_running
        return user_location() if running else definition_location(self.context.function)

    def parse_context(self, at: datetime) -> ParseContext:
        """Return the time and the places that a text is parsed with."""
        return ParseContext(at, self._find_zone, self.context.ours, self.context.theirs)

    def _find_zone(self) -> tzinfo:
        return self.chat.zone

    def consume_text(self) -> None:
        """Mark the text of this turn as consumed by its question."""
        self.text, self.text_consumed = None, True

    def add_entry(self, entry: JournalEntry) -> int:
        """Append an entry, and return its position in the journal."""
        position = len(self.journal.entries) + len(self.new_entries)
        self.new_entries.append(entry)
        self.index.add_entry(entry, position)
        return position

    def add_record(self, entry: JournalEntry) -> StoredRecord:
        """Append a record, and return it with its position."""
        self.add_entry(entry)
        return self.records[entry.key]

    def add_step_record(self, entry: JournalEntry) -> StoredRecord:
        """Append the record of a question or a sleep, and return it with its position."""
        record = self.add_record(entry)
        has_changes_ahead = self.state.has_changes_ahead
        if has_changes_ahead and not self.reached_frontier and entry.key != self.journal.frontier:
            # replay rule 8: the changes by others that this run has not come to yet happened after
            # records that it has not come to either. They are not this new record's past.
            last = self.records.get(self.last_key)
            place = self.index.early_places.get(
                self.last_key, -1 if last is None else last.position
            )
            self.add_entry(
                JournalEntry("early", entry.key, self.now, self.turn_number, None, place)
            )
        return record

    def deliver_record(self, key: RecordKey, found: StoredRecord) -> JournalEntry:
        """Return the recorded entry, and move the clock, state and random seed to its moment."""
        entry, already_sent = found.entry, found.position < self._finished_count
        if not self.reached_waiting and key == self.waiting_key:
            self.reached_waiting = already_sent = True
            if self.context.others_are_open:
                self.state.apply_changes_until(found.position)
                self.state.begin_turn()
        if not self.reached_frontier and key == self.journal.frontier:
            self.reached_frontier = True
        if self.state.has_changes_ahead:
            self.state.apply_changes_until(self.index.early_places.get(key, found.position))
        if self.unfinished_keys and key in self.unfinished_keys:
            # A turn crashed after this record, so the texts said before it were never sent.
            self.unfinished_keys.remove(key)
            already_sent = key == self.waiting_key
        self.last_key, self._seeded_random = key, None
        if key[0] != "once":  # a once commits in mid-turn: texts said before it are still to send
            if already_sent and self.said_texts.unsent:
                # replay rule 6: an earlier turn sent the texts said before a recorded answer.
                self.said_texts.unsent.clear()
            if entry.raw is not None:
                self.last_answer = entry
            if entry.at > self.chat.now:  # noqa: PLR1730 -- this line is run for every answer
                self.chat.now = entry.at
        return entry

    def suspend(self, key: RecordKey, waiting: Waiting, step: QuestionStep | None) -> None:
        """Stop the run at a question or a sleep."""
        if key == self.journal.frontier:
            self.reached_frontier = True
        if key == self.waiting_key:
            self.reached_waiting = True
        self.suspended_at, self.step = waiting, step

    # From active to leaving to closed

    def fail_turn(self, error: Exception) -> Exception:
        """Fail this turn, even if the handler swallows the error; return the error to raise."""
        if not self.leaving and self.fatal_error is None:
            self.fatal_error, self.active = error, False
        return error

    @property
    def may_call_once(self) -> bool:
        """Return whether a once is called: in an active run, and in `finally` after an end."""
        return self.active or (self.ended and not self.leaving and self.fatal_error is None)

    def start_leaving(self) -> None:
        """Let `finally` blocks run from here on, with verbs that block and a silent `say`."""
        self.active, self.leaving = False, True

    def check_open(self) -> None:
        """Refuse a chat that a handler kept after its turn.

        Raises:
            NoDialogue: the turn is over.
        """
        if self.closed:
            raise NoDialogue("This chat belongs to a turn that is over. Use the one at hand.")

    def close(self) -> None:
        """Release everything that a kept chat would hold in memory."""
        self.closed, self.step = True, None
        self._close_unawaited_verb()
        self.new_entries, self.said_texts, self.records = [], SaidTexts(), {}
        self.keys = StepKeys()

    def mark_sent(self, sent_ids: Sequence[str]) -> None:
        """Record ids of sent texts in the last uncommitted entry, or in an entry of their own."""
        # An entry that a once has committed is on disk already, and cannot take the ids any more.
        if self.taken_count < len(self.new_entries):
            self.new_entries[-1] = replace(self.new_entries[-1], sent_ids=tuple(sent_ids))
        else:
            at, turn = self.now, self.turn_number
            self.add_entry(JournalEntry("sent", NO_KEY, at, turn, sent_ids=tuple(sent_ids)))

    def take_uncommitted(self) -> Sequence[JournalEntry]:
        """Return the entries that no commit has taken yet, and count them as taken."""
        entries, self.taken_count = self.new_entries[self.taken_count :], len(self.new_entries)
        return tuple(entries)
