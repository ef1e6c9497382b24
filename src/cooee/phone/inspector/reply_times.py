"""How long replies took in this session: the median, and the slowest but one in a hundred."""

from __future__ import annotations

from collections import deque

import msgspec

_MAX_TIMES = 1_000  # the latest replies


class ReplyTimesView(msgspec.Struct, frozen=True):
    """The replies of a session: their count, and milliseconds from a text to its reply."""

    count: int
    p50_ms: float
    p99_ms: float


class ReplyTimes:
    """The times from a text to its first reply, of the latest 1,000 replies."""

    def __init__(self) -> None:
        self._times = deque[float](maxlen=_MAX_TIMES)

    def add(self, ms: float) -> None:
        """Add the time of a reply, in milliseconds."""
        self._times.append(ms)

    def view(self) -> ReplyTimesView | None:
        """Return the count and percentiles (nearest rank); None where there is no reply yet."""
        ordered = sorted(self._times)
        if not ordered:
            return None
        p50, p99 = (ordered[(percent * len(ordered) + 99) // 100 - 1] for percent in (50, 99))
        return ReplyTimesView(len(ordered), p50, p99)
