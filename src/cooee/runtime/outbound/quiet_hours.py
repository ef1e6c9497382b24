"""Quiet hours at work: when what we start is due, and what is to be put off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from cooee.core.app.quiet_hours import Quiet, places
from cooee.core.messages import Class, Outbound
from cooee.storage import Taken


class Night:
    """The quiet hours of an app, for what leaves from one number of ours; None has none."""

    def __init__(self, hours: Quiet | None, ours: str) -> None:
        self._hours, self._ours = hours, ours

    def over(self, theirs: str, moment: datetime) -> datetime:
        """The first moment from `moment` on at which a person may be written to."""
        if self._hours is None:
            return moment
        return self._hours.opens(moment, places(theirs, self._ours))

    def sort(
        self, taken: Sequence[Taken], now: datetime
    ) -> tuple[Sequence[Taken], Sequence[tuple[Outbound, datetime]]]:
        """What may leave now, no longer good than its person is awake; and what has to wait."""
        if self._hours is None:
            return taken, ()
        ready: list[Taken] = []
        later: list[tuple[Outbound, datetime]] = []
        for one in taken:
            due = now if one.kind is Class.REPLY else self.over(one.outbound.recipient, now)
            if due > now:
                later.append((one.outbound, due))
            else:
                ready.append(one if one.kind is Class.REPLY else self._until_night(one, now))
        return ready, later

    def _until_night(self, taken: Taken, now: datetime) -> Taken:
        """A text that the company gives up, rather than to deliver it at night."""
        assert self._hours is not None
        outbound = taken.outbound
        closes = self._hours.closes(now, places(outbound.recipient, self._ours))
        good_until = min(closes, outbound.good_until or closes)
        return structs.replace(taken, outbound=structs.replace(outbound, good_until=good_until))
