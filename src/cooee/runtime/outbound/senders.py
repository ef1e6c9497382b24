"""The senders of a process: one for each of our numbers that has a text to send."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from cooee.runtime.outbound.sender import Sender


class Senders:
    """The running senders, by our number.

    Args:
        make_sender: makes the sender of a number.
        keep_running: runs a part of a name until it is stopped, whatever happens to it.
        is_active: whether this process sends at all.
    """

    def __init__(
        self,
        make_sender: Callable[[str], Sender],
        keep_running: Callable[[str, Callable[[], Coroutine[Any, Any, None]]], None],
        *,
        is_active: bool = True,
    ) -> None:
        self._make_sender, self._keep_running = make_sender, keep_running
        self._is_active = is_active
        self._senders: dict[str, Sender] = {}

    def start(self, ours: str) -> None:
        """Start the sender of a number, unless it runs."""
        if self._is_active and ours not in self._senders:
            sender = self._senders[ours] = self._make_sender(ours)
            self._keep_running("sender", sender.run)

    def wake(self, ours: str) -> None:
        """Make a number's sender look for texts now."""
        self.start(ours)
        if sender := self._senders.get(ours):
            sender.wake()

    def wake_all(self) -> None:
        """Make every running sender look for texts now."""
        for sender in self._senders.values():
            sender.wake()

    def note_settled(self) -> None:
        """Tell every running sender that an attempt is settled, for which texts may wait."""
        for sender in self._senders.values():
            sender.note_settled()

    def with_free_place(self, ours: str) -> Sender | None:
        """Return the sender of a number, with a place borrowed; None where it lends none."""
        sender = self._senders.get(ours)
        return sender if sender is not None and sender.borrow_place() else None

    def stop(self) -> None:
        """Let every sender end its attempts under way and start no other."""
        for sender in self._senders.values():
            sender.stop()

    @property
    def trouble(self) -> str:
        """The last failure of each sender that has one, in words; "" where all is well."""
        return "; ".join(sender.trouble for sender in self._senders.values() if sender.trouble)
