"""The rate of a number: how many texts may leave now."""

from __future__ import annotations

from datetime import datetime, timedelta


class TokenBucket:
    """A token bucket: at most `rate` texts a second, and one second's worth at once."""

    def __init__(self, rate: float | None, now: datetime, *, is_full: bool = True) -> None:
        self._rate, self._filled_at = rate, now
        self._tokens = max(rate or 0, 1.0) if is_full else 0.0

    def available(self, now: datetime) -> int:
        if self._rate is None:
            return 1 << 16
        elapsed_s = (now - self._filled_at).total_seconds()
        self._tokens = min(max(self._rate, 1), self._tokens + elapsed_s * self._rate)
        self._filled_at = now
        return int(self._tokens)

    def spend(self, count: int) -> None:
        self._tokens -= count

    def next_token_at(self, now: datetime) -> datetime:
        if self._rate is None or self._tokens >= 1:
            return now
        return now + timedelta(seconds=(1 - self._tokens) / self._rate)
