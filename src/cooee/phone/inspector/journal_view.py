"""Formats a dialogue's journal, the answers and results it remembers, for the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from cooee.core.dialogue.journal import Journal, JournalEntry, JournalIndex
from cooee.core.dialogue.value_codec import decode_value
from cooee.core.errors import Unstorable
from cooee.phone.inspector.formatting import day_of_month, weekday_name
from cooee.phone.ipc_messages import JournalStep
from cooee.storage import DialogueUpdate

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


_entry_decoder = msgspec.json.Decoder(JournalEntry)


def list_journal_steps(journal: Journal) -> Sequence[JournalStep]:
    """Return the records that a replay of a dialogue is given, in their order."""
    records = sorted(
        JournalIndex(journal.entries).records.values(), key=lambda record: record.position
    )
    return [_make_step(one.entry) for one in records]


def committed_steps(updates: Iterable[DialogueUpdate]) -> Iterator[JournalStep]:
    """Yield the records among the entries of dialogues that a commit writes."""
    for update in updates:
        for stored in update.entries:
            entry = _entry_decoder.decode(stored)
            if entry.kind in _RECORD_KINDS:
                yield replace(_make_step(entry), handler=update.handler)


def _make_step(entry: JournalEntry) -> JournalStep:
    value, original = _shown_value(entry), entry.raw or ""
    original_text = original if entry.kind == "answer" and original != value else ""
    return JournalStep(
        _STEP_NAMES[entry.key[0]],
        entry.kind,
        _question_text(entry),
        value,
        original_text,
        entry.text_id,
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
        return f"{weekday_name(value)} {day_of_month(value)} {value:%Y, %H:%M}"
    return str(value)
