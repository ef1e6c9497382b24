"""The dedicated number of an account: its days, its expiry, and its quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sized
from datetime import timedelta
from typing import Any

from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.errors import TelstraV2APIError
from cooee.simulator.network import MobileNetwork, SimulatedText

DAY = timedelta(days=1)
MAX_ACTIVE_DAYS = 1825
QUARANTINE_TIME = 90 * DAY
READABLE_AFTER = timedelta(minutes=1)


class TelstraV2Subscription:
    """A client's number, from its provisioning until 90 days after its end.

    Args:
        network: the network that has the number.
        on_text: called with each text that arrives.
        unread_texts: the replies that were not polled yet.
    """

    def __init__(
        self, network: MobileNetwork, on_text: Callable[[SimulatedText], None], unread_texts: Sized
    ) -> None:
        self._network, self._clock = network, network.clock
        self._on_text, self._unread_texts = on_text, unread_texts
        self.number = ""
        self.notify_url: str | None = None
        self.is_deleted = False
        self._created_at = self._ends_at = self._clock.now()

    @property
    def is_active(self) -> bool:
        """True where texts to the number arrive."""
        return self._clock.now() < self._ends_at

    @property
    def is_lapsed(self) -> bool:
        """True once the quarantine has passed and the number is lost."""
        return bool(self.number) and self._clock.now() >= self._ends_at + QUARANTINE_TIME

    @property
    def unread_count(self) -> int:
        """The number of replies waiting to be polled."""
        is_readable = self.is_active and self.notify_url is None
        return len(self._unread_texts) if is_readable else 0

    def receive(self, text: SimulatedText) -> bool:
        """Take a reply in."""
        if self.is_active:
            self._on_text(text)
        return self.is_active

    def extend(self, days: int, *, is_trial: bool) -> dict[str, Any]:
        """Add days, or subtract some; a free trial gets its days once.

        Raises:
            TelstraV2APIError: the days would be more than five years (409, and nothing changes).
        """
        if not self.is_active:
            return self._activate(days, is_trial=is_trial)
        if not is_trial:
            if self._days_left + days > MAX_ACTIVE_DAYS:
                raise TelstraV2APIError(409, "Active Days Max")
            new_end = self._ends_at + max(days, -MAX_ACTIVE_DAYS) * DAY
            self._ends_at = max(new_end, self._clock.now())
        return self._provision_response(is_trial=is_trial)

    def to_json(self) -> dict[str, str]:
        """Return the JSON of ``GET``; there is none within a minute of the number's creation.

        All values are strings; that `notifyURL` is an empty one without a URL is an assumption.

        Raises:
            TelstraV2APIError: 404 with an empty message, whatever the cause (issue 10 of Telstra's
                repository).
        """
        if not self.is_active or self._clock.now() < self._created_at + READABLE_AFTER:
            raise TelstraV2APIError(404, "RESOURCE-NOT-FOUND", "")
        return {
            "activeDays": str(self._days_left),
            "notifyURL": self.notify_url or "",
            "destinationAddress": self.number,
        }

    def delete(self) -> None:
        """Give the number up; for 90 days the client can provision the number again."""
        self.is_deleted, self.notify_url = True, None
        self._ends_at = min(self._ends_at, self._clock.now())

    @property
    def _days_left(self) -> int:
        return max(-((self._clock.now() - self._ends_at) // DAY), 0)

    def _activate(self, days: int, *, is_trial: bool) -> dict[str, Any]:
        if days > MAX_ACTIVE_DAYS:
            raise TelstraV2APIError(409, "Active Days Max")
        if not self.number:
            self.number = self._network.allocate_number()
            self._network.our_numbers[self.number] = self
        self.is_deleted = False
        self._created_at = self._clock.now()
        self._ends_at = self._created_at + max(days, 0) * DAY
        return self._provision_response(is_trial=is_trial)

    def _provision_response(self, *, is_trial: bool) -> dict[str, Any]:
        """Return the JSON of a provisioning.

        `activeDays` is a string; a trial's `expiryDate` is a number of milliseconds.
        """
        response: dict[str, Any] = {
            "destinationAddress": self.number,
            "activeDays": str(self._days_left),
        }
        return response | ({"expiryDate": shapes.unix_millis(self._ends_at)} if is_trial else {})
