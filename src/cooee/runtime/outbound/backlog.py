"""The backlog: whether replies wait too long for their sender, and webhooks for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cooee.clocks.clock import Clock
from cooee.core.messages import Priority
from cooee.storage import SendAttempt

_MAX_WAIT = timedelta(milliseconds=50)  # of a reply in the outbox, before texts in are slowed
_MAX_HOLD = timedelta(seconds=2)  # providers wait for an answer five times as long


class Backlog:
    """Slows down who pushes texts while replies wait, so that the queue between stays short.

    A text is stored at once, and takes effect at once (an opt-out above all); its answer to the
    provider comes later (delivery rule 26).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late_numbers: set[str] = set()
        self._caught_up = clock.create_wake_up()

    def note_taken(self, ours: str, attempts: Sequence[SendAttempt], now: datetime) -> None:
        """Note the texts that the sender of a number has taken: the first in its queue."""
        is_late = any(
            one.priority is Priority.REPLY
            and one.outbound.attempt == 1
            and now - one.queued_at > _MAX_WAIT
            for one in attempts
        )
        if is_late:
            self._late_numbers.add(ours)
        else:
            self.note_idle(ours)

    def note_idle(self, ours: str) -> None:
        """Note that what waits for the sender of a number, if anything, waits for no slot."""
        if ours in self._late_numbers:
            self._late_numbers.discard(ours)
            self._caught_up.set()

    async def wait_for_room(self) -> None:
        """Wait until no reply waits too long, but not longer than two seconds."""
        until = self._clock.now() + _MAX_HOLD
        while self._late_numbers and (now := self._clock.now()) < until:
            await self._caught_up.wait((until - now).total_seconds())
