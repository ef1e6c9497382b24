"""Leases of conversations, in the owner's memory."""

from __future__ import annotations

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """A leased conversation: the lease's id, and the row's `lease_epoch` when it was granted.

    `is_suspect`: the oldest text of the conversation may have killed the process.
    """

    id: int
    epoch: int
    is_suspect: bool = False


class Leases:
    """All leases of this process, rolled back together with a failed transaction."""

    def __init__(self) -> None:
        # storage rule 12: a dead owner holds no lease, so a claim writes nothing and costs no sync.
        self.by_conversation: dict[bytes, Lease] = {}
        self.data_version = 0
        self.has_suspects = False  # at the start: later none is added
        self._last_id = 0
        self._savepoint: tuple[dict[bytes, Lease], int] = ({}, 0)

    def grant(self, conversation: bytes, epoch: int, *, is_suspect: bool = False) -> int:
        """Lease a conversation; return the id of the lease."""
        self._last_id += 1
        self.by_conversation[conversation] = Lease(self._last_id, epoch, is_suspect)
        return self._last_id

    def end(self, conversation: bytes, lease_id: int) -> Lease | None:
        """End a lease and return it; None where the claim does not hold it."""
        lease = self.by_conversation.get(conversation)
        if lease is None or lease.id != lease_id:
            return None
        return self.by_conversation.pop(conversation)

    def savepoint(self) -> None:
        """Save the leases as they are now."""
        self._savepoint = (dict(self.by_conversation), self.data_version)

    def rollback(self) -> None:
        """Restore the saved leases."""
        self.by_conversation, self.data_version = self._savepoint
