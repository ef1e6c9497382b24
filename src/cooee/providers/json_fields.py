"""Members of a company's JSON, read without trusting that they are what was documented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any


def string(body: Any, *names: str) -> str | None:
    """The first of the members that is a string, the empty one included."""
    values = [body.get(name) for name in names] if isinstance(body, dict) else []
    return next((value for value in values if isinstance(value, str)), None)


def word(body: Any, name: str, *, longest: int = 128) -> str:
    """A member that is one short word of visible ASCII (an id, a token, a status), else ""."""
    value = string(body, name) or ""
    visible = value.isascii() and value.isprintable() and " " not in value
    return value if visible and len(value) <= longest else ""


def address(body: Any, *names: str) -> str:
    """A member that can be a number, a short code or a sender name, as it came; else ""."""
    value = string(body, *names) or ""
    return value if value.isprintable() and len(value) <= 64 else ""


def count(value: Any) -> int | None:
    """A number that may have come as a string, as `expires_in` and `activeDays` do."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if whole and not isinstance(value, bool) and 0 <= value < 1e15 else None


def stamp(value: str | None) -> datetime | None:
    """A time stamp: in UTC where it has an offset, naive where it has none."""
    try:
        moment = datetime.fromisoformat(value or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def later(start: datetime | None, span: timedelta, times: int | None) -> datetime | None:
    """`times` spans after `start`; None where either is unknown, or the end of time is passed."""
    try:
        return None if start is None or times is None else start + span * times
    except OverflowError:
        return None
