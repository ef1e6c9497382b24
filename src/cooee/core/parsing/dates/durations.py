"""Lengths of time: "2 days", "half an hour", "a week"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

import msgspec

from cooee.core.parsing.dates.atoms import Atom

DURATION = r"(?:[Nna]U(?:&?[Nn]U)?|Ha?U|aHU|[na]U&aH|[Nn]&aHU)"
"""The atoms of a duration, as the text of a regular expression."""
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "fortnight": timedelta(weeks=2),
}
_MONTHS = {"month": 1, "year": 12}
_SIZES = ("minute", "hour", "day", "week", "fortnight", "month", "year")
_MAX_AMOUNT = 1_000


class Duration(msgspec.Struct, frozen=True):
    """A length of time: months, or a length that is the same in each month.

    `is_of_hours` says that it is counted on the clock and not in days: 24 hours are no day.
    """

    months: int
    rest: timedelta
    is_of_hours: bool = False


def parse_duration(atoms: Sequence[Atom]) -> Duration | None:
    """Return the duration of atoms of the form `DURATION`; None for half a day and the like."""
    units = [atom.value.removesuffix("s") for atom in atoms if atom.code == "U"]
    if {"minute", "hour"} & set(units) and not set(units) <= {"minute", "hour"}:
        return None  # "a day and 2 hours" may be a day and a time
    if len(units) > 1 and _SIZES.index(units[0]) <= _SIZES.index(units[1]):
        return None
    amounts = _amounts(atoms)
    if amounts is None or len(amounts) != len(units):
        return None
    months, rest = 0, timedelta()
    for amount, unit in zip(amounts, units, strict=True):
        if not 0 < amount <= _MAX_AMOUNT or (amount.denominator != 1 and unit != "hour"):
            return None
        if unit in _MONTHS:
            months += int(amount) * _MONTHS[unit]
        else:
            rest += _UNITS[unit] * amount.numerator / amount.denominator
    is_of_hours = bool({"minute", "hour"} & set(units))
    return None if months and rest else Duration(months, rest, is_of_hours)


def _amounts(atoms: Sequence[Atom]) -> list[Fraction] | None:
    """Return the amount of each unit."""
    codes = "".join(atom.code for atom in atoms)
    half = Fraction(1, 2)
    if re.fullmatch("Ha?U|aHU", codes):
        return [half]
    numbers = [Fraction(atom.value) for atom in atoms if atom.code in "Nn"]
    if codes.startswith("a"):
        numbers.insert(0, Fraction(1))
    if "H" in codes:  # "an hour and a half", "two and a half hours"
        numbers[0] += half
    return numbers


def later(day: date, duration: Duration, sign: int = 1) -> date | None:
    """Return the day so long after a day; None where that month has no such day."""
    years, month = divmod(day.month - 1 + sign * duration.months, 12)
    try:
        return day.replace(year=day.year + years, month=month + 1) + sign * duration.rest
    except (ValueError, OverflowError):
        return None
