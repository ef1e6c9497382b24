"""A virtual number: its reply URL, its tags, and its release when unused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.network import MobileNetwork, SimulatedText

MAX_IDLE_IN_TRIAL, MAX_IDLE = timedelta(days=30), timedelta(days=548)
"""How long without sending (in a free trial) or without traffic (18 months) it stays."""


class VirtualNumber:
    """A number of an account, in the network.

    Args:
        network: the network that has the number.
        is_trial: whether the account is a free trial.
        on_text: called with each text that arrives.
        count_unread: returns how many texts to a number were not polled yet.
    """

    def __init__(
        self,
        network: MobileNetwork,
        *,
        is_trial: bool,
        on_text: Callable[[VirtualNumber, SimulatedText], None],
        count_unread: Callable[[str], int],
    ) -> None:
        self._clock, self._on_text, self._count_unread = network.clock, on_text, count_unread
        self.number = network.allocate_number()
        self.reply_url: str | None = None
        self.tags: tuple[str, ...] = ()
        self.is_trial = is_trial
        self._last_use = self._last_traffic = self._clock.now()
        self._is_released = False
        network.our_numbers[self.number] = self

    @property
    def is_assigned(self) -> bool:
        """True where the number is still the account's."""
        max_idle = MAX_IDLE_IN_TRIAL if self.is_trial else MAX_IDLE
        since = self._last_use if self.is_trial else self._last_traffic
        return not self._is_released and self._clock.now() < since + max_idle

    @property
    def unread_count(self) -> int:
        """The number of texts waiting to be polled; 0 where texts are pushed."""
        return self._count_unread(self.number) if self.is_assigned and self.reply_url is None else 0

    @property
    def json_form(self) -> dict[str, Any]:
        """The number's JSON. `lastUse` of a new number is its assignment (an assumption)."""
        content = {
            "virtualNumber": shapes.to_national(self.number),
            "replyCallbackUrl": self.reply_url,
            "tags": list(self.tags) or None,
            "lastUse": shapes.format_utc(self._last_use),
        }
        return {name: value for name, value in content.items() if value is not None}

    def receive(self, text: SimulatedText) -> bool:
        """Take a text in."""
        if not self.is_assigned:
            return False
        self._last_traffic = self._clock.now()
        self._on_text(self, text)
        return True

    def set_details(self, reply_url: str | None, tags: tuple[str, ...]) -> None:
        """Replace the reply URL and the tags; a left-out value is wiped."""
        self.reply_url, self.tags = reply_url, tags

    def mark_used(self) -> None:
        """Note a text sent from the number."""
        self._last_use = self._last_traffic = self._clock.now()

    def release(self) -> None:
        """Give the number up."""
        self._is_released, self.reply_url = True, None
