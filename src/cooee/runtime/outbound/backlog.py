"""The backlog: whether texts and replies wait too long for us, and webhooks for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cooee.clocks.clock import Clock
from cooee.core.messages import Priority
from cooee.runtime.events import Event, HandlerStarted, TurnsCommitted
from cooee.storage import SendAttempt

_MAX_WAIT = timedelta(milliseconds=25)  # of a text or a reply, before texts in are slowed
_MAX_HOLD = timedelta(seconds=2)  # providers wait for an answer five times as long
_TURNS: Final = "turns"  # beside the numbers of senders


class Backlog:
    """Slows down who pushes texts while we are behind, so that the queues between stay short.

    We are behind while the last text whose handler began, or the last reply of a number whose
    attempt began, had waited for longer than 25 ms (delivery rule 26), and until that turn is
    committed. A text is stored at once, and takes effect at once (an opt-out above all); its answer
    to the provider comes later.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._behind_since: dict[str, datetime] = {}  # by number, and of the turns
        self._last_lease = 0  # of the claim whose handler began last
        self._caught_up = clock.create_wake_up()

    def hear_event(self, event: Event) -> None:
        """Note how long a text has waited for its handler; called in the thread of its turn."""
        if isinstance(event, HandlerStarted):
            # a text that is tried again, or that no push just brought, tells nothing of our pace
            if event.pending is not None and event.claim.attempt == 1:
                self._last_lease = event.claim.lease_id
                self._note(_TURNS, self._clock.now() - event.pending.inbound.received_at)
        elif isinstance(event, TurnsCommitted) and event.finish.claim.lease_id == self._last_lease:
            self._note(_TURNS, timedelta())  # no handler began since, so none may wait

    def note_attempt(self, ours: str, attempt: SendAttempt) -> None:
        """Note how long the reply of an attempt that begins has waited for it."""
        if attempt.priority is Priority.REPLY and attempt.outbound.attempt == 1:
            self._note(ours, self._clock.now() - attempt.queued_at)

    def note_idle(self, ours: str) -> None:
        """Note that what waits for the sender of a number, if anything, waits for no slot."""
        self._note(ours, timedelta())

    async def wait_for_room(self) -> None:
        """Wait until we have caught up, but not longer than two seconds."""
        now = self._clock.now()
        until = now + _MAX_HOLD
        while now < until and self._is_behind(now):
            await self._caught_up.wait((until - now).total_seconds())
            now = self._clock.now()

    def _note(self, what: str, waited: timedelta) -> None:
        if waited > _MAX_WAIT:
            self._behind_since[what] = self._clock.now()
        elif self._behind_since.pop(what, None) is not None:
            self._caught_up.set()

    def _is_behind(self, now: datetime) -> bool:
        """Tell whether anything was found late in the last two seconds, and not in time since."""
        return any(now - since < _MAX_HOLD for since in list(self._behind_since.values()))
