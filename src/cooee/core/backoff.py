"""Backoff: how long to pause before another attempt, and when to make no more."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple


class Backoff(NamedTuple):
    """The pauses between attempts, in seconds; the last repeats."""

    pauses_s: tuple[float, ...]

    @classmethod
    def doubling(cls, first_s: float, longest_s: float) -> Backoff:
        """Return doubling pauses, from the first to the longest."""
        pauses_s = [min(first_s, longest_s)]
        while pauses_s[-1] < longest_s:
            pauses_s.append(min(pauses_s[-1] * 2, longest_s))
        return cls(tuple(pauses_s))

    def pause_s(self, attempt: int) -> float:
        """Return the pause after a failed attempt (1 is the first)."""
        return self.pauses_s[min(attempt, len(self.pauses_s)) - 1]

    def total_s(self, attempt: int) -> float:
        """Return the sum of the pauses before an attempt."""
        repeats = max(attempt - 1 - len(self.pauses_s), 0)
        return sum(self.pauses_s[: attempt - 1]) + repeats * self.pauses_s[-1]


_TURN_BACKOFF = Backoff((1, 5, 30, 120))
_SEND_BACKOFF = Backoff.doubling(1, 300)
_DAY_S = 86_400.0


def turn_backoff(attempt: int) -> timedelta | None:
    """Return the pause after a turn's failed attempt (1 is the first); None: set the text aside.

    A turn gets five attempts within three minutes: long enough for a service to restart, short
    enough for the person who waits, whose later texts wait too.
    """
    if attempt > len(_TURN_BACKOFF.pauses_s):
        return None
    return timedelta(seconds=_TURN_BACKOFF.pause_s(attempt))


def send_backoff(attempt: int, retry_after: float | None = None) -> timedelta | None:
    """Return the pause after a send's failed attempt (1 is the first); None: give the text up.

    It doubles from 1 second to 5 minutes and ends after a day's worth of pauses. The provider's
    `retry_after` (seconds) is honoured up to a day. No jitter: the texts of a number leave
    through one sender at its rate, so there is no herd to scatter.
    """
    if _SEND_BACKOFF.total_s(attempt) >= _DAY_S:
        return None
    provider_pause_s = min(retry_after, _DAY_S) if retry_after and retry_after > 0 else 0.0
    return timedelta(seconds=max(_SEND_BACKOFF.pause_s(attempt), provider_pause_s))
