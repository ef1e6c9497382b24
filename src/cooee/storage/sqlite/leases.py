"""Who has which conversation now: kept in the owner's memory, since a dead owner holds nothing."""

from __future__ import annotations

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """A conversation in somebody's hands: the claim's number, and the row's own when it was given.

    `suspect`: one whose oldest text may have killed the process.
    """

    number: int
    row: int
    suspect: bool = False


class Leases:
    """Every lease of this process, and what else is to be undone with a failed transaction."""

    def __init__(self) -> None:
        self.held: dict[bytes, Lease] = {}
        self.data_version = 0
        self._numbers = 0
        self._marked: tuple[dict[bytes, Lease], int] = ({}, 0)

    def give(self, conversation: bytes, row: int, *, suspect: bool = False) -> int:
        """Lease a conversation; the claim's number."""
        self._numbers += 1
        self.held[conversation] = Lease(self._numbers, row, suspect)
        return self._numbers

    def take_back(self, conversation: bytes, number: int) -> Lease | None:
        """End a lease; None where that claim does not hold it."""
        lease = self.held.get(conversation)
        if lease is None or lease.number != number:
            return None
        return self.held.pop(conversation)

    def mark(self) -> None:
        """Remember how things stand."""
        self._marked = (dict(self.held), self.data_version)

    def rewind(self) -> None:
        """Go back to the mark."""
        self.held, self.data_version = self._marked
