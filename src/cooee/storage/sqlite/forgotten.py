"""Forgotten people: what stays of them lies under keyed ids, and comes back when they do."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cooee.core.errors import StorageError
from cooee.storage.forget_key import key_check, keyed_id
from cooee.storage.sqlite.key_file import find_key_problem
from cooee.storage.sqlite.transaction import Transaction

logger = logging.getLogger("cooee")

_FORGET_STATEMENTS = (
    "forget_state",
    "forget_dialogues",
    "forget_journal_entries",
    "forget_inbound",
    "forget_outbound",
    "forget_receipts",
)


def forget_conversation(transaction: Transaction, conversation: bytes) -> None:
    """Erase a conversation, but for its counters, dedupe keys and opt-outs under a keyed id."""
    for name in _FORGET_STATEMENTS:
        transaction.execute(name, (conversation,))
    keyed = keyed_id(_make_key(transaction), conversation)
    transaction.execute("add_conversation", (conversation, "", ""))  # of an opt-out alone
    _move(transaction, conversation, keyed, numbers=("", ""))


def recall_conversation(
    transaction: Transaction, conversation: bytes, numbers: tuple[str, str]
) -> bool:
    """Bring back what stayed of a forgotten conversation; return whether there was any.

    The caller has just added the row of the conversation, with nothing else.
    """
    keyed = find_forgotten(transaction, conversation)
    if keyed is None:
        return False
    transaction.execute("remove_conversation", (conversation,))
    _move(transaction, keyed, conversation, numbers=numbers)
    return True


def has_forgotten_text(transaction: Transaction, conversation: bytes, key: bytes) -> bool:
    """Tell whether a text was stored before its person was forgotten."""
    keyed = find_forgotten(transaction, conversation)
    found = keyed and transaction.execute("find_dedupe_key", (keyed, key)).fetchone()
    return bool(found)


def find_forgotten(transaction: Transaction, conversation: bytes) -> bytes | None:
    """Return the keyed id of a forgotten conversation; None where it is not forgotten.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    key = require_key(transaction)
    keyed = keyed_id(key, conversation) if key else None
    found = keyed and transaction.execute("find_conversation", (keyed,)).fetchone()
    return keyed if found else None


def require_key(transaction: Transaction) -> bytes:
    """Return the key of the forgotten people; b"" where nobody was forgotten.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    check = _stored_check(transaction)
    if check is None:
        return b""
    # law 10 fails closed: without the key, nobody could tell which stranger has opted out.
    if problem := find_key_problem(transaction.key_file, check):
        raise StorageError(problem)
    return transaction.key_file.read()


def prepare_forgotten(transaction: Transaction) -> None:
    """Check the key of the forgotten people, as the database is opened.

    An empty key file gives them up. People whom an older cooee has forgotten get their keyed ids.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    if transaction.key_file.is_empty():
        _give_up(transaction)
    require_key(transaction)
    if transaction.execute("remove_metadata", ("unkeyed",)).rowcount:
        with secure_deletion(transaction):
            for (conversation,) in transaction.execute("unkeyed_conversations").fetchall():
                forget_conversation(transaction, conversation)


def _give_up(transaction: Transaction) -> None:
    """Erase what stayed of all forgotten people, since nobody has their key any more."""
    logger.warning("opt-outs-given-up", extra={"fields": {"key": str(transaction.key_file.path)}})
    for statement in ("give_up_dedupe_keys", "give_up_opt_outs", "give_up_conversations"):
        transaction.execute(statement)
    transaction.execute("remove_metadata", ("key_check",))
    transaction.key_file.path.unlink()


@contextmanager
def secure_deletion(transaction: Transaction) -> Iterator[None]:
    """Overwrite freed pages in a block."""
    transaction.connection.execute("pragma secure_delete = on")
    try:
        yield
    finally:
        transaction.connection.execute("pragma secure_delete = off")


def _make_key(transaction: Transaction) -> bytes:
    key = require_key(transaction)
    if not key:
        key = transaction.key_file.read_or_make()
        transaction.execute("set_metadata", ("key_check", key_check(key)))
    return key


def _stored_check(transaction: Transaction) -> int | None:
    found: Sequence[int] | None = transaction.execute("get_metadata", ("key_check",)).fetchone()
    return None if found is None else found[0]


def _move(transaction: Transaction, old: bytes, new: bytes, *, numbers: tuple[str, str]) -> None:
    """Move what stays of a person to another id."""
    transaction.execute("move_dedupe_keys", (old, new))
    transaction.execute("move_opt_outs", (old, new, *numbers))
    transaction.execute("move_conversation", (old, new, *numbers))
