"""The phrases that name a day: "25 Nov", "next Tuesday", "2 days after tomorrow"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from cooee.core.parsing.dates.atoms import Atom
from cooee.core.parsing.dates.customs import (
    MAX_AGE,
    MAX_AHEAD,
    MAX_AHEAD_WITHOUT_YEAR,
    Customs,
    written_days,
)
from cooee.core.parsing.dates.durations import Duration, later
from cooee.core.parsing.dates.parts import DayPart

NAMED, OF_MONTH, OF_WEEK, SHORT = 3, 2, 1, 0
"""The strengths of a day's parts: a date, a day of the month, a weekday, a short weekday."""


def _day_part(strength: int, days: Iterable[date], **more: bool) -> DayPart | None:
    found = frozenset(days)
    return DayPart(strength, found, found.__contains__, **more) if found else None


# Dates


def written_date(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return the day of a date in figures: 25/11, 25/11/26, 2026-11-25."""
    parts = _written(atoms[0].value, customs)
    if parts and not customs.past and all(max(part.days) < customs.today for part in parts):
        # "26-12-25" is hardly a day of last year.
        others = _written(atoms[0].value, msgspec.structs.replace(customs, orders=("YMD",)))
        parts += [part for part in others if max(part.days) > customs.today]
    return _day_part(
        NAMED,
        frozenset().union(*(part.days for part in parts)),
        may_be_past=any(part.may_be_past for part in parts),
        has_year=all(part.has_year for part in parts),
        lacks_year=any(part.lacks_year for part in parts),
    )


def _written(figures: str, customs: Customs) -> list[DayPart]:
    found = (dated(*meaning, customs) for meaning in written_days(figures, customs))
    return [part for part in found if part is not None]


def month_and_day(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return the day of a date with its month's name, in any order: 25 Nov, Nov 25th 2026."""
    month = next(int(atom.value) for atom in atoms if atom.code == "M")
    figures = [atom.value for atom in atoms if atom.code in "NOoy"]
    years = [atom.value for atom in atoms if atom.code == "Y"]
    if len(figures[0]) > 2 or "." in figures[0]:
        return None
    if len(figures) == 2 and not years:
        years = [str(_near_year(figures[1], customs) or "")]
    if years and not years[0]:
        return None
    return dated(int(years[0]) if years else None, month, int(figures[0]), customs)


def _near_year(figures: str, customs: Customs) -> int | None:
    """Return the year of two figures behind a month's name, where they are hardly an hour."""
    if len(figures) != 2 or not figures.isdigit():
        return None
    year = customs.full_year(figures)
    return year if customs.past or year >= customs.today.year else None


def dated(year: int | None, month: int, day: int, customs: Customs) -> DayPart | None:
    """Return a date's day; without a year the next such, within its horizon."""
    today = customs.today
    if year is None:
        if customs.past:
            return None
        next_days = (_date(today.year + more, month, day) for more in (0, 1))
        upcoming = [found for found in next_days if found and found >= today]
        # dates rule 4: "24 Nov" on the 25th is yesterday, or in a year.
        near = [day for day in upcoming if day - today <= MAX_AHEAD_WITHOUT_YEAR]
        return _day_part(NAMED, near or upcoming, lacks_year=not near)
    found = _date(year, month, day)
    if found is None or not today - MAX_AGE <= found <= today + MAX_AHEAD:
        return None
    return _day_part(NAMED, [found], may_be_past=True, has_year=True)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


# Days of the month


def day_of_month(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return "the 31st": the next such day. A figure alone only confirms a weekday."""
    if not atoms[0].value.isdigit() or not 1 <= int(atoms[0].value) <= 31:
        return None
    number = int(atoms[0].value)
    if atoms[0].code == "N" and number <= 12:  # "Fri 4" may be four o'clock
        return None
    ahead = (customs.today + timedelta(days) for days in range(62))
    found = next(day for day in ahead if day.day == number)
    alone = atoms[0].code == "O"
    return DayPart(
        OF_MONTH, frozenset([found]), lambda day: day.day == number, needs_company=not alone
    )


def day_of_a_month(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return "the 5th of next month"."""
    of = {atom.code: atom.value for atom in atoms}
    ahead = {"this": 0, "next": 1}.get(of["X"])
    if of["U"] != "month" or ahead is None:
        return None
    years, month = divmod(customs.today.month - 1 + ahead, 12)
    found = _date(
        customs.today.year + years,
        month + 1,
        int(next(atom.value for atom in atoms if atom.code in "Ooy")),
    )
    return _day_part(NAMED, [found] if found else [])


# Weekdays


def weekday(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return the next such weekday; on that weekday it may be today, or in a week."""
    number = int(atoms[0].value)
    if atoms[0].code == "w":
        return DayPart(SHORT, frozenset(), lambda day: day.weekday() == number, needs_company=True)
    days = frozenset(_upcoming(number, customs))
    return DayPart(OF_WEEK, days, lambda day: day.weekday() == number, takes_no_year=True)


def _upcoming(number: int, customs: Customs) -> list[date]:
    ahead = (number - customs.today.weekday()) % 7
    return [customs.today + timedelta(days) for days in ([ahead] if ahead else [0, 7])]


def chosen_weekday(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return "this Friday", or "next Friday" with both days that people mean by it."""
    which = next(atom.value for atom in atoms if atom.code == "X")
    number = next(int(atom.value) for atom in atoms if atom.code == "W")
    upcoming = _upcoming(number, customs)
    if which == "this":
        return _day_part(NAMED, upcoming)
    if which == "coming":
        return _day_part(NAMED, upcoming[-1:])
    if which == "next":
        return _day_part(NAMED, [upcoming[-1], *_in_week(number, 1, customs)])
    nearest = _upcoming(number, customs)[0] - timedelta(7)
    return _day_part(NAMED, [nearest, *_in_week(number, -1, customs)], may_be_past=True)


def weekday_of_week(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return "Tuesday of next week", whether weeks begin on Monday or on Sunday."""
    of = {atom.code: atom.value for atom in atoms}
    weeks = {"this": 0, "next": 1, "last": -1}.get(of["X"])
    if of["U"] != "week" or weeks is None:
        return None
    return _day_part(NAMED, _in_week(int(of["W"]), weeks, customs), may_be_past=weeks < 0)


def _in_week(number: int, weeks: int, customs: Customs) -> list[date]:
    today = customs.today
    monday = today - timedelta(today.weekday()) + timedelta(7 * weeks)
    sunday = today - timedelta((today.weekday() + 1) % 7) + timedelta(7 * weeks)
    return [monday + timedelta(number), sunday + timedelta((number + 1) % 7)]


# Days from today


def from_today(atoms: Sequence[Atom], customs: Customs) -> DayPart | None:
    """Return "tomorrow"."""
    days = int(atoms[0].value)
    found = [customs.today + timedelta(days)]
    return _day_part(NAMED, found, may_be_past=days < 0, takes_no_year=True)


def shifted(part: DayPart | None, duration: Duration | None, sign: int = 1) -> DayPart | None:
    """Return the day so long after a day, or before it."""
    if part is None or duration is None or duration.is_of_hours:
        return None
    days = [later(day, duration, sign) for day in part.days]
    return _day_part(NAMED, [day for day in days if day], may_be_past=part.may_be_past or sign < 0)
