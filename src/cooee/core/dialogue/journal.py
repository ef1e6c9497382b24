"""The journal of a dialogue: append-only entries, a head, and their storage format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from cooee.core.dialogue.state_diff import StateDiff
from cooee.core.dialogue.value_codec import encode_value
from cooee.core.dialogue.waiting import BurstText, RecordKey, Waiting
from cooee.core.errors import CannotGoBack, JournalTooNew, JournalUnreadable
from cooee.core.messages import Media

JOURNAL_FORMAT = 1
"""The format of a stored journal; one of a newer format is set aside, never overwritten."""

MANY_RECORDS = 1_000
"""Records from which on a dialogue should `restart` (replay rule 15)."""

RecordKind = Literal[
    "answer",  # of a person, with raw, value, tag and text_id
    "default",  # the deadline passed; the value is the question's default
    "no reply",  # the deadline passed
    "too many attempts",
    "slept",
    "started",  # a once whose result is not known yet; tag is its token, raw its function's name
    "done",  # a once, its value, its change of the state, and its function's name in raw
    "failed",  # a once whose failure the handler caught
    "result lost",  # a once that was done, with a result that cannot be stored
]
EntryKind = Literal[
    RecordKind,
    "sent",  # ids of the texts that a turn sent
    "held",  # a text for a question that the code does not reach, or not yet
    "dropped",  # the held texts under `key` are no answer, or no whole burst yet
    "state changed",  # by another handler; diff is the change
    "early",  # the record under `key` was made before the frontier; value is its place before that
    "reworded",  # the question of `key` is known under the former words in value
    "stale",  # the record under `key` does not fit today's question, which is asked again
    "undone",  # the record under `key` is taken back, with the texts said after it
]
_RECORD_KINDS = frozenset(get_args(RecordKind))
NO_KEY: RecordKey = ("", (), "", 0)


class JournalEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry of a journal: a row that is inserted once and never changed.

    `at` is the value of `chat.now` after it; `turn_number` counts the dialogue's turns from 1;
    `text_id` is the id of the person's text; `sent_ids` are the identities of the texts that the
    same commit sent.
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


class OpeningText(msgspec.Struct, frozen=True, array_like=True):
    """The text that began a dialogue."""

    text: str
    media: tuple[Media, ...] = ()


class Journal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dialogue: its start, its open question, and all entries since (replay rule 1).

    `initial_state` is the person's stored state at the start, from which each replay begins.
    `code_version` is that of the last turn, `timer_version` that of the code by which the timer was
    set since, if any.
    `frontier` is the key at which a turn stopped whose state was saved as computed. While later
    runs stop without having met it, `replayed_state` is the state that the last of them computed.
    `turn_count` counts finished turns, `undo_count` the answers taken back. The first
    `finished_count` entries belong to finished turns: the texts said next to them were sent.
    `unfinished_keys` lists the exceptions: records of a turn that crashed after a `once`, and that
    no run has reached again because the code changed. `opening` is None where `App.start` began
    the dialogue, and UNSET where an older cooee did not store the text.
    """

    id: str
    handler: str
    started_at: datetime
    inputs: Any = None
    initial_state: bytes | None = None
    code_version: str = ""
    timer_version: str = ""
    waiting: Waiting | None = None
    frontier: RecordKey | None = None
    replayed_state: bytes | None = None
    finished_count: int = 0
    unfinished_keys: tuple[RecordKey, ...] = ()
    turn_count: int = 0
    undo_count: int = 0
    opening: OpeningText | UnsetType | None = UNSET
    entries: tuple[JournalEntry, ...] = ()

    @property
    def record_count(self) -> int:
        """Return the number of answers, sleeps and onces that were ever recorded."""
        return sum(entry.kind in _RECORD_KINDS for entry in self.entries)

    def with_entries(self, entries: Sequence[JournalEntry]) -> Journal:
        """Return the journal with entries appended."""
        return replace(self, entries=(*self.entries, *entries))


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record and its position in the journal."""

    entry: JournalEntry
    position: int


class JournalIndex:
    """The entries of a journal, folded into look-up tables for a run.

    `undone_ids` are the texts that were sent after an answer which was then taken back, the last
    of them `undone_key`. Some may stand before its question: an edit has inserted them there.
    """

    # fmt: off -- a line for each name would hide the class
    __slots__ = (
        "diffs",
        "early_places",
        "held_texts",
        "records",
        "renames",
        "sent_ids",
        "undone_ids",
        "undone_key",
    )
    # fmt: on

    def __init__(self, entries: Iterable[JournalEntry]) -> None:
        self.records: dict[RecordKey, StoredRecord] = {}
        self.held_texts: dict[RecordKey, tuple[JournalEntry, ...]] = {}
        self.sent_ids: dict[str, int] = {}
        self.undone_ids: set[str] = set()
        self.undone_key: RecordKey | None = None
        self.renames: dict[RecordKey, str] = {}
        self.diffs: list[tuple[int, StateDiff]] = []
        self.early_places: dict[RecordKey, int] = {}
        add_record = self.records.setdefault
        held_texts, undone_ids = self.held_texts, self.undone_ids
        for position, entry in enumerate(entries):  # this loop runs for every entry of every turn
            found = StoredRecord(entry, position)
            is_plain = entry.kind in _RECORD_KINDS and not held_texts and not undone_ids
            if not is_plain or add_record(entry.key, found) is not found:
                self.add_entry(entry, position)
            else:
                for sent_id in entry.sent_ids:
                    self.sent_ids[sent_id] = position

    def add_entry(self, entry: JournalEntry, position: int) -> None:
        """Fold one more entry in."""
        kind, key = entry.kind, entry.key
        if entry.sent_ids:
            self.sent_ids |= dict.fromkeys(entry.sent_ids, position)
            self.undone_ids.difference_update(entry.sent_ids)
        if kind in _RECORD_KINDS:
            earlier = self.records.get(key)
            if earlier is not None and _is_same_event(earlier.entry, entry):
                # The result takes the place of its intent: a state change in between came later.
                position = earlier.position
            self.records[key] = StoredRecord(entry, position)
            if self.held_texts:
                self.held_texts.pop(key, None)
        elif kind == "held":
            self.held_texts[key] = (*self.held_texts.get(key, ()), entry)
        elif kind == "state changed":
            self.diffs.append((position, entry.diff))
        elif kind == "early":
            self.early_places[key] = entry.value
        elif kind == "dropped":
            self.held_texts.pop(key, None)
        elif kind == "reworded":
            self.renames[key] = entry.value
        elif kind == "stale":
            self._remove_record(key, position)
        elif kind == "undone":  # replay rule 12: texts said after the answer are to be said again
            removed = self._remove_record(key, position).position
            self.undone_key = key
            self.undone_ids.update(id for id, at in self.sent_ids.items() if at >= removed)
            self.sent_ids = {id: at for id, at in self.sent_ids.items() if at < removed}

    def _remove_record(self, key: RecordKey, position: int) -> StoredRecord:
        record = self.records.pop(key, None)
        self.early_places.pop(key, None)
        if record is None:
            raise JournalUnreadable(f"Entry {position} of a dialogue takes back what is not there.")
        return record


def _is_same_event(earlier: JournalEntry, later: JournalEntry) -> bool:
    """Return whether a record completes an earlier one: the result of a once, a new parse."""
    return earlier.kind == "started" or (later.text_id != "" and earlier.text_id == later.text_id)


# Changes of a journal between its turns


def open_question_key(journal: Journal) -> RecordKey | None:
    """Return the key of the question that was sent last; an arriving text belongs to it."""
    waiting = journal.waiting
    return waiting.key if waiting is not None and waiting.expects_text else None


def pause_question(journal: Journal) -> Journal:
    """Return the journal with its question paused, since another dialogue asks."""
    return _with_waiting(journal, paused=True, re_ask=False)


def resume_question(journal: Journal) -> Journal:
    """Return the journal with its question resumed; its next turn sends the prompt again."""
    return _with_waiting(journal, paused=False, re_ask=True)


def _with_waiting(journal: Journal, **fields: bool) -> Journal:
    assert journal.waiting is not None, "The dialogue asks nothing."
    return replace(journal, waiting=replace(journal.waiting, **fields))


def add_state_change(journal: Journal, diff: StateDiff, now: datetime) -> Journal:
    """Return the journal with another handler's change of the state (replay rule 8)."""
    if not diff:
        return journal
    return journal.with_entries(
        [JournalEntry("state changed", NO_KEY, now, journal.turn_count, diff=diff)]
    )


