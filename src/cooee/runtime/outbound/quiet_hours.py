"""Quiet hours: bulk texts are held back until they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from cooee.core.app.quiet_hours import QuietHours, time_zones_of
from cooee.core.messages import Outbound, Priority
from cooee.storage import SendAttempt


class QuietHoursGate:
    """The quiet hours of an app, for what leaves from one number of ours; None has none."""

    def __init__(self, hours: QuietHours | None, ours: str) -> None:
        self._hours, self._ours = hours, ours

    def next_allowed(self, theirs: str, moment: datetime) -> datetime:
        """Return the first moment from `moment` on that is outside a person's quiet hours."""
        if self._hours is None:
            return moment
        return self._hours.next_open(moment, time_zones_of(theirs, self._ours))

    def split(
        self, attempts: Sequence[SendAttempt], now: datetime
    ) -> tuple[Sequence[SendAttempt], Sequence[tuple[Outbound, datetime]]]:
        """What may leave now, no longer good than its person is awake; and what has to wait."""
        if self._hours is None:
            return attempts, ()
        ready: list[SendAttempt] = []
        later: list[tuple[Outbound, datetime]] = []
        for attempt in attempts:
            # delivery rule 18: whoever texts at night is awake, so a reply waits for nothing
            due = (
                now
                if attempt.priority is Priority.REPLY
                else self.next_allowed(attempt.outbound.recipient, now)
            )
            if due > now:
                later.append((attempt.outbound, due))
            else:
                ready.append(
                    attempt
                    if attempt.priority is Priority.REPLY
                    else self._expire_at_quiet_hours(attempt, now)
                )
        return ready, later

    def _expire_at_quiet_hours(self, attempt: SendAttempt, now: datetime) -> SendAttempt:
        """Return a text that expires before the quiet hours, so that none is delivered in them."""
        assert self._hours is not None
        outbound = attempt.outbound
        next_quiet = self._hours.next_quiet(now, time_zones_of(outbound.recipient, self._ours))
        good_until = min(next_quiet, outbound.good_until or next_quiet)
        return structs.replace(attempt, outbound=structs.replace(outbound, good_until=good_until))
