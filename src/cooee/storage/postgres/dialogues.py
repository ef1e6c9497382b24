"""Dialogues, their journal entries, and the timers of conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cooee.storage.postgres.transaction import Transaction
from cooee.storage.records import ClaimResult, DialogueRecord


async def open_dialogues(
    transaction: Transaction, conversations: Sequence[bytes]
) -> Mapping[bytes, Sequence[DialogueRecord]]:
    """Return the open dialogues of conversations, in the order of their ids."""
    raise NotImplementedError


async def update_dialogues(transaction: Transaction, results: Sequence[ClaimResult]) -> None:
    """Write the dialogue updates, and the failures of timers, of turns whose leases are held."""
    raise NotImplementedError
