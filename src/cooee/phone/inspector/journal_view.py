"""What a dialogue remembers, as the panel shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from cooee.core.dialogue.journal import Entry, Journal, View
from cooee.core.dialogue.value_codec import unpack
from cooee.core.errors import Unstorable
from cooee.phone.ipc_messages import Noted

T = TypeVar("T")
_STEPS = {"ask": "asked", "receive": "received", "once": "once", "sleep": "slept"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d ")  # as a sleep until then is known by, without a key
_WITHOUT = {
    "no reply": "no answer in time",
    "attempts": "no answer was understood",
    "slept": "the time has passed",
    "begun": "begun; how it ended is not known yet",
    "lost": "done, and its result cannot be stored",
}
_RECORDS = frozenset({"answer", "default", "done", "failed", *_WITHOUT})


class _Head(msgspec.Struct):
    """Of a stored head, what is looked at here."""

    journal: Journal


_entry, _head = msgspec.json.Decoder(Entry), msgspec.json.Decoder(_Head)


def remembered(journal: Journal) -> Sequence[Noted]:
    """All that a dialogue goes by when it is run again, in the order in which it came."""
    found = sorted(View(journal.entries).records.values(), key=lambda one: one.place)
    return [_noted(one.entry) for one in found]


def noted(entry: str) -> tuple[Noted | None, str]:
    """A stored entry, in hex, as it is shown, and its text's id; None where it is no record."""
    read = _read(_entry, entry)
    if read is None or read.kind not in _RECORDS:
        return None, "" if read is None else read.message
    return _noted(read), read.message


def kind(entry: str) -> str:
    """What a stored entry, in hex, is, in a few words."""
    read = _read(_entry, entry)
    return "" if read is None else f"{read.kind} {_question(read)}".strip()


def stood(head: str) -> tuple[int, bool]:
    """How many turns a stored head, in hex, has behind it, and whether its question is put by."""
    read = _read(_head, head)
    if read is None:
        return 1, False
    waiting = read.journal.waiting
    return read.journal.turn, waiting is not None and (waiting.parked or waiting.again)


def _read(decoder: msgspec.json.Decoder[T], stored: str) -> T | None:
    """None where it is damaged, which its turn tells of."""
    try:
        return decoder.decode(bytes.fromhex(stored))
    except msgspec.MsgspecError:
        return None


def _noted(entry: Entry) -> Noted:
    value, said = _value(entry), entry.raw or ""
    heard = said if entry.kind == "answer" and said != value else ""
    return Noted(_STEPS[entry.key[0]], entry.kind, _question(entry), value, heard)


def _value(entry: Entry) -> str:
    if entry.kind in _WITHOUT:
        return _WITHOUT[entry.kind]
    if entry.kind == "failed":
        return entry.raw or "failed"
    return f"{_words(entry)} (no answer in time)" if entry.kind == "default" else _words(entry)


def _question(entry: Entry) -> str:
    step, parts, words, n = entry.key
    if step == "sleep" and _MOMENT.match(words):
        words = f"until {words}"
    again = f" ({n + 1})" if n else ""
    return ": ".join((*parts, words)) + again


def _words(entry: Entry) -> str:
    try:
        value: Any = unpack(entry.value)
    except Unstorable:  # its class is gone from the code: then as it was written
        return entry.raw or ""
    if entry.key[0] == "once":
        return repr(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%a} {value.day} {value:%b %Y, %H:%M}"
    return str(value)
