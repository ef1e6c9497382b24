"""Quiet hours: the moments when a proactive text may leave, in every possible zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from cooee.core.app.time_zones import INSTALL_DATA, load_time_zone
from cooee.core.errors import DefinitionError, SettingError
from cooee.core.phone_numbers import possible_time_zones

_DAY_OFFSETS = range(
    -1, 4
)  # of which ends are looked at: a zone's day may be yesterday or tomorrow


class QuietHours(msgspec.Struct, frozen=True):
    """Hours of the day, on the person's own clock, without proactive texts.

    `begins` is quiet already, `ends` no longer; it may lie after midnight.
    """

    begins: time
    ends: time

    def next_open(self, moment: datetime, zones: Sequence[ZoneInfo]) -> datetime:
        """Return the first moment from `moment` on outside quiet hours in every zone.

        If no moment of the next three days is, since the zones lie too far apart, return the first
        one that is inside quiet hours in the fewest zones.
        """
        ends = sorted(self._next_occurrences(self.ends, moment, zones))
        return min([moment, *ends], key=lambda one: self._count_quiet_zones(one, zones))

    def next_quiet(self, moment: datetime, zones: Sequence[ZoneInfo]) -> datetime:
        """Return the first moment after `moment` when quiet hours begin in a zone."""
        begins = self._next_occurrences(self.begins, moment, zones)
        return min([*begins, *self._put_back_moments(moment, zones)])

    def _count_quiet_zones(self, moment: datetime, zones: Sequence[ZoneInfo]) -> int:
        return sum(self._is_quiet_at(moment.astimezone(place).time()) for place in zones)

    def _is_quiet_at(self, time_of_day: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= time_of_day < self.ends
        return time_of_day >= self.begins or time_of_day < self.ends

    def _put_back_moments(self, moment: datetime, zones: Sequence[ZoneInfo]) -> Iterator[datetime]:
        """Yield the moments after `moment` when a clock goes back from open into quiet hours."""
        for zone in zones:
            today = moment.astimezone(zone).date()
            for days in _DAY_OFFSETS:
                # Quiet until 1:30: where 2:00 becomes 1:00, the hours are quiet once more.
                end = datetime.combine(today + timedelta(days=days), self.ends, zone)
                first, second = (end.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
                if first < second:
                    at = _clock_change(first, second, zone)
                    if at > moment and self._is_quiet_at(at.astimezone(zone).time()):
                        yield at

    def _next_occurrences(
        self, time_of_day: time, moment: datetime, zones: Sequence[ZoneInfo]
    ) -> Iterator[datetime]:
        """Yield the moments after `moment` when a zone's clock shows the time of day."""
        for zone in zones:
            today = moment.astimezone(zone).date()
            for days in _DAY_OFFSETS:
                for fold in (0, 1):  # a clock that is put back shows it twice
                    local = datetime.combine(today + timedelta(days=days), time_of_day, zone)
                    at = local.replace(fold=fold).astimezone(UTC)
                    if at > moment:
                        yield at


def _clock_change(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between two when a zone's clock is changed, to the second."""
    offset = late.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late


def parse_quiet_hours(hours: tuple[str, str] | None) -> QuietHours | None:
    """Parse quiet hours in an app's form: ``("21:00", "08:00")``.

    Raises:
        DefinitionError: they are no two different times of the day.
    """
    if hours is None:
        return None
    try:
        begins, ends = (time.fromisoformat(hour) for hour in hours)
    except (TypeError, ValueError):
        begins = ends = time()
    if begins == ends or begins.tzinfo or ends.tzinfo:
        raise DefinitionError(
            f"quiet={hours!r} are no hours. Write two times of the day, on each person's own"
            ' clock, like quiet=("21:00", "08:00").'
        )
    return QuietHours(begins, ends)


@lru_cache(maxsize=10_000)
def time_zones_of(number: str, our_number: str) -> tuple[ZoneInfo, ...]:
    """Return the time zones a number may be in; the zones of `our_number` where unknown, or UTC.

    Raises:
        SettingError: this machine has no time zone data.
    """
    names = possible_time_zones(number) or possible_time_zones(our_number) or ("UTC",)
    found = tuple(zone for name in names if (zone := load_time_zone(name)))
    if not found:
        raise SettingError(
            f"Quiet hours need time zone data, and there is none here. Type: {INSTALL_DATA}"
        )
    return found