def hold_burst(waiting: Waiting, turn_number: int) -> Sequence[JournalEntry]:
    """Return entries that hold a burst's texts for a run that comes to their question (rule 4)."""
    return [held_entry(waiting, each, each.received_at, turn_number) for each in waiting.burst]


def held_entry(
    waiting: Waiting, text: BurstText, sent_at: datetime, turn_number: int
) -> JournalEntry:
    """Return the entry that holds a text for the question that it was sent to."""
    asked_at, shown_at = waiting.asked_at, waiting.shown_at or waiting.asked_at
    if waiting.went_out != "yes" or text.received_at < shown_at:
        # replay rule 17: a fresh answer comes after its question
        asked_at = max(asked_at, text.received_at + timedelta.resolution)
    times = [encode_value(text.received_at), encode_value(asked_at)]
    entry = JournalEntry("held", waiting.key, sent_at, turn_number, text.text, times)
    return replace(entry, text_id=text.text_id, media=text.media)


def undo_last_answer(journal: Journal, now: datetime) -> Journal:
    """Return the journal without its last answer and the texts said after it.

    Raises:
        CannotGoBack: there is no answer, or a once was called after it.
    """
    records = JournalIndex(journal.entries).records.values()
    for found in sorted(records, key=lambda found: -found.position):
        entry = found.entry
        if entry.key[0] == "once":  # replay rule 12: the deed cannot be taken back
            raise CannotGoBack("What was done since the last answer cannot be taken back.")
        if entry.key[0] != "sleep":
            undone = [JournalEntry("undone", entry.key, now, journal.turn_count)]
            if journal.waiting is not None:
                undone += hold_burst(journal.waiting, journal.turn_count)
            return replace(
                journal.with_entries(undone),
                waiting=None,
                frontier=entry.key,
                undo_count=journal.undo_count + 1,
                finished_count=len(journal.entries) + len(undone),
            )
    raise CannotGoBack("Nothing was answered yet.")


