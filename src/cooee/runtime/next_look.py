"""NextLook: when a part looks at the store next for what is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from cooee.clocks.clock import Clock

_SOON = timedelta(seconds=1)


class NextLook:
    """The moment of a part's next look at the store, which any thread may bring forward.

    Whoever knows that something is due asks for a look now. Whoever knows of nothing asks for one
    soon: within a second, one for all who asked. It is due at first.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._wake_up = clock.create_wake_up()
        self._at: datetime | None = clock.now()

    def now(self) -> None:
        """Look as soon as can be."""
        self.by(self._clock.now())
        self._wake_up.set()

    def soon(self) -> None:
        """Look within a second."""
        # delivery rule 32: one look for all that may have been overlooked
        self.by(self._clock.now() + _SOON)

    def by(self, moment: datetime | None) -> None:
        """Look at a moment, or before; None asks for nothing."""
        if moment is not None and self._bring_forward(moment):
            self._wake_up.set()

    def wake(self) -> None:
        """Wake the part that waits, without a look."""
        self._wake_up.set()

    def begin(self) -> bool:
        """Begin the look, if its moment has come; return whether it has."""
        with self._lock:
            is_due = self._at is not None and self._at <= self._clock.now()
            if is_due:
                self._at = None
        return is_due

    async def rest(self, seconds: float | None = 1) -> None:
        """Rest until somebody wakes the part, or for so many seconds; then a look is due."""
        await self._wake_up.wait(seconds)
        self._bring_forward(self._clock.now())

    async def wait(self) -> None:
        """Wait for the moment of the next look, or until somebody wakes the part."""
        at = self._at
        seconds = None if at is None else (at - self._clock.now()).total_seconds()
        if seconds is None or seconds > 0:
            await self._wake_up.wait(seconds)

    def _bring_forward(self, moment: datetime) -> bool:
        """Have the next look at a moment, if none is before; return whether none was."""
        with self._lock:
            is_earlier = self._at is None or moment < self._at
            if is_earlier:
                self._at = moment
        return is_earlier
