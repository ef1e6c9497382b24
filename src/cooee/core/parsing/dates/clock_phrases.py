"""The phrases that name a time of day: "3pm", "half past 3", "noon"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time, timedelta

from cooee.core.parsing.dates.atoms import Atom
from cooee.core.parsing.dates.customs import Customs
from cooee.core.parsing.dates.durations import Duration
from cooee.core.parsing.dates.parts import ClockPart

_HOURS, _MINUTES = {"hour", "hours"}, {"minute", "minutes"}
_CLOCK = re.compile(r"(iso )?(\d\d?)[:.](\d\d)(?::(\d\d))?")


def clock_time(atoms: Sequence[Atom], customs: Customs) -> ClockPart | None:
    """Return a time in figures: 3:30, 15:30, 3.30 pm."""
    is_marked = atoms[0].code in "@~" or atoms[-1].code != "C"
    atoms = [atom for atom in atoms if atom.code not in "@~"]
    value = atoms[0].value.removesuffix(".")
    if customs.dots and atoms[0].value.endswith(".") and "." in value:  # "27.11." is a date
        return None
    found = _CLOCK.fullmatch(value)
    if found is None or (atoms[-1].code == "U" and atoms[-1].value not in _HOURS):
        return None
    iso, hour, minute, second = found.groups()
    # Where days have 24 hours, "10:30" is in the morning; "3:30" is carelessly written.
    is_plain = bool(iso) or (customs.hours24 and len(hour) == 2)
    half = _half_of_day(atoms)
    clock = _times(hour, int(minute), half, int(second or 0), is_plain=is_plain)
    # "Fri 4.12" may be the fourth of December.
    may_be_date = "." in value and not is_marked and 1 <= int(minute) <= 12
    return clock and ClockPart(clock.times, may_be_date=may_be_date)


def hour_alone(atoms: Sequence[Atom], _: Customs) -> ClockPart | None:
    """Return "7pm", "at 19", "0900", or "7", which needs a part of the day."""
    codes = "".join(atom.code for atom in atoms)
    atoms = [atom for atom in atoms if atom.code not in "@~"]
    value, half = atoms[0].value, _half_of_day(atoms)
    if not value.isdigit():
        return None
    if len(value) in {3, 4} and (half or len(value) == 4):
        is_plain = codes == "NU"
        if is_plain and atoms[1].value not in _HOURS:
            return None
        clock = _times(value[:-2], int(value[-2:]), half, is_plain=is_plain)
        may_be_year = not half and codes == "N" and value[:2] in {"19", "20"}
        return clock and ClockPart(clock.times, may_be_year=may_be_year)
    if len(value) > 2 or codes == "NU":
        return None
    if half or codes != "N":
        return _times(value, 0, half)
    return None


def bare_hour(atoms: Sequence[Atom], _: Customs) -> ClockPart | None:
    """Return "7", which is a time only beside a part of the day: "tomorrow evening 7"."""
    value = atoms[0].value
    if not value.isdigit() or not 1 <= int(value) <= 12 or len(value) > 2:
        return None
    both = _times(value.lstrip("0"), 0, "")
    return both and ClockPart(both.times, needs_part_of_day=True)


def noon_or_midnight(atoms: Sequence[Atom], _: Customs) -> ClockPart | None:
    """Return "noon", "12 midnight", "12:00 noon"."""
    if len(atoms) == 2 and atoms[0].value not in {"12", "12:00", "12.00"}:
        return None
    if atoms[-1].value == "noon":
        return ClockPart(frozenset([time(12)]))
    return ClockPart(frozenset([time(0)]), is_midnight=True)


def minutes_past(atoms: Sequence[Atom], _: Customs) -> ClockPart | None:
    """Return "half past 3", "quarter to 4pm"."""
    place = next(i for i, atom in enumerate(atoms) if atom.code in "<>")
    # "10 to 11pm" is an hour, and "10 minutes to 11pm" a time.
    if atoms[place].code == "<" and atoms[0].code != "q" and place == 1:
        return None
    minutes = {"H": 30, "q": 15}.get(atoms[0].code)
    if minutes is None:
        minutes = int(atoms[0].value) if atoms[0].value.isdigit() else 60
    if place == 2 and atoms[1].value not in _MINUTES:
        return None
    hour = atoms[place + 1].value
    if not 1 <= minutes < 60 or len(hour) > 2 or not hour.isdigit():
        return None
    exact = _times(hour, 0, _half_of_day(atoms))
    sign = 1 if atoms[place].code == ">" else -1
    return exact and shifted_clock(exact, Duration(0, timedelta(minutes=minutes)), sign)


def shifted_clock(
    clock: ClockPart | None, duration: Duration | None, sign: int = 1
) -> ClockPart | None:
    """Return the time so long after a time, or before it, on the same day."""
    if clock is None or duration is None or duration.months:
        return None
    found = set()
    for at in clock.times:
        since_midnight = timedelta(hours=at.hour, minutes=at.minute)
        if clock.is_midnight and sign < 0:  # the midnight that ends the day
            since_midnight = _DAY
        shifted = since_midnight + sign * duration.rest
        wraps = len(clock.times) == 2  # a quarter to 12 is before noon and before midnight
        if not wraps and not timedelta() <= shifted < _DAY:
            return None
        found.add(_time_since_midnight(shifted % _DAY))
    return ClockPart(frozenset(found))


_DAY = timedelta(days=1)


def _time_since_midnight(elapsed: timedelta) -> time:
    hours, rest = divmod(elapsed, timedelta(hours=1))
    return time(hours, rest // timedelta(minutes=1))


def _half_of_day(atoms: Sequence[Atom]) -> str:
    return atoms[-1].value if atoms[-1].code == "A" else ""


def _times(
    hour: str, minute: int, half: str, second: int = 0, *, is_plain: bool = False
) -> ClockPart | None:
    """Return the times of a figure: one with am or pm or in a day of 24 hours, else two."""
    number = int(hour)
    if minute > 59 or second > 59 or number > 23:
        return None
    if half:
        if not 1 <= number <= 12:
            return None
        hours = [number % 12 + (12 if half == "pm" else 0)]
    elif is_plain or number > 12 or hour.startswith("0"):
        hours = [number]
    else:
        # dates rule 5: an hour from 1 to 12 is two times.
        hours = [number % 12, number % 12 + 12]
    return ClockPart(frozenset(time(each, minute, second) for each in hours))
