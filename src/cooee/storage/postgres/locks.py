"""Row locks of conversations, taken before all others and in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from cooee.storage.postgres.transaction import Transaction

Numbers: TypeAlias = tuple[str, str]
"""Our number and a person's; both are "" once the person is forgotten."""


async def lock_conversations(
    transaction: Transaction, conversations: Iterable[bytes]
) -> dict[bytes, Numbers]:
    """Lock the rows of conversations until the end of the transaction; return their numbers.

    Who may have to wait for a row of another table locks the row's conversation first.
    """
    # storage rule 2: in the order of the ids, in every verb.
    rows = await transaction.fetch("lock_conversations", sorted(set(conversations)))
    return {id: (ours, theirs) for id, ours, theirs in rows}
