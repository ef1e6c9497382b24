"""Parses days and times in people's texts: the only meaning of a text, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timezone
from functools import partial
from typing import TypeVar

from cooee.core.parsing.dates.customs import MAX_AGE, MAX_AHEAD, customs_of
from cooee.core.parsing.dates.grammar import divisions
from cooee.core.parsing.dates.meanings import (
    possible_days,
    possible_moments,
    times_without_day,
)
from cooee.core.parsing.dates.parts import ClockPart, DayPart, Part, ZonePart
from cooee.core.phone_numbers import country_of

T = TypeVar("T")


class DateNotUnderstood(ValueError):
    """The text names no day or time, or may name several.

    `hint` is what to tell the person; "" where the question's own words say enough.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def parse_date(text: str, now: datetime, *numbers: str) -> date:
    """Parse a day: "tomorrow", "next Tuesday", "25 Dec", "3/4".

    `numbers` are ours and the person's, whose countries' customs and languages count: "3/4" is the
    third of April or the fourth of March, and several days where the two countries differ. A day
    without its year lies within the next eleven months.

    Raises:
        DateNotUnderstood: the text names no day, or several, or a month or a week.
    """
    today = now.date()
    return _single(*_read(text, now, numbers, lambda parts: possible_days(parts, today)), now)


def parse_birthday(text: str, now: datetime, *numbers: str) -> date:
    """Parse a day that is over, with its year: "12/3/85", "12 March 1985".

    Raises:
        DateNotUnderstood: the text names no such day, or several.
    """
    today = now.date()

    def birthdays(parts: Sequence[Part]) -> set[date]:
        has_year = any(isinstance(part, DayPart) and part.has_year for part in parts)
        dated = all(isinstance(part, DayPart) for part in parts) and has_year
        days = possible_days(parts, today) if dated else set()
        return {day for day in days if today - MAX_AGE <= day <= today}

    return _single(*_read(text, now, numbers, birthdays, past=True), now)


def parse_time(text: str, now: datetime, *numbers: str) -> time:
    """Parse a time of day: "3pm", "15:30", "noon"; not "7" or "7:30", which may be either.

    Raises:
        DateNotUnderstood: the text names no time of day, or two, or another day.
    """
    today = now.date()
    return _single(*_read(text, now, numbers, lambda parts: times_without_day(parts, today)), now)


def parse_datetime(text: str, now: datetime, *numbers: str) -> datetime:
    """Parse a day and a time: "tomorrow 3pm", "in two hours"; "3pm" is the next 3pm.

    The result is in the zone of `now`. A local time that a change of clocks leaves out is not
    understood; of a local time that comes twice, the first is meant.

    Raises:
        DateNotUnderstood: the text names no time, or a day without a time, or several.
    """
    moments, seen = _read(text, now, numbers, lambda parts: possible_moments(parts, now))
    # "Tomorrow 3pm UTC" is said where today is another day: both days are possible.
    for offset in {part.offset for part in seen if isinstance(part, ZonePart)}:
        there = now.astimezone(timezone(offset))
        more, _ = _read(text, there, numbers, partial(possible_moments, now=there))
        moments |= more
    moment = _single(moments, seen, now)
    if moment - now > MAX_AHEAD:
        raise DateNotUnderstood("That is too far ahead to be meant.")
    return moment.astimezone(now.tzinfo)


def _read(
    text: str,
    now: datetime,
    numbers: Sequence[str],
    meanings: Callable[[Sequence[Part]], set[T]],
    *,
    past: bool = False,
) -> tuple[set[T], set[Part]]:
    """Return the meanings of all divisions of a text, and all parts that were seen in it."""
    countries = {country for country in map(country_of, numbers) if country}
    values: set[T] = set()
    seen: set[Part] = set()
    for parts in divisions(text, customs_of(countries, now.date(), past=past)):
        values |= meanings(parts)
        seen |= set(parts)
    return values, seen


def _single(values: set[T], seen: set[Part], now: datetime) -> T:
    """Return the only meaning of a text."""
    # dates rule 2: two meanings are as good as none.
    if len(values) == 1:
        return next(iter(values))
    if not values and any(isinstance(part, DayPart) and part.lacks_year for part in seen):
        hint = f"Which year? Please send it too, like 24 December {now.year + 1}."
        raise DateNotUnderstood("That may be a day of last month, or of next year.", hint)
    if not values:
        raise DateNotUnderstood("That names no day and no time.")
    is_clock = any(isinstance(part, ClockPart) and len(part.times) > 1 for part in seen)
    hint = _HALF_HINT if is_clock else _DAY_HINT
    raise DateNotUnderstood("That may be several days or times.", hint)


_DAY_HINT = "Which day is that? Please send its date, like 24 December."
_HALF_HINT = "Is that before or after noon? Please send a time like 3:30pm."
