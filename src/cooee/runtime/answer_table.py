"""Answers of all people to one dialogue, as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from cooee.core.dialogue.journal import JournalIndex, decode_journal
from cooee.core.dialogue.waiting import RecordKey
from cooee.core.errors import JournalError, SettingError
from cooee.runtime.operations import iterate_dialogues

if TYPE_CHECKING:
    from cooee.core.app.app import App
    from cooee.core.dialogue.journal import JournalEntry
    from cooee.storage import Store, StoredDialogue

_QUESTION_KINDS = frozenset({"ask", "receive"})


class AnswerRow(msgspec.Struct, frozen=True):
    """One dialogue of one person, and the text of each answer that counts."""

    person: str
    started_at: datetime
    ended_at: datetime | None
    ending: str
    answers: Mapping[RecordKey, str]


class AnswerTable(msgspec.Struct, frozen=True):
    """Answers to one dialogue: a row a dialogue, a column a question, and errors of the rest."""

    rows: Sequence[AnswerRow]
    columns: Mapping[RecordKey, str]  # a distinct name for each question, in the order first met
    unreadable: Sequence[str]


FIXED_COLUMNS = ("person", "started", "ended", "outcome")
"""Names of the columns before the questions' columns."""


async def read_answers(
    app: App[Any, Any], store: Store, name: str, *, only_ended: bool
) -> AnswerTable:
    """Read all answers to a dialogue, by its name or a former name.

    Raises:
        SettingError: neither the app nor the store has a dialogue of that name.
    """
    rows: list[AnswerRow] = []
    unreadable: list[str] = []
    registered = app.routes.dialogue_named(name)
    for handler in (name,) if registered is None else (registered.name, *registered.former_names):
        async for stored in iterate_dialogues(store, handler=handler, include_ended=True):
            if stored.ended_at is None and only_ended:
                continue
            try:
                rows.append(_answer_row(stored))
            except (JournalError, LookupError) as error:  # records that contradict each other
                unreadable.append(str(error))
    if registered is None and not rows and not unreadable:
        known = ", ".join(dialogue.name for dialogue in app.routes.dialogues) or "none"
        raise SettingError(f"There is no dialogue {name!r}, and never was. The app's: {known}.")
    columns = _column_names([key for row in rows for key in row.answers])
    return AnswerTable(rows, columns, unreadable)


def _answer_row(stored: StoredDialogue) -> AnswerRow:
    """Return a dialogue's row; an answer that was undone, or is stale, does not count."""
    journal = decode_journal(stored.dialogue.head, stored.dialogue.entries)
    answers = {
        key: _answer_text(found.entry)
        for key, found in JournalIndex(journal.entries).records.items()
        if key[0] in _QUESTION_KINDS
    }
    return AnswerRow(
        stored.theirs, stored.started_at, stored.ended_at, stored.dialogue.end_reason, answers
    )


def _column_names(keys: Sequence[RecordKey]) -> Mapping[RecordKey, str]:
    names: dict[RecordKey, str] = {}
    used = set(FIXED_COLUMNS)
    for key in dict.fromkeys(keys):
        kind, parts, prompt, n = key
        name = ": ".join((*parts, prompt or "(any text)")) + (f" ({n + 1})" if n else "")
        while name in used:
            name = f"{name} ({kind})"
        used.add(name)
        names[key] = name
    return names


def _answer_text(entry: JournalEntry) -> str:
    """Return a recorded answer as text; "" where a question ended without an answer."""
    if entry.kind not in {"answer", "default"} or entry.value is None:
        return ""
    value = entry.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict) and "$" in value:
        return _typed_answer_text(entry, value["$"], value.get("v"))
    return json.dumps(value, ensure_ascii=False)


def _typed_answer_text(entry: JournalEntry, kind: str, encoded: Any) -> str:
    """Return an answer that `value_codec` encoded, whose class need not be there any more."""
    if kind == "datetime":
        return str(encoded[0])
    if kind == "timedelta":
        return str(timedelta(*encoded))
    if kind == "enum":
        return str(encoded[1])
    if kind in {"int", "text"} and entry.raw is not None:  # of more than 63 bits; not stored at all
        return entry.raw
    if isinstance(encoded, str) and kind != "bytes":
        return encoded
    return json.dumps(encoded, ensure_ascii=False) if entry.raw is None else entry.raw
