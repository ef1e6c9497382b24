"""Time zones by name, from this machine's data."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
