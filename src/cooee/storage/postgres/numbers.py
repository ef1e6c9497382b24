"""Our numbers with their cursors, and the secrets of this installation."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from cooee.storage.columns import storable_text
from cooee.storage.postgres.transaction import Transaction


async def numbers_with_unsent(transaction: Transaction) -> Sequence[str]:
    """Return our numbers with queued texts, or texts of unknown end."""
    return [ours for (ours,) in await transaction.fetch("numbers_with_unsent")]


async def add_our_number(transaction: Transaction, ours: str) -> None:
    """Store a number of ours."""
    await transaction.execute("add_our_number", storable_text(ours))


async def our_numbers(transaction: Transaction) -> Sequence[str]:
    """Return every number that was ever ours."""
    return [ours for (ours,) in await transaction.fetch("our_numbers")]


async def get_cursor(transaction: Transaction, ours: str) -> str:
    """Return where polling a number goes on; "" at first."""
    found = await transaction.fetch_row("get_cursor", storable_text(ours))
    return "" if found is None else str(found[0])


async def set_cursor(transaction: Transaction, ours: str, cursor: str) -> None:
    """Store where polling a number goes on."""
    await transaction.execute("set_cursor", storable_text(ours), storable_text(cursor))


async def count_lost_read(transaction: Transaction, ours: str) -> None:
    """Count a destructive read whose answer was lost."""
    await transaction.execute("count_lost_read", storable_text(ours))


async def get_secrets(transaction: Transaction, name: str) -> list[str]:
    """Return the secrets of a name, the newest first; empty where none was made."""
    return [secret for (secret,) in await transaction.fetch("secrets", name)]


async def get_or_add_secrets(transaction: Transaction, name: str) -> list[str]:
    """Return the secrets of a name, the newest first; make one where there is none."""
    # Of ten processes that start at once, one makes the secret; the others wait for its commit.
    await transaction.execute("add_first_secret", name, secrets.token_urlsafe(32))
    return await get_secrets(transaction, name)


async def rotate_secret(transaction: Transaction, name: str) -> bool:
    """Add a new secret before the secret in use; False where two are valid already."""
    if len(await get_secrets(transaction, name)) > 1:
        return False
    # Where another process rotates at once, the second of both is refused by the key, and the verb
    # runs again.
    await transaction.execute("age_secret", name)
    await transaction.execute("add_secret", name, secrets.token_urlsafe(32))
    return True


async def retire_secret(transaction: Transaction, name: str) -> bool:
    """Remove the older of two secrets; False where there is only one."""
    return await transaction.execute("retire_secret", name) > 0
