"""States, rows and times as the panel shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from cooee.core.messages import Priority, Status
from cooee.phone.inspector.journal_view import describe_entry
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


_TIME_COLUMNS = frozenset({"at", "since", "due_at", "good_until"})
_HIDDEN_COLUMNS = frozenset(
    {"conversation", "dialogue", "id", "key", "lease", "ours", "program", "provider_id", "raw"}
)
_EMPTY_VALUES = frozenset({"", "0"})  # of a new row, not worth a word
_VALUE_NAMES: Mapping[tuple[str, str], Mapping[int, str]] = {
    ("outbound", "status"): {status.value: status.name.lower() for status in Status},
    ("receipts", "status"): {status.value: status.name.lower() for status in Status},
    ("outbound", "class"): {kind.value: kind.name.lower() for kind in Priority},
    ("inbound", "status"): {0: "in order", 1: "set aside", 2: "opt-out"},
}
_ISO_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def show_row(change: Change) -> ShownRow:
    """A row as it is shown: short ids, times of day, words for numbers."""
    before, after = (_row_cells(change.table, values) for values in (change.before, change.after))
    cells = [Cell(name, before.get(name, ""), after.get(name, "")) for name in before | after]
    is_new = change.before is None
    shown = tuple(c for c in cells if c.changed and not (is_new and c.after in _EMPTY_VALUES))
    return ShownRow(change.verb, change.table, shown)


def compare_states(before: str, after: str) -> list[Cell]:
    """The fields of a state, as JSON, before a turn and after it; nested ones by their path."""
    old, new = (_flatten_fields(msgspec.json.decode(side)) for side in (before, after))
    return [Cell(name, old.get(name, ""), new.get(name, "")) for name in old | new]


def time_of_day(at: datetime) -> str:
    """A moment as people of this machine read one of today."""
    return f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03}"


def _row_cells(table: str, row: Row | None) -> dict[str, str]:
    shown = {name: _cell_text(table, name, value) for name, value in (row or {}).items()}
    return {name: text for name, text in shown.items() if text and name not in _HIDDEN_COLUMNS}


def _cell_text(table: str, name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if names := _VALUE_NAMES.get((table, name)):
        return names.get(value, str(value))
    if isinstance(value, int) and (name in _TIME_COLUMNS or name.endswith("_at")):
        return time_of_day(moment(value))
    if name in {"state", "head"}:
        return f"{len(value) // 2} bytes of JSON"
    if name == "entry":
        return describe_entry(value)
    return str(value)


def _flatten_fields(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        paths = {name: f"{path}.{name}" if path else name for name in value}
        return {
            k: v for name in value for k, v in _flatten_fields(value[name], paths[name]).items()
        }
    if not path:
        return {} if value is None or value == {} else {"state": _json_text(value)}
    return {path: _json_text(value)}


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and _ISO_DATETIME.fullmatch(value):
        at = datetime.fromisoformat(value).astimezone()
        return f"{at.day} {at:%b} {time_of_day(at)}"
    return msgspec.json.encode(value).decode()
