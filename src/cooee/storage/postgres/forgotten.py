"""Forgotten people: what stays of them lies under keyed ids, and comes back when they do."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from cooee.core.errors import StorageError
from cooee.storage.forget_key import MAKE_KEY, find_setting_problem, key_check, keyed_id
from cooee.storage.postgres.transaction import Transaction

logger = logging.getLogger("cooee")

Numbers: TypeAlias = tuple[str, str]
"""Our number and the person's."""

_FORGET_STATEMENTS = (
    "forget_state",
    "forget_dialogues",
    "forget_journal_entries",
    "forget_inbound",
    "forget_outbound",
    "forget_receipts",
)
_NO_NUMBERS: Numbers = ("", "")


async def forget_conversations(transaction: Transaction, conversations: Sequence[bytes]) -> None:
    """Erase conversations, but for counters, dedupe keys and opt-outs under keyed ids.

    The caller has locked their rows.
    """
    for name in _FORGET_STATEMENTS:
        await transaction.execute(name, conversations)
    key = await _require_key_to_forget(transaction)
    nobody = [""] * len(conversations)
    # An opt-out alone has no row of a conversation yet.
    await transaction.execute("add_conversation", conversations, nobody, nobody)
    keyed = {one: (keyed_id(key, one), _NO_NUMBERS) for one in conversations}
    await _move(transaction, keyed)


async def recall_conversations(
    transaction: Transaction, added: Mapping[bytes, Numbers]
) -> AbstractSet[bytes]:
    """Bring back what stayed of forgotten conversations; return those of which there was any.

    The caller has just added the rows of the conversations, with nothing else.
    """
    forgotten = await find_forgotten(transaction, list(added))
    if forgotten:
        await transaction.execute("remove_conversation", list(forgotten))
        await _move(transaction, {old: (new, added[new]) for new, old in forgotten.items()})
    return forgotten.keys()


async def find_forgotten_texts(
    transaction: Transaction, forgotten: Mapping[bytes, bytes], keys: Sequence[tuple[bytes, bytes]]
) -> AbstractSet[tuple[bytes, bytes]]:
    """Return the texts that were stored before their person was forgotten.

    Args:
        transaction: the transaction.
        forgotten: the keyed ids of conversations, as from `find_forgotten`.
        keys: a conversation and a dedupe key for each text.
    """
    plain = {keyed: conversation for conversation, keyed in forgotten.items()}
    sought = [(forgotten[one], key) for one, key in keys if one in forgotten]
    found = await transaction.fetch(
        "find_dedupe_key", [keyed for keyed, _ in sought], [key for _, key in sought]
    )
    return {(plain[keyed], key) for keyed, key in found}


async def find_forgotten(
    transaction: Transaction, conversations: Sequence[bytes]
) -> Mapping[bytes, bytes]:
    """Return the keyed id of each conversation that is forgotten.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    key = await require_key(transaction) if conversations else b""
    if not key:
        return {}
    plain = {keyed_id(key, conversation): conversation for conversation in conversations}
    found = await transaction.fetch("find_conversation", list(plain))
    return {plain[keyed]: keyed for (keyed,) in found}


async def require_key(transaction: Transaction) -> bytes:
    """Return the key of the forgotten people; b"" where nobody was forgotten.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    check = await _stored_check(transaction)
    if check is None:
        return b""
    # law 10 fails closed: without the key, nobody could tell which stranger has opted out.
    if problem := find_setting_problem(transaction.forget_key, check):
        raise StorageError(problem)
    return transaction.forget_key.value


async def prepare_forgotten(transaction: Transaction) -> None:
    """Check the key of the forgotten people, as the database is opened; give them up if asked.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    if transaction.forget_key.gives_up:
        await _give_up(transaction)
    await require_key(transaction)


async def _give_up(transaction: Transaction) -> None:
    """Erase what stayed of all forgotten people, since nobody has their key any more."""
    if not await transaction.execute("remove_metadata", "key_check"):
        return
    logger.warning("opt-outs-given-up", extra={"fields": {"key": "COOEE_FORGET_KEY"}})
    for statement in ("give_up_dedupe_keys", "give_up_opt_outs", "give_up_conversations"):
        await transaction.execute(statement)


async def _require_key_to_forget(transaction: Transaction) -> bytes:
    """Return the key; the first key with which somebody is forgotten is the database's.

    Raises:
        StorageError: there is no key, or it is another database's.
    """
    key = await require_key(transaction) or transaction.forget_key.value
    if not key:
        raise StorageError(
            "Nobody can be forgotten before there is a key to the opt-outs of forgotten people."
            f" Make one with {MAKE_KEY}, keep it apart from the database's backups, and give it to"
            " every process as COOEE_FORGET_KEY."
        )
    # Of two processes that forget the first person at once, one has the key of the database.
    await transaction.execute("add_metadata", "key_check", key_check(key))
    return await require_key(transaction)


async def _stored_check(transaction: Transaction) -> int | None:
    found = await transaction.fetch_row("get_metadata", "key_check")
    return None if found is None else int(found[0])


async def _move(transaction: Transaction, moves: Mapping[bytes, tuple[bytes, Numbers]]) -> None:
    """Move what stays of people from each old id to a new id with these numbers."""
    old, new = list(moves), [to for to, _ in moves.values()]
    ours, theirs = ([numbers[at] for _, numbers in moves.values()] for at in (0, 1))
    await transaction.execute("move_dedupe_keys", old, new)
    await transaction.execute("move_opt_outs", old, new, ours, theirs)
    await transaction.execute("move_conversation", old, new, ours, theirs)
