"""What a dialogue remembers: one journal each, appended to and never rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.dialogue.state_diff import StateDiff, diff_states
from cooee.core.errors import CannotGoBack, JournalTooNew, JournalUnreadable
from cooee.core.messages import Media

JOURNAL_FORMAT = 1
"""The journal's format; a journal of a newer one is set aside, never overwritten."""

MANY_RECORDS = 1_000
"""Records from which a dialogue should `restart`."""

RecordKey: TypeAlias = tuple[str, tuple[str, ...], str, int]
"""Who was asked what: (kind, parts, key or words, n); kind is ask, receive, sleep or once."""

EntryKind = Literal[
    "answer",  # a person's; raw, value, tag and message are filled in
    "default",  # the deadline passed, and this value stood ready
    "no reply",  # the deadline passed
    "attempts",  # too many wrong answers
    "slept",
    "begun",  # a once whose end is not known yet
    "done",  # a once, its value, and the change of state it made
    "failed",  # a once whose failure the handler caught
    "lost",  # a once that was done, with a result that could not be stored
    "said",  # nothing but what went out in a turn
    "held",  # a text for a question that is not reached any more, or not yet
    "dropped",  # that text was looked at and was no answer
    "changed",  # what another handler did to the state
    "stale",  # the record under `key` does not fit today's question, which is asked afresh
    "back",  # the record under `key` is taken back, and what was said after it
]
_RECORD_KINDS = frozenset(
    {"answer", "default", "no reply", "attempts", "slept", "begun", "done", "failed", "lost"}
)
NO_KEY: RecordKey = ("", (), "", 0)


class JournalEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a journal: a row that is inserted once.

    `at` is what `chat.now` becomes by it; `turn_number` counts the dialogue's turns from 1;
    `text_id` is the id of the text that brought it; `sent_ids` is what went out with it, by
    identity.
    """

    kind: EntryKind
    key: RecordKey
    at: datetime
    turn_number: int
    raw: str | None = None
    value: Any = None
    tag: str = ""
    text_id: str = ""
    diff: Any = None
    media: tuple[Media, ...] = ()
    sent_ids: tuple[str, ...] = ()


class BurstText(msgspec.Struct, frozen=True, array_like=True):
    """One of several texts that are to be one."""

    text: str
    text_id: str
    received_at: datetime
    media: tuple[Media, ...] = ()


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a dialogue stands still, and until when.

    `due_at` is when it has to be looked at again: the earliest of its `deadline`, its next
    reminder and the end of a burst; None: only a text wakes it. `location` is where it is asked.
    While it is `paused`, another dialogue asks, and texts are not for this one; it is asked
    `re_ask` when it has come back and is looked at next.
    """

    key: RecordKey
    prompt: str
    asked_at: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None
    attempts: int = 0
    reminder_count: int = 0
    page: int = 0
    burst: tuple[BurstText, ...] = ()
    location: str = ""
    paused: bool = False
    re_ask: bool = False

    @property
    def expects_text(self) -> bool:
        """Whether a text is waited for; else it sleeps."""
        return self.key[0] != "sleep"


class Journal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dialogue: how it began, where it stands, and all that was recorded since.

    `initial_state` is the person's stored state and `started_at` the moment at its start; `frontier` is
    where it stood when its state was last saved; `turn_number` counts the turns that are over, and
    `undo_count` how often an answer was taken back. The first `finished_count` entries belong to turns that
    are over, so what was said around them has gone out; `unfinished_keys` are the exceptions, which
    no run has come to since (a turn was cut off after a once, and the code was changed).
    """

    id: str
    handler: str
    started_at: datetime
    inputs: Any = None
    initial_state: bytes | None = None
    code_version: str = ""
    waiting: Waiting | None = None
    frontier: RecordKey | None = None
    finished_count: int = 0
    unfinished_keys: tuple[RecordKey, ...] = ()
    turn_count: int = 0
    undo_count: int = 0
    entries: tuple[JournalEntry, ...] = ()

    @property
    def record_count(self) -> int:
        """How many answers, sleeps and onces were ever recorded."""
        return sum(entry.kind in _RECORD_KINDS for entry in self.entries)

    def with_entries(self, entries: Sequence[JournalEntry]) -> Journal:
        """With entries appended."""
        return replace(self, entries=(*self.entries, *entries))


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record and its place in the journal."""

    entry: JournalEntry
    position: int


class JournalIndex:
    """A journal's entries, folded into what a run looks up."""

    __slots__ = ("diffs", "held_texts", "records", "sent_ids")

    def __init__(self, entries: Iterable[JournalEntry]) -> None:
        self.records: dict[RecordKey, StoredRecord] = {}
        self.held_texts: dict[RecordKey, JournalEntry] = {}
        self.sent_ids: dict[str, int] = {}
        self.diffs: list[tuple[int, StateDiff]] = []
        records = self.records
        for position, entry in enumerate(entries):
            if entry.kind not in _RECORD_KINDS or entry.key in records or self.held_texts:
                self.add_entry(entry, position)
            else:  # as most are
                records[entry.key] = StoredRecord(entry, position)
                for sent_id in entry.sent_ids:
                    self.sent_ids[sent_id] = position

    def add_entry(self, entry: JournalEntry, position: int) -> None:
        """Lay one more entry on top."""
        kind, key = entry.kind, entry.key
        if entry.sent_ids:
            self.sent_ids |= dict.fromkeys(entry.sent_ids, position)
        if kind in _RECORD_KINDS:
            earlier = self.records.get(key)
            if earlier is not None and _is_same_event(earlier.entry, entry):
                position = earlier.position
            self.records[key] = StoredRecord(entry, position)
            if self.held_texts:
                self.held_texts.pop(key, None)
        elif kind == "held":
            self.held_texts[key] = entry
        elif kind == "changed":
            self.diffs.append((position, entry.diff))
        elif kind == "dropped":
            self.held_texts.pop(key, None)
        elif kind == "stale":
            self._remove_record(key, position)
        elif kind == "back":
            removed = self._remove_record(key, position).position
            self.sent_ids = {one: where for one, where in self.sent_ids.items() if where < removed}

    def _remove_record(self, key: RecordKey, position: int) -> StoredRecord:
        record = self.records.pop(key, None)
        if record is None:
            raise JournalUnreadable(f"Entry {position} of a dialogue takes back what is not there.")
        return record


