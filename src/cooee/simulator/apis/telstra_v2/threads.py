"""Numbers that Telstra lends for one answer each: `replyRequest` and its `ReplyAddress`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cooee.simulator.apis.telstra_v2.errors import Refusal
from cooee.simulator.network import Network, Text

LIFE = timedelta(days=7)
MOST = 50
"""Threads with one person at a time."""


class Threads:
    """A client's threads: which text a reply to a lent number answers.

    One number serves many people, and one person never has two threads on it.
    """

    def __init__(self, network: Network, take_in: Callable[[Text, str], None]) -> None:
        self._network, self._take_in = network, take_in
        self._lent: list[_Lent] = []

    @property
    def numbers(self) -> set[str]:
        """The numbers that texts of a thread may be sent from."""
        return {lent.number for lent in self._lent}

    def begin(self, person: str, message_id: str) -> str:
        """Begin a thread; the number that the person's answer will come to.

        Raises:
            Refusal: there are too many with this person.
        """
        for lent in self._lent:
            if lent.begin(person, message_id):
                return lent.number
        if len(self._lent) >= MOST:
            raise Refusal(400, "DELIVERY-IMPOSSIBLE", "Too many open conversations")
        lent = _Lent(self._network, self._take_in)
        self._network.lines[lent.number] = lent
        self._lent.append(lent)
        lent.begin(person, message_id)
        return lent.number


class _Lent:
    """One lent number, which is nobody's to read: replies go where the client's others go."""

    unread = 0

    def __init__(self, network: Network, take_in: Callable[[Text, str], None]) -> None:
        self._clock, self._take_in = network.clock, take_in
        self.number = network.free_number()
        self._threads: dict[str, tuple[str, datetime]] = {}

    def begin(self, person: str, message_id: str) -> bool:
        if self._thread(person) is not None:
            return False
        self._threads[person] = message_id, self._clock.now() + LIFE
        return True

    def arrive(self, text: Text) -> bool:
        message_id = self._thread(text.sender)
        if message_id is not None:
            self._take_in(text, message_id)
        return message_id is not None

    def _thread(self, person: str) -> str | None:
        message_id, ends_at = self._threads.get(person, ("", None))
        return message_id if ends_at is not None and self._clock.now() < ends_at else None
