"""Reply threads: numbers that Telstra lends for one reply each (`replyRequest`, `ReplyAddress`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cooee.simulator.apis.telstra_v2.errors import TelstraV2APIError
from cooee.simulator.network import MobileNetwork, SimulatedText

THREAD_LIFETIME = timedelta(days=7)
MAX_THREADS_PER_PERSON = 50
"""Threads with one person at a time."""


class ReplyThreads:
    """A client's reply threads: the text behind each reply to a lent number.

    One number serves many people, and one person never has two threads on it.
    """

    def __init__(
        self, network: MobileNetwork, on_reply: Callable[[SimulatedText, str], None]
    ) -> None:
        self._network, self._on_reply = network, on_reply
        self._reply_numbers: list[_ReplyNumber] = []

    @property
    def numbers(self) -> set[str]:
        """The sender numbers of the reply threads."""
        return {reply_number.number for reply_number in self._reply_numbers}

    def open_thread(self, person: str, message_id: str) -> str:
        """Open a thread; return the number for the person's reply.

        Raises:
            TelstraV2APIError: this person has too many threads.
        """
        # One number serves many people: a new one is allocated only where this person has a
        # thread on every number so far.
        for reply_number in self._reply_numbers:
            if reply_number.open_thread(person, message_id):
                return reply_number.number
        if len(self._reply_numbers) >= MAX_THREADS_PER_PERSON:
            raise TelstraV2APIError(400, "DELIVERY-IMPOSSIBLE", "Too many open conversations")
        reply_number = _ReplyNumber(self._network, self._on_reply)
        self._network.our_numbers[reply_number.number] = reply_number
        self._reply_numbers.append(reply_number)
        reply_number.open_thread(person, message_id)
        return reply_number.number


class _ReplyNumber:
    """A lent number, without unread texts: its replies join the client's replies."""

    unread_count = 0

    def __init__(
        self, network: MobileNetwork, on_reply: Callable[[SimulatedText, str], None]
    ) -> None:
        self._clock, self._on_reply = network.clock, on_reply
        self.number = network.allocate_number()
        self._threads: dict[str, tuple[str, datetime]] = {}

    def open_thread(self, person: str, message_id: str) -> bool:
        if self._open_thread_with(person) is not None:
            return False
        self._threads[person] = message_id, self._clock.now() + THREAD_LIFETIME
        return True

    def receive(self, text: SimulatedText) -> bool:
        message_id = self._open_thread_with(text.sender)
        if message_id is not None:
            self._on_reply(text, message_id)
        return message_id is not None

    def _open_thread_with(self, person: str) -> str | None:
        message_id, ends_at = self._threads.get(person, ("", None))
        return message_id if ends_at is not None and self._clock.now() < ends_at else None
