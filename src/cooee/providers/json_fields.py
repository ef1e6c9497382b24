"""Reads fields of JSON from outside, of any type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any


def get_string(body: Any, *names: str) -> str | None:
    """Return the first of the fields with a string, perhaps empty."""
    for name in names if isinstance(body, dict) else ():
        if isinstance(value := body.get(name), str):
            return value
    return None


def get_ascii_word(body: Any, *names: str, max_chars: int = 128) -> str:
    """Return a field of visible ASCII without spaces (an id, a token, a status), else ""."""
    value = get_string(body, *names) or ""
    is_visible = value.isascii() and value.isprintable() and " " not in value
    return value if is_visible and len(value) <= max_chars else ""


def get_address(body: Any, *names: str) -> str:
    """Return a field with a number, a short code or a sender name, else ""."""
    value = get_string(body, *names) or ""
    return value if value.isprintable() and len(value) <= 64 else ""


def parse_int(value: Any) -> int | None:
    """Return a number, perhaps from a string (`expires_in`, `activeDays`)."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole and not isinstance(value, bool) and 0 <= value < 1e15 else None


def parse_timestamp(value: str | None) -> datetime | None:
    """Return a timestamp: in UTC, or naive without an offset."""
    try:
        moment = datetime.fromisoformat(value or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def add_durations(
    start: datetime | None, duration: timedelta, count: int | None
) -> datetime | None:
    """Return `start + count * duration`; None for an unknown operand or a date past 9999."""
    try:
        return None if start is None or count is None else start + duration * count
    except OverflowError:
        return None
