"""When to try again, and when to stop trying."""

from __future__ import annotations

from datetime import timedelta

_TURN = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120))
_LONGEST, _DAY = 300.0, 86_400.0


def after(attempt: int) -> timedelta | None:
    """The pause after a turn's failed attempt (1 is the first); None: set the text aside.

    A turn gets five attempts within three minutes: long enough for a service to restart, short
    enough for the person who waits, whose later texts wait too.
    """
    return _TURN[attempt - 1] if attempt <= len(_TURN) else None


def send_after(attempt: int, retry_after: float | None = None) -> timedelta | None:
    """The pause after a send's failed attempt (1 is the first); None: give the text up.

    It doubles from 1 second to 5 minutes and ends after a day's worth of pauses. What the
    provider asks for (`retry_after`, seconds) is honoured up to a day. Without chance: the
    texts of a number leave through one sender at its rate, so there is no herd to scatter.
    """
    if _waited(attempt) >= _DAY:
        return None
    asked = min(retry_after, _DAY) if retry_after and retry_after > 0 else 0.0
    return timedelta(seconds=max(_pause(attempt), asked))


def _pause(attempt: int) -> float:
    return min(2.0 ** min(attempt - 1, 9), _LONGEST)  # seconds; 2⁹ is past the longest


def _waited(attempt: int) -> float:
    """Seconds of our own pauses before this attempt's."""
    doubled = min(attempt - 1, 9)
    return 2.0**doubled - 1 + (attempt - 1 - doubled) * _LONGEST