def _is_same_event(earlier: JournalEntry, later: JournalEntry) -> bool:
    """Whether a record only says more of what was recorded: a once's end, words read anew."""
    return earlier.kind == "begun" or (later.text_id != "" and earlier.text_id == later.text_id)


# What happens to a journal between its turns


def open_question_key(journal: Journal) -> RecordKey | None:
    """The question that an arriving text belongs to, before any code runs: the last one sent."""
    waiting = journal.waiting
    return waiting.key if waiting is not None and waiting.expects_text else None


def pause_question(journal: Journal) -> Journal:
    """With its question put by, since another dialogue asks; only its deadline goes on."""
    return _with_waiting(journal, paused=True, re_ask=False)


def resume_question(journal: Journal) -> Journal:
    """With its question no longer put by; run it, and it asks again."""
    return _with_waiting(journal, paused=False, re_ask=True)


def _with_waiting(journal: Journal, **fields: bool) -> Journal:
    assert journal.waiting is not None, "It asks nothing."
    return replace(journal, waiting=replace(journal.waiting, **fields))


def add_state_change(
    journal: Journal, before: bytes | None, after: bytes | None, now: datetime
) -> Journal:
    """With what another handler did to the stored state, so that the next run counts it too."""
    diff = diff_states(before, after)
    if not diff:
        return journal
    return journal.with_entries(
        [JournalEntry("changed", NO_KEY, now, journal.turn_count, diff=diff)]
    )


def undo_last_answer(journal: Journal, now: datetime) -> Journal:
    """With the last answer taken back, and all that was said after it; then run it again.

    Raises:
        CannotGoBack: there is none, or something was done once since.
    """
    records = JournalIndex(journal.entries).records.values()
    for found in sorted(records, key=lambda found: -found.position):
        entry = found.entry
        if entry.key[0] == "once":
            message = "What was done since the last answer cannot be taken back."
            raise CannotGoBack(message)
        if entry.key[0] != "sleep":
            undo_entry = JournalEntry("back", entry.key, now, journal.turn_count)
            return replace(
                journal.with_entries([undo_entry]),
                waiting=None,
                frontier=entry.key,
                undo_count=journal.undo_count + 1,
                finished_count=len(journal.entries) + 1,
            )
    raise CannotGoBack("Nothing was answered yet.")


# What is stored: a head, rewritten each turn, and entries, each appended once


class _StoredHead(msgspec.Struct, frozen=True):
    """A journal but its entries, and how many of them there are."""

    format: int
    entry_count: int
    journal: Journal


class _StoredFormat(msgspec.Struct):
    format: int


_encode_json = msgspec.json.Encoder().encode
_head_decoder = msgspec.json.Decoder(_StoredHead)
_entry_decoder = msgspec.json.Decoder(JournalEntry)
_format_decoder = msgspec.json.Decoder(_StoredFormat)


def encode_head(journal: Journal) -> bytes:
    """All of a journal but its entries."""
    bare = replace(journal, entries=())
    return _encode_json(_StoredHead(JOURNAL_FORMAT, len(journal.entries), bare))


def encode_entry(entry: JournalEntry) -> bytes:
    """One entry."""
    return _encode_json(entry)


def decode_journal(head: bytes, entries: Iterable[bytes]) -> Journal:
    """A journal from its head and its entries, in order.

    Raises:
        JournalTooNew: a newer cooee wrote it.
        JournalUnreadable: it is damaged, or entries are missing.
    """
    try:
        bare = _head_decoder.decode(head)
        decoded = tuple(map(_entry_decoder.decode, entries))
    except (msgspec.MsgspecError, UnicodeError) as error:
        if _is_too_new(head):
            raise JournalTooNew(_TOO_NEW_MESSAGE) from error
        raise JournalUnreadable(f"A dialogue's journal cannot be read: {error}") from error
    if bare.format > JOURNAL_FORMAT:
        raise JournalTooNew(_TOO_NEW_MESSAGE)
    if len(decoded) < bare.entry_count:  # more there may be: a once that was cut off
        raise JournalUnreadable("Some of a dialogue's entries are missing.")
    return replace(bare.journal, entries=decoded)


_TOO_NEW_MESSAGE = "A newer cooee wrote this dialogue. Upgrade, and it goes on."


def _is_too_new(head: bytes) -> bool:
    try:
        return _format_decoder.decode(head).format > JOURNAL_FORMAT
    except (msgspec.MsgspecError, UnicodeError):
        return False


def derive_id(*parts: object) -> str:
    """A short name of the same parts, the same everywhere."""
    joined = "\0".join(map(repr, parts))
    return blake2b(joined.encode(errors="surrogatepass"), digest_size=16).hexdigest()
