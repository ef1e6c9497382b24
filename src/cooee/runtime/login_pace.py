"""LoginPace: how soon a provider is asked for new credentials again."""

from __future__ import annotations

from datetime import datetime, timedelta

from cooee.clocks.clock import Clock
from cooee.core.backoff import Backoff
from cooee.core.errors import ProviderFailure, TemporaryFailure

_BACKOFF = Backoff.doubling(1, 60)
_SHORT_LIFE = timedelta(minutes=1)  # credentials refused so soon are hardly better than none


class LoginPace:
    """Keeps a process's logins apart where they fail, or where what they give is refused.

    Every text, poll and check needs credentials, so each would log in by itself while the
    provider's login is out of order. And two programs with one account may end each other's
    credentials by each login.

    Args:
        clock: the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logged_in_at: datetime | None = None
        self._next_at: datetime | None = None
        self._failure_count = self._refusal_count = 0
        self._words = ""

    def check(self) -> None:
        """Check that a login may be made now.

        Raises:
            TemporaryFailure: the last one failed, or its credentials were refused, and its pause
                is not over.
        """
        now = self._clock.now()
        if self._next_at is not None and now < self._next_at:
            raise TemporaryFailure(self._words, retry_after=(self._next_at - now).total_seconds())

    def note_login(self) -> None:
        """Note a login that went well."""
        self._logged_in_at, self._next_at, self._failure_count = self._clock.now(), None, 0

    def note_failure(self, failure: ProviderFailure) -> None:
        """Note a login that failed: the next waits."""
        self._failure_count += 1
        self._wait(self._failure_count, f"The login failed: {failure}")

    def note_refusal(self) -> None:
        """Note that the last login's credentials are refused; the second time so soon, wait."""
        at, now = self._logged_in_at, self._clock.now()
        is_short = at is not None and now - at < _SHORT_LIFE
        self._refusal_count = self._refusal_count + 1 if is_short else 0
        if self._refusal_count > 1:
            words = "The provider refuses the credentials that it has just given."
            self._wait(self._refusal_count - 1, words)

    def _wait(self, attempt: int, words: str) -> None:
        self._words = words
        self._next_at = self._clock.now() + timedelta(seconds=_BACKOFF.pause_s(attempt))
