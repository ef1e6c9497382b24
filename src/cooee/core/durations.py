"""Lengths of time, in words: ``timeout=hours(24)``."""

from __future__ import annotations

from datetime import timedelta


def minutes(n: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=n)


def hours(n: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=n)


def days(n: float) -> timedelta:
    """So many days of 24 hours; for the same time on another day, give a sleep an `until`."""
    return timedelta(days=n)
