"""The sends that may be under way at once, as the provider's answers allow."""

from __future__ import annotations

from typing import TypeAlias

from cooee.core.errors import OutcomeUnknown, ProviderFailure, TemporaryFailure

MAX_CONCURRENCY = 256
"""The most sends under way at once, per number, where neither provider nor setting says less."""
_START = 16
_REFUSED_STATUSES = frozenset({0, 429})  # no connection; too many requests (RFC 6585, 4)


Ticket: TypeAlias = int
"""How often the limit had been halved as a send began."""


class ConcurrencyLimit:
    """How many sends of one number may be under way at once.

    It begins at 16 and never passes `maximum`. A text that is accepted while at least half of the
    places are in use adds one, so the limit doubles with each round of answers; after the first
    refusal a whole round adds one. A refusal (429, 5xx, no connection, no answer in time) halves
    it, once for all sends that were under way at that moment.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum, self._limit = maximum, min(_START, maximum)
        self._under_way = self._halvings = self._accepted = 0

    @property
    def free(self) -> int:
        """The number of sends that may still begin."""
        return max(self._limit - self._under_way, 0)

    @property
    def is_idle(self) -> bool:
        """True while no send is under way."""
        return not self._under_way

    def begin(self) -> Ticket:
        """Count a send as under way; return its ticket, for `learn`."""
        self._under_way += 1
        return self._halvings

    def free_place(self) -> None:
        """Count a send as over, once its result is recorded."""
        self._under_way -= 1

    def learn(self, ticket: Ticket, failure: ProviderFailure | None) -> None:
        """Learn from a send's answer; `failure` is None where the text was accepted."""
        if ticket != self._halvings:  # it began before the last halving, and has its share in it
            return
        if failure is not None and _is_refusal(failure):
            self._limit = max(self._limit // 2, 1)
            self._halvings += 1
            self._accepted = 0
        elif failure is None and 2 * self._under_way >= self._limit:
            self._accepted += 1
            if not self._halvings or self._accepted >= self._limit:
                self._limit = min(self._limit + 1, self._maximum)
                self._accepted = 0


def _is_refusal(failure: ProviderFailure) -> bool:
    if isinstance(failure, OutcomeUnknown):
        return True
    is_overload = failure.status in _REFUSED_STATUSES or failure.status >= 500
    return isinstance(failure, TemporaryFailure) and is_overload
