"""The dedicated number: its days, its expiry, and the quarantine after it."""

from __future__ import annotations

from collections.abc import Callable, Sized
from datetime import timedelta
from typing import Any

from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.errors import Refusal
from cooee.simulator.network import Network, Text

DAY = timedelta(days=1)
MOST_DAYS = 1825
QUARANTINE = 90 * DAY
READABLE_AFTER = timedelta(minutes=1)


class Subscription:
    """A client's number, from its provisioning until 90 days after its end.

    Args:
        network: where the number is.
        take_in: what happens to a text that arrives.
        waiting: the replies that nobody has read.
    """

    def __init__(self, network: Network, take_in: Callable[[Text], None], waiting: Sized) -> None:
        self._network, self._clock = network, network.clock
        self._take_in, self._waiting = take_in, waiting
        self.number = ""
        self.notify_url: str | None = None
        self.deleted = False
        self._created_at = self._ends_at = self._clock.now()

    @property
    def active(self) -> bool:
        """Whether texts to the number arrive."""
        return self._clock.now() < self._ends_at

    @property
    def lapsed(self) -> bool:
        """Whether it ended so long ago that the number is lost."""
        return bool(self.number) and self._clock.now() >= self._ends_at + QUARANTINE

    @property
    def unread(self) -> int:
        """How many replies wait to be read."""
        readable = self.active and self.notify_url is None
        return len(self._waiting) if readable else 0

    def arrive(self, text: Text) -> bool:
        """Take a reply in."""
        if self.active:
            self._take_in(text)
        return self.active

    def extend(self, days: int, *, once: bool) -> dict[str, Any]:
        """Add days, or take some away; `once` is a free trial, which gets them once.

        Raises:
            Refusal: the days would be more than five years (409, and nothing changes).
        """
        if not self.active:
            return self._begin(days, trial=once)
        if not once:
            if self._days + days > MOST_DAYS:
                raise Refusal(409, "Active Days Max")
            changed = self._ends_at + max(days, -MOST_DAYS) * DAY
            self._ends_at = max(changed, self._clock.now())
        return self._answer(trial=once)

    def read(self) -> dict[str, str]:
        """What ``GET`` tells; nothing within a minute of the number's creation.

        All values are strings; that `notifyURL` is an empty one without a URL is an assumption.

        Raises:
            Refusal: 404 with an empty message, whatever the cause (issue 10 of Telstra's).
        """
        if not self.active or self._clock.now() < self._created_at + READABLE_AFTER:
            raise Refusal(404, "RESOURCE-NOT-FOUND", "")
        return {
            "activeDays": str(self._days),
            "notifyURL": self.notify_url or "",
            "destinationAddress": self.number,
        }

    def delete(self) -> None:
        """Give the number up; for 90 days it can still be had back."""
        self.deleted, self.notify_url = True, None
        self._ends_at = min(self._ends_at, self._clock.now())

    @property
    def _days(self) -> int:
        return max(-((self._clock.now() - self._ends_at) // DAY), 0)

    def _begin(self, days: int, *, trial: bool) -> dict[str, Any]:
        if days > MOST_DAYS:
            raise Refusal(409, "Active Days Max")
        if not self.number:
            self.number = self._network.free_number()
            self._network.lines[self.number] = self
        self.deleted = False
        self._created_at = self._clock.now()
        self._ends_at = self._created_at + max(days, 0) * DAY
        return self._answer(trial=trial)

    def _answer(self, *, trial: bool) -> dict[str, Any]:
        """`activeDays` is a string; a trial's `expiryDate` is a number of milliseconds."""
        answer: dict[str, Any] = {
            "destinationAddress": self.number,
            "activeDays": str(self._days),
        }
        return answer | ({"expiryDate": shapes.milliseconds(self._ends_at)} if trial else {})
