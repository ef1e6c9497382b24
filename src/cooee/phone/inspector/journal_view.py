"""Formats a dialogue's journal, the answers and results it remembers, for the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from cooee.core.dialogue.journal import Journal, JournalEntry, JournalIndex
from cooee.core.dialogue.value_codec import decode_value
from cooee.core.errors import Unstorable
from cooee.phone.ipc_messages import JournalStep

T = TypeVar("T")
_STEP_NAMES = {"ask": "asked", "receive": "received", "once": "once", "sleep": "slept"}
_DATE_PREFIX = re.compile(r"\d{4}-\d\d-\d\d ")  # as a sleep until then is known by, without a key
_FIXED_VALUES = {
    "no reply": "no answer in time",
    "too many attempts": "no answer was understood",
    "slept": "the time has passed",
    "started": "started; its result is not known yet",
    "result lost": "done, and its result cannot be stored",
}
_RECORD_KINDS = frozenset({"answer", "default", "done", "failed", *_FIXED_VALUES})


class _JournalHead(msgspec.Struct):
    """The part of a stored head that is read here."""

    journal: Journal


_entry_decoder, _head_decoder = (
    msgspec.json.Decoder(JournalEntry),
    msgspec.json.Decoder(_JournalHead),
)


def list_journal_steps(journal: Journal) -> Sequence[JournalStep]:
    """Return the records that a replay of a dialogue is given, in their order."""
    records = sorted(
        JournalIndex(journal.entries).records.values(), key=lambda record: record.position
    )
    return [_make_step(one.entry) for one in records]


def show_entry(entry: bytes) -> tuple[JournalStep | None, str]:
    """Return a stored entry for display, None where it is no record, and its text's id."""
    decoded = _decode_or_none(_entry_decoder, entry)
    if decoded is None or decoded.kind not in _RECORD_KINDS:
        return None, "" if decoded is None else decoded.text_id
    return _make_step(decoded), decoded.text_id


def describe_entry(entry: bytes) -> str:
    """Describe a stored entry in a few words."""
    decoded = _decode_or_none(_entry_decoder, entry)
    return "" if decoded is None else f"{decoded.kind} {_question_text(decoded)}".strip()


def read_head_progress(head: bytes) -> tuple[int, bool]:
    """Return the turns a stored head has behind it, and whether its question is suspended."""
    decoded = _decode_or_none(_head_decoder, head)
    if decoded is None:
        return 1, False
    waiting = decoded.journal.waiting
    return decoded.journal.turn_count, waiting is not None and (waiting.paused or waiting.re_ask)


def _decode_or_none(decoder: msgspec.json.Decoder[T], stored: bytes) -> T | None:
    """Decode stored bytes; None where they are damaged, an error that their turn raises."""
    try:
        return decoder.decode(stored)
    except msgspec.MsgspecError:
        return None


def _make_step(entry: JournalEntry) -> JournalStep:
    value, original = _shown_value(entry), entry.raw or ""
    original_text = original if entry.kind == "answer" and original != value else ""
    return JournalStep(
        _STEP_NAMES[entry.key[0]], entry.kind, _question_text(entry), value, original_text
    )


def _shown_value(entry: JournalEntry) -> str:
    if entry.kind in _FIXED_VALUES:
        return _FIXED_VALUES[entry.kind]
    if entry.kind == "failed":
        return entry.raw or "failed"
    return (
        f"{_value_text(entry)} (no answer in time)"
        if entry.kind == "default"
        else _value_text(entry)
    )


def _question_text(entry: JournalEntry) -> str:
    step, parts, prompt, occurrence = entry.key
    if step == "sleep" and _DATE_PREFIX.match(prompt):
        prompt = f"until {prompt}"
    suffix = f" ({occurrence + 1})" if occurrence else ""
    return ": ".join((*parts, prompt)) + suffix


def _value_text(entry: JournalEntry) -> str:
    try:
        value: Any = decode_value(entry.value)
    except Unstorable:  # its class is gone from the code: then as it was written
        return entry.raw or ""
    if entry.key[0] == "once":
        return repr(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%a} {value.day} {value:%b %Y, %H:%M}"
    return str(value)
