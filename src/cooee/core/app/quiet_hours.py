"""Quiet hours: when a text that we start may leave, wherever its person may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cooee.core.errors import DefinitionError, SettingError
from cooee.core.phone_numbers import zones

_DAYS = range(-1, 4)  # of which ends are looked at: a zone's day may be yesterday or tomorrow


class Quiet(msgspec.Struct, frozen=True):
    """Hours of the day, on each person's own clock, in which we start nothing.

    `begins` is quiet already, `ends` no longer; it may lie after midnight.
    """

    begins: time
    ends: time

    def opens(self, moment: datetime, places: Sequence[ZoneInfo]) -> datetime:
        """The first moment from `moment` on at which it is quiet in none of the places.

        Where there is none within three days, since they lie too far apart, the first at which
        it is quiet in the fewest of them.
        """
        ends = sorted(self._edges(self.ends, moment, places))
        return min([moment, *ends], key=lambda one: self._quiet_in(one, places))

    def closes(self, moment: datetime, places: Sequence[ZoneInfo]) -> datetime:
        """The first moment after `moment` at which it becomes quiet in one of the places."""
        return min(self._edges(self.begins, moment, places))

    def _quiet_in(self, moment: datetime, places: Sequence[ZoneInfo]) -> int:
        return sum(self._is_quiet(moment.astimezone(place).time()) for place in places)

    def _is_quiet(self, clock: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def _edges(
        self, edge: time, moment: datetime, places: Sequence[ZoneInfo]
    ) -> Iterator[datetime]:
        """When the clocks show that time after `moment`, both times where they are put back."""
        for place in places:
            today = moment.astimezone(place).date()
            for day in _DAYS:
                for fold in (0, 1):
                    local = datetime.combine(today + timedelta(days=day), edge, place)
                    at = local.replace(fold=fold).astimezone(UTC)
                    if at > moment:
                        yield at


def quiet(hours: tuple[str, str] | None) -> Quiet | None:
    """Quiet hours as an app writes them: ``("21:00", "08:00")``.

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
    return Quiet(begins, ends)


@lru_cache(maxsize=10_000)
def places(number: str, near: str) -> tuple[ZoneInfo, ...]:
    """The time zones that a number may be in; those of `near` where it tells none, or UTC.

    Raises:
        SettingError: this machine has no time zone data.
    """
    names = zones(number) or zones(near) or ("UTC",)
    found = tuple(zone for name in names if (zone := _zone(name)))
    if not found:
        raise SettingError(
            "Quiet hours need time zone data, and there is none here. Type: pip install tzdata"
        )
    return found


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # newer or older than this machine's data
        return None
