"""What a dialogue remembers: one journal each, appended to and never rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.dialogue.state_diff import Change, difference
from cooee.core.errors import CannotGoBack, JournalTooNew, JournalUnreadable
from cooee.core.messages import Media

FORMAT = 1
"""The journal's format; a journal of a newer one is set aside, never overwritten."""

LONG = 1_000
"""Records from which a dialogue should `restart`."""

Key: TypeAlias = tuple[str, tuple[str, ...], str, int]
"""Who was asked what: (kind, parts, key or words, n); kind is ask, receive, sleep or once."""

Kind = Literal[
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
_OUTCOMES = frozenset(
    {"answer", "default", "no reply", "attempts", "slept", "begun", "done", "failed", "lost"}
)
NOWHERE: Key = ("", (), "", 0)


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a journal: a row that is inserted once.

    `at` is what `chat.now` becomes by it; `turn` counts the dialogue's turns from 1;
    `message` is the id of the text that brought it; `said` is what went out with it, by
    identity.
    """

    kind: Kind
    key: Key
    at: datetime
    turn: int
    raw: str | None = None
    value: Any = None
    tag: str = ""
    message: str = ""
    change: Any = None
    media: tuple[Media, ...] = ()
    said: tuple[str, ...] = ()


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """One of several texts that are to be one."""

    words: str
    message: str
    received_at: datetime
    media: tuple[Media, ...] = ()


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a dialogue stands still, and until when.

    `due_at` is when it has to be looked at again: the earliest of its `deadline`, its next
    reminder and the end of a burst; None: only a text wakes it. `line` is where it is asked.
    While it is `parked`, another dialogue asks, and texts are not for this one; it is asked
    `again` when it has come back and is looked at next.
    """

    key: Key
    prompt: str
    asked_at: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None
    attempts: int = 0
    reminded: int = 0
    page: int = 0
    burst: tuple[Heard, ...] = ()
    line: str = ""
    parked: bool = False
    again: bool = False

    @property
    def asks(self) -> bool:
        """Whether a text is waited for; else it sleeps."""
        return self.key[0] != "sleep"


class Journal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dialogue: how it began, where it stands, and all that was recorded since.

    `base` is the person's stored state and `started_at` the moment at its start; `furthest` is
    where it stood when its state was last saved; `turn` counts the turns that are over, and
    `era` how often an answer was taken back. The first `settled` entries belong to turns that
    are over, so what was said around them has gone out; `unsettled` are the exceptions, which
    no run has come to since (a turn was cut off after a once, and the code was changed).
    """

    id: str
    handler: str
    started_at: datetime
    inputs: Any = None
    base: bytes | None = None
    program: str = ""
    waiting: Waiting | None = None
    furthest: Key | None = None
    settled: int = 0
    unsettled: tuple[Key, ...] = ()
    turn: int = 0
    era: int = 0
    entries: tuple[Entry, ...] = ()

    @property
    def records(self) -> int:
        """How many answers, sleeps and onces were ever recorded."""
        return sum(entry.kind in _OUTCOMES for entry in self.entries)

    def extended(self, entries: Sequence[Entry]) -> Journal:
        """With entries appended."""
        return replace(self, entries=(*self.entries, *entries))


class Found(msgspec.Struct, frozen=True, gc=False):
    """A record and its place in the journal."""

    entry: Entry
    place: int


class View:
    """A journal's entries, folded into what a run looks up."""

    __slots__ = ("changes", "held", "records", "said")

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.records: dict[Key, Found] = {}
        self.held: dict[Key, Entry] = {}
        self.said: dict[str, int] = {}
        self.changes: list[tuple[int, Change]] = []
        records = self.records
        for place, entry in enumerate(entries):
            if entry.kind not in _OUTCOMES or entry.key in records or self.held:
                self.add(entry, place)
            else:  # as most are
                records[entry.key] = Found(entry, place)
                for one in entry.said:
                    self.said[one] = place

    def add(self, entry: Entry, place: int) -> None:
        """Lay one more entry on top."""
        kind, key = entry.kind, entry.key
        if entry.said:
            self.said |= dict.fromkeys(entry.said, place)
        if kind in _OUTCOMES:
            earlier = self.records.get(key)
            if earlier is not None and _same_event(earlier.entry, entry):
                place = earlier.place
            self.records[key] = Found(entry, place)
            if self.held:
                self.held.pop(key, None)
        elif kind == "held":
            self.held[key] = entry
        elif kind == "changed":
            self.changes.append((place, entry.change))
        elif kind == "dropped":
            self.held.pop(key, None)
        elif kind == "stale":
            self._take_back(key, place)
        elif kind == "back":
            removed = self._take_back(key, place).place
            self.said = {one: where for one, where in self.said.items() if where < removed}

    def _take_back(self, key: Key, place: int) -> Found:
        found = self.records.pop(key, None)
        if found is None:
            raise JournalUnreadable(f"Entry {place} of a dialogue takes back what is not there.")
        return found


def _same_event(earlier: Entry, later: Entry) -> bool:
    """Whether a record only says more of what was recorded: a once's end, words read anew."""
    return earlier.kind == "begun" or (later.message != "" and earlier.message == later.message)


# What happens to a journal between its turns


def expects(journal: Journal) -> Key | None:
    """The question that an arriving text belongs to, before any code runs: the last one sent."""
    waiting = journal.waiting
    return waiting.key if waiting is not None and waiting.asks else None


def park(journal: Journal) -> Journal:
    """With its question put by, since another dialogue asks; only its deadline goes on."""
    return _moved(journal, parked=True, again=False)


def come_back(journal: Journal) -> Journal:
    """With its question no longer put by; run it, and it asks again."""
    return _moved(journal, parked=False, again=True)


def _moved(journal: Journal, **how: bool) -> Journal:
    assert journal.waiting is not None, "It asks nothing."
    return replace(journal, waiting=replace(journal.waiting, **how))


def changed(journal: Journal, before: bytes | None, after: bytes | None, now: datetime) -> Journal:
    """With what another handler did to the stored state, so that the next run counts it too."""
    change = difference(before, after)
    if not change:
        return journal
    return journal.extended([Entry("changed", NOWHERE, now, journal.turn, change=change)])


def back(journal: Journal, now: datetime) -> Journal:
    """With the last answer taken back, and all that was said after it; then run it again.

    Raises:
        CannotGoBack: there is none, or something was done once since.
    """
    records = View(journal.entries).records.values()
    for found in sorted(records, key=lambda found: -found.place):
        entry = found.entry
        if entry.key[0] == "once":
            words = "What was done since the last answer cannot be taken back."
            raise CannotGoBack(words)
        if entry.key[0] != "sleep":
            taken = Entry("back", entry.key, now, journal.turn)
            return replace(
                journal.extended([taken]),
                waiting=None,
                furthest=entry.key,
                era=journal.era + 1,
                settled=len(journal.entries) + 1,
            )
    raise CannotGoBack("Nothing was answered yet.")


# What is stored: a head, rewritten each turn, and entries, each appended once


class _Head(msgspec.Struct, frozen=True):
    """A journal but its entries, and how many of them there are."""

    format: int
    count: int
    journal: Journal


class _Format(msgspec.Struct):
    format: int


_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(_Head)
_entry = msgspec.json.Decoder(Entry)
_format = msgspec.json.Decoder(_Format)


def write_head(journal: Journal) -> bytes:
    """All of a journal but its entries."""
    bare = replace(journal, entries=())
    return _encode(_Head(FORMAT, len(journal.entries), bare))


def write_entry(entry: Entry) -> bytes:
    """One entry."""
    return _encode(entry)


def read(head: bytes, entries: Iterable[bytes]) -> Journal:
    """A journal from its head and its entries, in order.

    Raises:
        JournalTooNew: a newer cooee wrote it.
        JournalUnreadable: it is damaged, or entries are missing.
    """
    try:
        bare = _head.decode(head)
        decoded = tuple(map(_entry.decode, entries))
    except (msgspec.MsgspecError, UnicodeError) as error:
        if _is_newer(head):
            raise JournalTooNew(_NEWER) from error
        raise JournalUnreadable(f"A dialogue's journal cannot be read: {error}") from error
    if bare.format > FORMAT:
        raise JournalTooNew(_NEWER)
    if len(decoded) < bare.count:  # more there may be: a once that was cut off
        raise JournalUnreadable("Some of a dialogue's entries are missing.")
    return replace(bare.journal, entries=decoded)


_NEWER = "A newer cooee wrote this dialogue. Upgrade, and it goes on."


def _is_newer(head: bytes) -> bool:
    try:
        return _format.decode(head).format > FORMAT
    except (msgspec.MsgspecError, UnicodeError):
        return False


def digest(*parts: object) -> str:
    """A short name of the same parts, the same everywhere."""
    whole = "\0".join(map(repr, parts))
    return blake2b(whole.encode(errors="surrogatepass"), digest_size=16).hexdigest()
