"""Formats states and times for the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

_ISO_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


class Cell(msgspec.Struct, frozen=True):
    """One field of a state before and after a turn; "" is no value."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Return whether the field has another value now."""
        return self.before != self.after


def compare_states(before: bytes | None, after: bytes | None) -> list[Cell]:
    """Compare a stored state before and after a turn; name nested fields by their path."""
    old, new = (_flatten_fields(msgspec.json.decode(side or b"null")) for side in (before, after))
    return [Cell(name, old.get(name, ""), new.get(name, "")) for name in old | new]


def day_of_month(at: datetime) -> str:
    """Return a moment's day and English month: 25 Nov."""
    # dates rule 8: %b is the month in the language of the process's locale.
    return f"{at.day} {_MONTHS[at.month - 1]}"


def weekday_name(at: datetime) -> str:
    """Return a moment's English weekday: Wed."""
    return _WEEKDAYS[at.weekday()]


def format_utc(at: datetime) -> str:
    """Return a moment as the page's script parses it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
        return format_utc(datetime.fromisoformat(value))  # the browser knows the reader's zone
    return msgspec.json.encode(value).decode()
