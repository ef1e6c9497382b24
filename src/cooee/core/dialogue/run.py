"""One run of a handler against its journal: what was recorded, and what has come to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime, tzinfo
from typing import Any, NoReturn, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.app.chat import Chat, DialogueVerbs, HistoryReader, Restart
from cooee.core.app.state_codec import StateCodec
from cooee.core.dialogue.call_sites import (
    CallChain,
    definition_location,
    is_same_call_site,
    user_location,
)
from cooee.core.dialogue.journal import (
    NO_KEY,
    Journal,
    JournalEntry,
    JournalIndex,
    RecordKey,
    StoredRecord,
    Waiting,
    derive_id,
)
from cooee.core.dialogue.questions import IncomingText, QuestionStep
from cooee.core.dialogue.said_texts import SaidTexts
from cooee.core.dialogue.state_diff import StateDiff, apply_diffs
from cooee.core.errors import DialogueError, Ended, ForeignAwait, NoDialogue, NotAwaited
from cooee.core.messages import Inbound
from cooee.core.parsing.answers import ParseContext


class DialogueContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialogue is run in.

    `code_version` names the app's code as it is loaded; `find_zone` tells what `chat.zone` is at first;
    `strict` (in tests and in preflight) raises where production warns.
    """

    function: Callable[..., Any]
    codec: StateCodec[Any]
    services: Any
    ours: str
    theirs: str
    find_zone: Callable[[], tzinfo]
    code_version: str
    read_history: HistoryReader
    strict: bool = False


Verb: TypeAlias = Coroutine[Any, Any, Any]
"""Something to await at once, where it stands."""


