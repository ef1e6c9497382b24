"""When to try again, and when to stop trying."""

from __future__ import annotations

from datetime import timedelta

_TURN_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120))
_MAX_PAUSE_S, _MAX_TOTAL_PAUSE_S = 300.0, 86_400.0


def turn_backoff(attempt: int) -> timedelta | None:
    """The pause after a turn's failed attempt (1 is the first); None: set the text aside.

    A turn gets five attempts within three minutes: long enough for a service to restart, short
    enough for the person who waits, whose later texts wait too.
    """
    return _TURN_PAUSES[attempt - 1] if attempt <= len(_TURN_PAUSES) else None


def send_backoff(attempt: int, retry_after: float | None = None) -> timedelta | None:
    """The pause after a send's failed attempt (1 is the first); None: give the text up.

    It doubles from 1 second to 5 minutes and ends after a day's worth of pauses. What the
    provider asks for (`retry_after`, seconds) is honoured up to a day. Without chance: the
    texts of a number leave through one sender at its rate, so there is no herd to scatter.
    """
    if _paused_before_s(attempt) >= _MAX_TOTAL_PAUSE_S:
        return None
    provider_pause_s = (
        min(retry_after, _MAX_TOTAL_PAUSE_S) if retry_after and retry_after > 0 else 0.0
    )
    return timedelta(seconds=max(_send_pause_s(attempt), provider_pause_s))


def _send_pause_s(attempt: int) -> float:
    return min(2.0 ** min(attempt - 1, 9), _MAX_PAUSE_S)  # seconds; 2⁹ is past the longest


def _paused_before_s(attempt: int) -> float:
    """Seconds of our own pauses before this attempt's."""
    doublings = min(attempt - 1, 9)
    return 2.0**doublings - 1 + (attempt - 1 - doublings) * _MAX_PAUSE_S
