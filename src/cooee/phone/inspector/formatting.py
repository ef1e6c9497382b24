"""States, rows and times as the panel shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from cooee.core.messages import Class, Status
from cooee.phone.inspector.journal_view import kind
from cooee.storage.sqlite.change_feed import Change, Row
from cooee.storage.sqlite.columns import moment


class Cell(msgspec.Struct, frozen=True):
    """One field, before and after; "" is nothing."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether it is another one now."""
        return self.before != self.after


class ShownRow(msgspec.Struct, frozen=True):
    """One row written: of a new one what is in it, of a changed one what changed."""

    verb: str
    table: str
    cells: tuple[Cell, ...]


_TIMES = frozenset({"at", "since", "due_at", "good_until"})
_HIDDEN = frozenset(
    {"conversation", "dialogue", "id", "key", "lease", "ours", "program", "provider_id", "raw"}
)
_NOTHING = frozenset({"", "0"})  # of a new row, not worth a word
_WORDS: Mapping[tuple[str, str], Mapping[int, str]] = {
    ("outbound", "status"): {status.value: status.name.lower() for status in Status},
    ("receipts", "status"): {status.value: status.name.lower() for status in Status},
    ("outbound", "class"): {kind.value: kind.name.lower() for kind in Class},
    ("inbound", "status"): {0: "in order", 1: "set aside", 2: "opt-out"},
}
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def row(change: Change) -> ShownRow:
    """A row as it is shown: short ids, times of day, words for numbers."""
    before, after = (_cells(change.table, side) for side in (change.before, change.after))
    cells = [Cell(name, before.get(name, ""), after.get(name, "")) for name in before | after]
    new = change.before is None
    told = tuple(c for c in cells if c.changed and not (new and c.after in _NOTHING))
    return ShownRow(change.verb, change.table, told)


def state(before: str, after: str) -> list[Cell]:
    """The fields of a state, as JSON, before a turn and after it; nested ones by their path."""
    old, new = (_flat(msgspec.json.decode(side)) for side in (before, after))
    return [Cell(name, old.get(name, ""), new.get(name, "")) for name in old | new]


def time_of_day(at: datetime) -> str:
    """A moment as people of this machine read one of today."""
    return f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03}"


def _cells(table: str, side: Row | None) -> dict[str, str]:
    shown = {name: _shown(table, name, value) for name, value in (side or {}).items()}
    return {name: words for name, words in shown.items() if words and name not in _HIDDEN}


def _shown(table: str, name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if words := _WORDS.get((table, name)):
        return words.get(value, str(value))
    if isinstance(value, int) and (name in _TIMES or name.endswith("_at")):
        return time_of_day(moment(value))
    if name in {"state", "head"}:
        return f"{len(value) // 2} bytes of JSON"
    if name == "entry":
        return kind(value)
    return str(value)


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        named = {name: f"{path}.{name}" if path else name for name in value}
        return {k: v for name in value for k, v in _flat(value[name], named[name]).items()}
    if not path:
        return {} if value is None or value == {} else {"state": _word(value)}
    return {path: _word(value)}


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and _ISO.fullmatch(value):
        at = datetime.fromisoformat(value).astimezone()
        return f"{at.day} {at:%b} {time_of_day(at)}"
    return msgspec.json.encode(value).decode()
