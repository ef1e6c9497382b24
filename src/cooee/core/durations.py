"""minutes(), hours() and days(): lengths of time, as in ``timeout=hours(24)``."""

from __future__ import annotations

from datetime import timedelta


def minutes(n: float) -> timedelta:
    """Return a length of `n` minutes."""
    return _length("minutes", n)


def hours(n: float) -> timedelta:
    """Return a length of `n` hours."""
    return _length("hours", n)


def days(n: float) -> timedelta:
    """Return `n` days of 24 hours; for the same time on another day, give `sleep` an `until`."""
    return _length("days", n)


def _length(unit: str, n: float) -> timedelta:
    try:
        return timedelta(**{unit: n})
    except (ValueError, OverflowError) as error:
        message = f"{unit}({n!r}) is no length of time. Write a number, like {unit}(24)."
        raise ValueError(message) from error
