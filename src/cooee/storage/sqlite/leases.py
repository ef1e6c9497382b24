"""Who has which conversation now: kept in the owner's memory, since a dead owner holds nothing."""

from __future__ import annotations

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """A conversation in somebody's hands: the claim's number, and the row's own when it was given.

    `is_suspect`: one whose oldest text may have killed the process.
    """

    id: int
    epoch: int
    is_suspect: bool = False


class Leases:
    """Every lease of this process, and what else is to be undone with a failed transaction."""

    def __init__(self) -> None:
        self.by_conversation: dict[bytes, Lease] = {}
        self.data_version = 0
        self._last_id = 0
        self._savepoint: tuple[dict[bytes, Lease], int] = ({}, 0)

    def grant(self, conversation: bytes, epoch: int, *, is_suspect: bool = False) -> int:
        """Lease a conversation; the claim's number."""
        self._last_id += 1
        self.by_conversation[conversation] = Lease(self._last_id, epoch, is_suspect)
        return self._last_id

    def end(self, conversation: bytes, lease_id: int) -> Lease | None:
        """End a lease; None where that claim does not hold it."""
        lease = self.by_conversation.get(conversation)
        if lease is None or lease.id != lease_id:
            return None
        return self.by_conversation.pop(conversation)

    def savepoint(self) -> None:
        """Remember how things stand."""
        self._savepoint = (dict(self.by_conversation), self.data_version)

    def rollback(self) -> None:
        """Go back to the mark."""
        self.by_conversation, self.data_version = self._savepoint
