"""Formats states, stored values and times for the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec

from cooee.phone.ipc_messages import Cell, ShownRow

_EMPTY_VALUES = frozenset({"", "0"})  # not shown of a new row
_ISO_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def show_row(
    verb: str, table: str, before: Mapping[str, object], after: Mapping[str, object]
) -> ShownRow:
    """Return a stored thing for display: the values of a new one, the changes of an old one."""
    old, new = ({name: _cell_text(value) for name, value in row.items()} for row in (before, after))
    cells = [Cell(name, old.get(name, ""), new.get(name, "")) for name in old | new]
    is_new = verb == "insert"
    shown = (c for c in cells if c.changed and not (is_new and c.after in _EMPTY_VALUES))
    return ShownRow(verb, table, tuple(shown))


def compare_states(before: str, after: str) -> list[Cell]:
    """Compare a state before and after a turn, both as JSON; name nested fields by their path."""
    old, new = (_flatten_fields(msgspec.json.decode(side)) for side in (before, after))
    return [Cell(name, old.get(name, ""), new.get(name, "")) for name in old | new]


def time_of_day(at: datetime) -> str:
    """Return a moment of today in this machine's time zone, with milliseconds."""
    return f"{at.astimezone():%H:%M:%S}.{at.microsecond // 1000:03}"


def format_utc(at: datetime) -> str:
    """Return a moment as the page's script parses it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cell_text(value: object) -> str:
    match value:
        case None:
            return ""
        case bytes():
            return f"{len(value)} bytes of JSON"
        case datetime():
            return time_of_day(value)
        case Enum():
            return value.name.lower()
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
