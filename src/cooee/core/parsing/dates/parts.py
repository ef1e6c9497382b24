"""The parts of a day or a time, each with all that it may mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta

import msgspec


class DayPart(msgspec.Struct, frozen=True):
    """A part that names a day, by the days it may mean alone, or a check of a day named elsewhere.

    The parts of the greatest `strength` name the day, and the others confirm it.
    `may_be_past` says that the words themselves point to the past, or have a year; a part that
    `needs_company` is no day alone: "Fri 27" is, 27 is not. A
    part that `lacks_year` is beyond the horizon of days without a year, so it names no day.
    A part that `takes_no_year` is no date: "2000" beside it is a time.
    """

    strength: int
    days: frozenset[date]
    confirms: Callable[[date], bool]
    may_be_past: bool = False
    needs_company: bool = False
    has_year: bool = False
    lacks_year: bool = False
    takes_no_year: bool = False


class ClockPart(msgspec.Struct, frozen=True):
    """A time of day: two times where neither am nor pm is said. Midnight begins or ends a day.

    "2030" may be a year, and "4.12" a date.
    """

    times: frozenset[time]
    is_midnight: bool = False
    needs_part_of_day: bool = False
    may_be_year: bool = False
    may_be_date: bool = False


class HalfPart(msgspec.Struct, frozen=True):
    """A part of the day: "morning", from its first hour until its last."""

    name: str

    def holds(self, at: time) -> bool:
        """Tell whether a time lies in this part of the day."""
        first, last = _HOURS[self.name]
        return first <= at.hour <= last


_HOURS = {
    "am": (0, 11),
    "pm": (12, 23),
    "morning": (1, 11),
    "afternoon": (12, 18),
    "evening": (16, 23),
    "night": (18, 23),
}


class ElapsedPart(msgspec.Struct, frozen=True):
    """A time that has to pass from now: "in 2 hours". It is counted on the clock, not the dial."""

    elapsed: timedelta


class ZonePart(msgspec.Struct, frozen=True):
    """An offset from UTC."""

    offset: timedelta


Part = DayPart | ClockPart | HalfPart | ElapsedPart | ZonePart
