"""HandedClaims: the claims that came with their texts, on their way to the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from cooee.clocks.clock import monotonic
from cooee.runtime.turns.places import MAX_CLAIMS
from cooee.storage import Claim

_FETCHED_WITHIN_S = 1.0  # else a line of the app blocks the worker's loop


class HandedClaims:
    """Claims that the receiver hands to the worker, which may be in another thread.

    The receiver borrows a place for each claim before it asks for claims, and gives the places
    back with the claims that came. So no more are under way than the worker has places. None is
    lent while conversations wait for a place, which go first, nor while the worker fetches no
    claims: another process may run them.

    Args:
        places_used: returns how many claims the worker has under way.
        wake: wakes the worker.

    Attributes:
        is_lending: whether places are lent; not while conversations wait for one.
    """

    def __init__(self, places_used: Callable[[], int], wake: Callable[[], None]) -> None:
        self._places_used, self._wake = places_used, wake
        self._lock = Lock()
        self._claims: list[Claim] = []
        self._lent, self._handed_at = 0, 0.0
        self.is_lending = False

    @property
    def count(self) -> int:
        """The number of places that are lent, or that handed claims wait for."""
        return self._lent + len(self._claims)

    def borrow(self, wanted: int) -> int:
        """Borrow places for claims, from any thread; return how many are lent."""
        with self._lock:
            is_fetching = not self._claims or monotonic() - self._handed_at < _FETCHED_WITHIN_S
            free_count = MAX_CLAIMS - self._places_used() - self.count
            lent = max(min(wanted, free_count), 0) if self.is_lending and is_fetching else 0
            self._lent += lent
        return lent

    def hand_over(self, lent: int, claims: Sequence[Claim]) -> None:
        """Give borrowed places back, with the claims to run, from any thread."""
        with self._lock:
            self._lent -= lent
            if not self._claims:
                self._handed_at = monotonic()
            self._claims += claims
        if claims:
            self._wake()

    def take(self) -> Sequence[Claim]:
        """Return the claims that were handed over since the last call."""
        with self._lock:
            claims, self._claims = self._claims, []
        return claims
