"""Our numbers with their cursors, and the secrets of this installation."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from cooee.storage.columns import storable_text
from cooee.storage.sqlite.transaction import Transaction


def numbers_with_unsent(transaction: Transaction) -> Sequence[str]:
    """Return our numbers with queued texts, or texts of unknown end."""
    return [ours for (ours,) in transaction.execute("numbers_with_unsent")]


def add_our_number(transaction: Transaction, ours: str) -> None:
    """Store a number of ours."""
    transaction.execute("add_our_number", (storable_text(ours),))


def our_numbers(transaction: Transaction) -> Sequence[str]:
    """Return every number that was ever ours."""
    return [ours for (ours,) in transaction.execute("our_numbers")]


def get_cursor(transaction: Transaction, ours: str) -> str:
    """Return where polling a number goes on; "" at first."""
    found = transaction.execute("get_cursor", (ours,)).fetchone()
    return "" if found is None else str(found[0])


def set_cursor(transaction: Transaction, ours: str, cursor: str) -> None:
    """Store where polling a number goes on."""
    transaction.execute("set_cursor", (ours, storable_text(cursor)))


def count_lost_read(transaction: Transaction, ours: str) -> None:
    """Count a destructive read whose answer was lost."""
    transaction.execute("count_lost_read", (ours,))


def get_or_add_secrets(transaction: Transaction, name: str) -> list[str]:
    """Return the secrets of a name, the newest first; make one where there is none."""
    stored = [secret for (secret,) in transaction.execute("secrets", (name,))]
    if stored:
        return stored
    return [_add_secret(transaction, name)]


def _add_secret(transaction: Transaction, name: str) -> str:
    secret = secrets.token_urlsafe(32)
    transaction.execute("add_secret", (name, secret))
    return secret


def rotate_secret(transaction: Transaction, name: str) -> bool:
    """Add a new secret before the secret in use; False where two are valid already."""
    if len(transaction.execute("secrets", (name,)).fetchall()) > 1:
        return False
    transaction.execute("age_secret", (name,))
    _add_secret(transaction, name)
    return True


def retire_secret(transaction: Transaction, name: str) -> bool:
    """Remove the older of two secrets; False where there is only one."""
    return transaction.execute("retire_secret", (name,)).rowcount > 0
