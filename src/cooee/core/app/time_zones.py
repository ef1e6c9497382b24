"""Time zones by name, from this machine's data."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cooee.core.errors import DefinitionError

INSTALL_DATA = "pip install tzdata"
"""The command that brings time zone data to a machine without any."""


def load_time_zone(name: str) -> ZoneInfo | None:
    """Return a time zone, None for a name without data on this machine.

    A name may be newer or older than the data, and a machine may have no data at all.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def parse_time_zone(name: str | None) -> tzinfo:
    """Return the time zone that an app names; None means UTC.

    Raises:
        DefinitionError: there is no such zone, or no data on this machine.
    """
    if name is None:
        return UTC
    zone = load_time_zone(name)
    if zone is None:
        raise DefinitionError(
            f'timezone={name!r} is not known here. Write it like "Australia/Sydney"; if that is'
            f" right, this machine has no time zone data: {INSTALL_DATA}"
        )
    return zone