# The storage format: a head, replaced at each turn, and entries, each inserted once


class _StoredHead(msgspec.Struct, frozen=True):
    """A journal without its entries, and the number of them."""

    format: int
    entry_count: int
    journal: Journal


class _StoredFormat(msgspec.Struct):
    format: int


_encode_json = msgspec.json.Encoder().encode
_head_decoder = msgspec.json.Decoder(_StoredHead)
_entries_decoder = msgspec.json.Decoder(tuple[JournalEntry, ...])
_format_decoder = msgspec.json.Decoder(_StoredFormat)


def encode_head(journal: Journal) -> bytes:
    """Return the stored form of a journal without its entries."""
    bare = replace(journal, entries=())
    return _encode_json(_StoredHead(JOURNAL_FORMAT, len(journal.entries), bare))


def encode_entry(entry: JournalEntry) -> bytes:
    """Return the stored form of one entry."""
    return _encode_json(entry)


def decode_journal(head: bytes, entries: Iterable[bytes]) -> Journal:
    """Return a journal from its head and its entries, in order.

    Raises:
        JournalTooNew: a newer cooee wrote the journal.
        JournalUnreadable: the journal is damaged, or entries are missing.
    """
    # replay rule 1: whoever cannot read a journal raises, so nobody ever overwrites it.
    try:
        bare = _head_decoder.decode(head)
        stored = list(entries)
        decoded = _entries_decoder.decode(b"[%b]" % b",".join(stored))  # at once: half of the time
    except (msgspec.MsgspecError, UnicodeError) as error:
        if _is_too_new(head):
            raise JournalTooNew(_TOO_NEW_MESSAGE) from error
        raise JournalUnreadable(f"A dialogue's journal cannot be read: {error}") from error
    if bare.format > JOURNAL_FORMAT:
        raise JournalTooNew(_TOO_NEW_MESSAGE)
    if len(decoded) != len(stored):  # halves that fit together, or one that holds several
        raise JournalUnreadable("A dialogue's journal cannot be read: its entries are cut.")
    if len(decoded) < bare.entry_count:  # a killed once may have left more
        raise JournalUnreadable("Some of a dialogue's entries are missing.")
    return replace(bare.journal, entries=decoded)


_TOO_NEW_MESSAGE = "A newer cooee wrote this dialogue. Upgrade, and it goes on."


def _is_too_new(head: bytes) -> bool:
    try:
        return _format_decoder.decode(head).format > JOURNAL_FORMAT
    except (msgspec.MsgspecError, UnicodeError):
        return False


def derive_id(*parts: object) -> str:
    """Return a short id of the parts: the same in every process and replay."""
    joined = "\0".join(map(repr, parts))
    return blake2b(joined.encode(errors="surrogatepass"), digest_size=16).hexdigest()
