"""minutes(), hours() and days(): lengths of time, as in ``timeout=hours(24)``."""

from __future__ import annotations

from datetime import timedelta


def minutes(n: float) -> timedelta:
    """Return a length of `n` minutes."""
    return timedelta(minutes=n)


def hours(n: float) -> timedelta:
    """Return a length of `n` hours."""
    return timedelta(hours=n)


def days(n: float) -> timedelta:
    """Return `n` days of 24 hours; for the same time on another day, give `sleep` an `until`."""
    return timedelta(days=n)
