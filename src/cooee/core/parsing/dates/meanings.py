"""The days, times and moments that the parts of a text may mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from cooee.core.parsing.dates.customs import MAX_AHEAD
from cooee.core.parsing.dates.parts import (
    ClockPart,
    DayPart,
    ElapsedPart,
    HalfPart,
    Part,
    ZonePart,
)


def possible_days(parts: Sequence[Part], today: date) -> set[date]:
    """Return the days of a text with a day, and with or without a time of that day."""
    doubtful = any(clock.is_midnight or clock.may_be_date for clock in _clocks(parts))
    if doubtful or _has(parts, ElapsedPart, ZonePart):
        return set()
    if _clocks(parts) and not possible_times(parts):
        return set()
    if len({part.name for part in parts if isinstance(part, HalfPart)}) > 1:
        return set()
    return _named_days(parts, today)


def possible_times(parts: Sequence[Part]) -> set[time]:
    """Return the times of the only time of day in a text that fit its part of the day."""
    clocks, halves = _clocks(parts), [part for part in parts if isinstance(part, HalfPart)]
    if len(clocks) != 1 or len(halves) > 1 or _is_year(clocks[0], parts):
        return set()
    clock, half = clocks[0], halves[0] if halves else None
    if half is None:
        return set() if clock.needs_part_of_day else set(clock.times)
    if clock.is_midnight:
        return set(clock.times) if half.name == "night" else set()
    return {at for at in clock.times if half.holds(at)}


def _is_year(clock: ClockPart, parts: Sequence[Part]) -> bool:
    """Tell whether a time is rather the year of the date beside it: "1/12 2027"."""
    named = [part for part in parts if isinstance(part, DayPart)]
    is_round = all(at.minute % 15 == 0 for at in clock.times)
    no_date = is_round and all(part.takes_no_year for part in named)
    return clock.may_be_year and bool(named) and not no_date


def times_without_day(parts: Sequence[Part], today: date) -> set[time]:
    """Return the times of a text that names no other day than today."""
    if _has(parts, ElapsedPart, ZonePart) or not _names_only_today(parts, today):
        return set()
    return possible_times(parts)


def possible_moments(parts: Sequence[Part], now: datetime) -> set[datetime]:
    """Return the moments of a text with a time: on its day, or else the next such time.

    A moment that is over counts where the words point to the past. A local time that a change of
    clocks leaves out is none.
    """
    elapsed = [part.elapsed for part in parts if isinstance(part, ElapsedPart)]
    if elapsed:
        return {now.astimezone(UTC) + elapsed[0]} if len(parts) == 1 else set()
    zones = [part.offset for part in parts if isinstance(part, ZonePart)]
    if len(zones) > 1:
        return set()
    zone: tzinfo | None = timezone(zones[0]) if zones else now.tzinfo
    moments: set[datetime] = set()
    times = possible_times(parts)
    if any(clock.may_be_date for clock in _clocks(parts)) and not _has(parts, HalfPart):
        return set()
    for at in times:
        for day in _days_of(parts, at, now, zone):
            moment = _exact(datetime.combine(day, at), zone)
            # dates rule 5: "today 7" is two times, although one of them is over.
            keeps_past = len(times) > 1 or _may_be_past(parts)
            if moment is not None and (moment >= now or keeps_past):
                moments.add(moment)
    return moments


def _days_of(parts: Sequence[Part], at: time, now: datetime, zone: tzinfo | None) -> set[date]:
    """Return the days on which a time of a text is meant."""
    if not _has(parts, DayPart):
        if any(clock.may_be_year for clock in _clocks(parts)):
            return set()  # "2030"
        here = now.astimezone(zone)
        return {here.date() + timedelta(days=at <= here.time())}
    days = _named_days(parts, now.date())
    is_midnight = any(clock.is_midnight for clock in _clocks(parts))
    if not is_midnight:
        return days
    after = {day + timedelta(days=1) for day in days}
    # "Tonight at midnight" ends this day; "Friday midnight" may begin or end it.
    return after if _has(parts, HalfPart) else days | after


def _exact(local: datetime, zone: tzinfo | None) -> datetime | None:
    """Return a local time in UTC, of two the first; None where the clocks leave it out."""
    # dates rule 6: a time that the clocks leave out does not come back from UTC.
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def _named_days(parts: Sequence[Part], today: date) -> set[date]:
    """Return the days on which all parts of a day agree."""
    named = [part for part in parts if isinstance(part, DayPart)]
    if not named or (len({p.strength for p in named}) == 1 and named[0].needs_company):
        return set()
    if any(part.lacks_year for part in named):
        return set()
    # dates rule 3: the strongest parts name the day, and the others have to agree.
    greatest = max(part.strength for part in named)
    found = set.intersection(*(set(p.days) for p in named if p.strength == greatest))
    found = {day for day in found if all(part.confirms(day) for part in named)}
    found = {day for day in found if day - today <= MAX_AHEAD}
    # dates rule 7: without words for the past, a day that is over is none.
    if _may_be_past(parts):
        return found
    return {day for day in found if day >= today}


def _names_only_today(parts: Sequence[Part], today: date) -> bool:
    return not _has(parts, DayPart) or (
        _named_days(parts, today) == {today} and _has(parts, HalfPart)
    )


def _may_be_past(parts: Sequence[Part]) -> bool:
    return any(isinstance(part, DayPart) and part.may_be_past for part in parts)


def _clocks(parts: Sequence[Part]) -> list[ClockPart]:
    return [part for part in parts if isinstance(part, ClockPart)]


def _has(parts: Sequence[Part], *kinds: type[Part]) -> bool:
    return any(isinstance(part, kinds) for part in parts)
