"""A virtual number: where its replies go, its tags, and its end when nobody uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cooee.simulator.apis.telstra_v3 import responses as shapes
from cooee.simulator.network import Network, Text

IDLE_IN_TRIAL, IDLE = timedelta(days=30), timedelta(days=548)
"""How long without sending (in a free trial) or without traffic (18 months) it stays."""


class VirtualNumber:
    """A number of an account's, in the network.

    Args:
        network: where it is.
        trial: whether the account is a free trial.
        take_in: what happens to a text that arrives.
        waiting: how many texts to it nobody has read.
    """

    def __init__(
        self,
        network: Network,
        *,
        trial: bool,
        take_in: Callable[[VirtualNumber, Text], None],
        waiting: Callable[[str], int],
    ) -> None:
        self._clock, self._take_in, self._waiting = network.clock, take_in, waiting
        self.number = network.free_number()
        self.reply_url: str | None = None
        self.tags: tuple[str, ...] = ()
        self.trial = trial
        self._last_use = self._last_traffic = self._clock.now()
        self._released = False
        network.lines[self.number] = self

    @property
    def assigned(self) -> bool:
        """Whether it is still the account's."""
        idle = IDLE_IN_TRIAL if self.trial else IDLE
        since = self._last_use if self.trial else self._last_traffic
        return not self._released and self._clock.now() < since + idle

    @property
    def unread(self) -> int:
        """How many texts to it nobody has read; none where they are pushed."""
        return self._waiting(self.number) if self.assigned and self.reply_url is None else 0

    @property
    def shape(self) -> dict[str, Any]:
        """The number as it is answered. `lastUse` of a new one is its birth (an assumption)."""
        shape = {
            "virtualNumber": shapes.national(self.number),
            "replyCallbackUrl": self.reply_url,
            "tags": list(self.tags) or None,
            "lastUse": shapes.stamp(self._last_use),
        }
        return {name: value for name, value in shape.items() if value is not None}

    def arrive(self, text: Text) -> bool:
        """Take a text in."""
        if not self.assigned:
            return False
        self._last_traffic = self._clock.now()
        self._take_in(self, text)
        return True

    def change(self, reply_url: str | None, tags: tuple[str, ...]) -> None:
        """Replace all that can be changed: what is left out is wiped."""
        self.reply_url, self.tags = reply_url, tags

    def use(self) -> None:
        """Remember that a text was sent from it."""
        self._last_use = self._last_traffic = self._clock.now()

    def release(self) -> None:
        """Give it up."""
        self._released, self.reply_url = True, None
