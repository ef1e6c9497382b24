"""The backlog: whether texts and replies wait too long for us, and webhooks for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cooee.clocks.clock import Clock, WakeUp
from cooee.core.messages import Priority
from cooee.runtime.events import Event, HandlerStarted, TurnsCommitted
from cooee.storage import SendAttempt

_MAX_WAIT = timedelta(milliseconds=25)  # of a text or a reply, before texts in are slowed
_MAX_HOLD = timedelta(seconds=2)  # providers wait for an answer five times as long
_CALM = timedelta(seconds=1)  # without being behind, until pushes are answered at once again
_TURNS: Final = "turns"  # beside the numbers of senders
_BEHIND_SHARE, _IN_TIME_SHARE = 0.75, 2.0  # pushes answered for each text or reply that goes on


class Backlog:
    """Slows down who pushes texts while we are behind, so that the queues between stay short.

    We are behind while the last text whose handler began, or the last reply of a number whose
    attempt began, had waited for longer than 25 ms, or a reply waits that long for a place. Then
    three pushes are answered for each four texts, or replies, that go on; once they go on in time,
    two for each one; and after a calm second, all at once (delivery rule 26). A text is stored at
    once, and takes effect at once (an opt-out above all); its answer to the provider comes later.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()  # handlers begin in threads of their own
        self._behind_since: dict[str, datetime] = {}  # by number, and of the turns
        self._full_since: dict[str, datetime] = {}  # by number: what waits for a place, since when
        self._last_lease = 0  # of the claim whose handler began last
        self._calm_at, self._pacer = clock.now(), _TURNS  # what was behind last sets the pace
        self._held: deque[WakeUp] = deque()
        self._credit = 0.0

    # What goes on

    def hear_event(self, event: Event) -> None:
        """Note how long a text has waited for its handler; called in the thread of its turn."""
        if isinstance(event, HandlerStarted):
            # a text that is tried again, or that no push just brought, tells nothing of our pace
            if event.pending is not None and event.claim.attempt == 1:
                self._last_lease = event.claim.lease_id
                self._note_passed(_TURNS, self._clock.now() - event.pending.inbound.received_at)
        elif isinstance(event, TurnsCommitted) and event.finish.claim.lease_id == self._last_lease:
            self._note_empty(_TURNS)  # no handler began since, so none may wait

    def note_attempt(self, ours: str, attempt: SendAttempt) -> None:
        """Note how long the reply of an attempt that begins has waited for it."""
        if attempt.priority is Priority.REPLY and attempt.outbound.attempt == 1:
            self._note_passed(ours, self._clock.now() - attempt.queued_at)

    def note_full(self, ours: str) -> None:
        """Note that a number has no place for a reply that may wait for one."""
        now = self._clock.now()
        if now - self._full_since.setdefault(ours, now) > _MAX_WAIT:
            self._mark_behind(ours, now)

    def note_taken(
        self, ours: str, attempts: Sequence[SendAttempt], *, free: int, is_idle: bool
    ) -> None:
        """Note what a number has begun, how many places it has left, and if nothing is under way.

        Where places are left, no reply waits for one.
        """
        self._full_since.pop(ours, None)
        if free:
            self._note_empty(ours, None if is_idle else free)
        elif attempts and attempts[-1].priority is Priority.REPLY:  # replies go first
            self._full_since[ours] = attempts[-1].queued_at

    def note_idle(self, ours: str) -> None:
        """Note that what waits for the sender of a number, if anything, waits for no place."""
        self._full_since.pop(ours, None)
        self._note_empty(ours)

    # Who is held

    async def wait_for_room(self) -> None:
        """Wait until it is this push's turn to be answered, but not longer than two seconds."""
        now = self._clock.now()
        until = now + _MAX_HOLD
        if now >= self._calm_at:
            return
        wake_up, is_answered = self._clock.create_wake_up(), False
        with self._lock:
            self._held.append(wake_up)
        try:
            while now < min(until, self._calm_at) and not is_answered:
                seconds = (min(until, self._calm_at) - now).total_seconds()
                is_answered = await wake_up.wait(seconds)
                now = self._clock.now()
        finally:
            with self._lock:
                if wake_up in self._held:
                    self._held.remove(wake_up)

    def _note_passed(self, what: str, waited: timedelta) -> None:
        with self._lock:
            if waited > _MAX_WAIT:
                self._mark_behind(what, self._clock.now())
            else:
                self._behind_since.pop(what, None)
            if self._held and what == self._pacer:
                self._release(_BEHIND_SHARE if self._is_behind() else _IN_TIME_SHARE)

    def _note_empty(self, what: str, room: int | None = None) -> None:
        """Note that nothing waits; there is room for so many pushes more, None for all."""
        if not self._behind_since and not self._held:
            return
        with self._lock:
            self._behind_since.pop(what, None)
            if what == self._pacer and not self._is_behind():
                self._release(len(self._held) if room is None else room)

    def _mark_behind(self, what: str, now: datetime) -> None:
        self._behind_since[what] = now
        self._calm_at = now + _CALM
        if what != _TURNS or self._behind_since.keys() == {_TURNS}:  # replies go on last
            self._pacer = what

    def _release(self, credit: float) -> None:
        self._credit = min(self._credit, 1.0) + credit
        while self._held and self._credit >= 1:
            self._credit -= 1
            self._held.popleft().set()

    def _is_behind(self) -> bool:
        """Tell whether anything was found late in the last two seconds, and not in time since."""
        if not self._behind_since:
            return False
        now = self._clock.now()
        return any(now - since < _MAX_HOLD for since in self._behind_since.values())