class Run:
    """One run of a handler, from its first line to where it stands.

    Alive, its verbs hand out what is recorded. Left, they are silent and wait for ever, so
    that `finally` can run and no loop can turn. Gone, they raise.
    """

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
        # Where it stood, by which program, and whether this run has got there
        self.same_code = journal.code_version == context.code_version
        self.waiting_key = None if journal.waiting is None else journal.waiting.key
        self.reached_waiting = self.waiting_key is None
        self.reached_frontier = journal.frontier is None
        # What has come to it
        self.turn_number = journal.turn_count + 1
        self.new_entries: list[JournalEntry] = []
        self.taken_count = 0
        self._finished_count = journal.finished_count
        self.unfinished_keys = set(journal.unfinished_keys)
        if len(journal.entries) > journal.finished_count:
            self.unfinished_keys.update(_keys_since(self.records, journal.finished_count))
        self.said_texts = SaidTexts()
        self.text_consumed = False
        self.suspended_at: Waiting | None = None
        self.step: QuestionStep | None = None
        self.warnings: list[str] = []
        # Where it is now
        self.parts: tuple[str, ...] = ()
        self.last_key: RecordKey = NO_KEY
        self.last_answer: JournalEntry | None = None
        self._occurrences: dict[RecordKey, int] = {}
        self._call_chains: dict[RecordKey, CallChain] = {}
        self._applied_count = 0
        self._seeded_random: random.Random | None = None
        # Whether it goes on
        self.active, self.leaving, self.closed = True, False, False
        self.once_token = ""  # the token of what is being done once
        self.coroutine: Any = None
        self.context_vars = copy_context()
        self.unawaited_verb: tuple[str, Verb] | None = None
        self.caught_failure: JournalEntry | None = None
        self.fatal_error: Exception | None = None
        state, self.unknown_fields = context.codec.decode(journal.initial_state)
        self.chat: Chat[Any, Any] = self._chat(state, verbs(self))

    def _chat(self, state: Any, verbs: DialogueVerbs) -> Chat[Any, Any]:
        stage = self.context
        return Chat(
            state=state,
            services=stage.services,
            now=self.journal.started_at,
            message=None,
            ours=stage.ours,
            theirs=stage.theirs,
            token=None,
            read_history=stage.read_history,
            find_zone=stage.find_zone,
            dialogue=verbs,
        )

    # What a chat delegates to

    def say(self, text: object, key: str | None) -> None:
        """Say a text, which goes out unless it did before."""
        if self.leaving or self.once_token:
            self._check_verb_allowed("say")
            return
        if self.unawaited_verb is not None or self.caught_failure is not None:
            self.flush_pending()
        try:
            self.said_texts.add(text, key)
        except DialogueError as error:
            self.fail_turn(error)
            raise

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Scope the keys of what is asked inside."""
        outer_parts, self.parts = self.parts, (*self.parts, name)
        try:
            yield
        finally:
            self.parts = outer_parts

    def end(self, text: object) -> NoReturn:
        """End the dialogue here, with a last text."""
        self.say(text, None)
        raise Ended("The dialogue was ended.")

    def restart(self) -> Restart:
        """What a handler returns to begin anew."""
        self.check_open()
        return Restart()

    @property
    def token(self) -> str:
        """A name of this step, the same in every replay; of a once, in every attempt."""
        return self.once_token or derive_id(self.journal.id, self.last_key)

    @property
    def seeded_random(self) -> random.Random:
        """Chance that is the same in every replay, anew after each answer."""
        if self._seeded_random is None:
            self._seeded_random = random.Random(self.token)  # noqa: S311 -- it has to be repeatable
        return self._seeded_random

    @property
    def message(self) -> Inbound:
        """The text that was answered last."""
        answer, started_at = self.last_answer, self.journal.started_at
        text, at = ("", started_at) if answer is None else (answer.raw or "", answer.at)
        media = () if answer is None else answer.media
        ours, theirs = self.context.ours, self.context.theirs
        return Inbound(sender=theirs, recipient=ours, text=text, received_at=at, media=media)

    def check_history_allowed(self) -> None:
        """Let the history be read, which only a once may do."""
        if not self.once_token:
            raise self.fail_turn(
                ForeignAwait(foreign_await_message("chat.history(…)", user_location()))
            )

    # What its verbs need

    def opened_verb(self, name: str, verb: Verb) -> Verb:
        """A verb was made, and has to be awaited before another is."""
        if (
            self.unawaited_verb is not None
            or self.caught_failure is not None
            or self.once_token
            or not self.active
        ):
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
            message = (
                f"chat.{name}(…) cannot be used by what is done once: it would not be replayed."
            )
            raise NoDialogue(message)

    def _close_unawaited_verb(self) -> str:
        """Close the verb that was not awaited, without the interpreter's complaint; its name."""
        if self.unawaited_verb is None:
            return ""
        (name, verb), self.unawaited_verb = self.unawaited_verb, None
        verb.close()
        return name

    def flush_pending(self) -> None:
        """Before anything else takes effect: what came before is over, and was caught."""
        if self.unawaited_verb is not None:
            name = self._close_unawaited_verb()
            message = (
                f"{self._current_location()}: chat.{name}(…) before this was not awaited. Write `answer = await"
                f" chat.{name}(…)`, one after the other: a dialogue waits for one thing at a time."
            )
            raise self.fail_turn(NotAwaited(message))
        if self.caught_failure is not None:
            failure, self.caught_failure = self.caught_failure, None
            self.deliver_record(failure.key, self.add_record(failure))

    def _current_location(self) -> str:
        """Where the handler is; once it has returned, where it is written."""
        running = self.coroutine is not None and self.coroutine.cr_running
        return user_location() if running else definition_location(self.context.function)

    def occurrence_key(self, kind: str, words: str) -> RecordKey:
        """The key of what is met now: the n-th of its words in these parts."""
        first: RecordKey = (kind, self.parts, words, 0)
        n = self._occurrences[first] = self._occurrences.get(first, -1) + 1
        return (kind, self.parts, words, n)

    def question_key(self, words: str, calls: CallChain) -> tuple[RecordKey, bool]:
        """The key of a question, and whether it was met before through other calls."""
        key: RecordKey = ("ask", self.parts, words, 0)
        first = self._call_chains.setdefault(key, calls)
        if first is calls:
            return key, False
        n = self._occurrences[key] = self._occurrences.get(key, 0) + 1
        return ("ask", self.parts, words, n), first != calls and not is_same_call_site(first, calls)

    def key_before_rewording(self, key: RecordKey, was: str) -> RecordKey:
        """The key from before a rewording, as long as something is known under it."""
        old_key: RecordKey = (key[0], key[1], was, key[3])
        if self._is_known(key) or not self._is_known(old_key):
            return key
        return old_key

    def _is_known(self, key: RecordKey) -> bool:
        return key in self.records or key in self.index.held_texts or key == self.waiting_key

    def would_diverge(self, key: RecordKey) -> bool:
        """Whether the same program is about to do something new before where it stood."""
        return self.same_code and not self.reached_waiting and key != self.waiting_key

    def parse_context(self, at: datetime) -> ParseContext:
        """When and where a text was written."""
        return ParseContext(at, self.chat.zone, self.context.ours)

    def consume_text(self) -> None:
        """The text of this turn has found its question."""
        self.text, self.text_consumed = None, True

    def add_entry(self, entry: JournalEntry) -> int:
        """Append an entry; its place."""
        position = len(self.journal.entries) + len(self.new_entries)
        self.new_entries.append(entry)
        self.index.add_entry(entry, position)
        return position

    def add_record(self, entry: JournalEntry) -> StoredRecord:
        """Append a record."""
        self.add_entry(entry)
        return self.records[entry.key]

    def deliver_record(self, key: RecordKey, found: StoredRecord) -> JournalEntry:
        """A record's turn has come in this run: all that happened before it has happened."""
        entry, already_sent = found.entry, found.position < self._finished_count
        if key == self.waiting_key:
            self.reached_waiting = already_sent = True
        if not self.reached_frontier and key == self.journal.frontier:
            self.reached_frontier = True
        if self._applied_count < len(self.index.diffs):
            self.apply_changes_until(found.position)
        if self.unfinished_keys and key in self.unfinished_keys:
            self.unfinished_keys.remove(key)
            already_sent = key == self.waiting_key
        self.last_key, self._seeded_random = key, None
        if key[0] != "once":
            if already_sent and self.said_texts.unsent:
                self.said_texts.unsent.clear()  # what was said before it belongs there too
            if entry.raw is not None:
                self.last_answer = entry
            if entry.at > self.chat.now:  # noqa: PLR1730 -- this line is run for every answer
                self.chat.now = entry.at
        return entry

    def suspend(self, key: RecordKey, waiting: Waiting, step: QuestionStep | None) -> None:
        """The run ends here, and waits."""
        if key == self.journal.frontier:
            self.reached_frontier = True
        if key == self.waiting_key:
            self.reached_waiting = True
        self.suspended_at, self.step = waiting, step

    # State

    def apply_changes_until(self, position: int | None) -> None:
        """Lay on what others changed up to a place in the journal; None: all of it."""
        diffs, first = self.index.diffs, self._applied_count
        while self._applied_count < len(diffs) and (
            position is None or diffs[self._applied_count][0] < position
        ):
            self._applied_count += 1
        self.apply_changes([diff for _, diff in diffs[first : self._applied_count]])

    def apply_changes(self, diffs: Sequence[StateDiff]) -> None:
        """Lay changes on the state as it is now."""
        if diffs:
            chat, codec = self.chat, self.context.codec
            chat.state, self.unknown_fields = apply_diffs(
                codec, chat.state, self.unknown_fields, diffs
            )

    def encoded_state(self) -> bytes:
        """The state as it is now, as it is stored."""
        return self.context.codec.encode(self.chat.state, self.unknown_fields)

    # Whether it goes on

    def fail_turn(self, error: Exception) -> Exception:
        """Fail this turn, whatever the handler does about it; the error to raise."""
        if not self.leaving and self.fatal_error is None:
            self.fatal_error, self.active = error, False
        return error

    def start_leaving(self) -> None:
        """From here on it is silent."""
        self.active, self.leaving = False, True

    def check_open(self) -> None:
        """Raise where the turn is over.

        Raises:
            NoDialogue: a handler kept its chat.
        """
        if self.closed:
            raise NoDialogue("This chat belongs to a turn that is over. Use the one at hand.")

    def close(self) -> None:
        """Let go of everything that a kept chat would keep."""
        self.closed, self.step = True, None
        self._close_unawaited_verb()
        self.new_entries, self.said_texts, self.records = [], SaidTexts(), {}
        self._call_chains.clear()

    def mark_sent(self, sent_ids: Sequence[str]) -> None:
        """Note what goes out, by identity, with the last entry to be committed or as its own."""
        if self.taken_count < len(self.new_entries):
            self.new_entries[-1] = replace(self.new_entries[-1], sent_ids=tuple(sent_ids))
        else:
            self.add_entry(
                JournalEntry("said", NO_KEY, self.now, self.turn_number, sent_ids=tuple(sent_ids))
            )

    def take_uncommitted(self) -> Sequence[JournalEntry]:
        """The entries that nobody has committed yet."""
        entries, self.taken_count = self.new_entries[self.taken_count :], len(self.new_entries)
        return tuple(entries)


def _keys_since(records: Mapping[RecordKey, StoredRecord], position: int) -> Sequence[RecordKey]:
    return [key for key, found in records.items() if found.position >= position]


def foreign_await_message(awaited: str, location: str) -> str:
    """What to do about an await that a replay cannot wait for."""
    return (
        f"{location}: a dialogue cannot await {awaited}: it is run again for each text, and nothing of"
        " it lives in between. Put it into a function, and `await chat.once(that_function, …)`."
    )
