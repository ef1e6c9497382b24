"""Retries of set-aside texts and timers, and of outbound texts whose end is unknown."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import Status
from cooee.storage.columns import key_hash, storable_text
from cooee.storage.postgres.locks import lock_conversations
from cooee.storage.postgres.receipts import Report, add_receipts
from cooee.storage.postgres.transaction import Row, Transaction


async def retry_texts(transaction: Transaction, theirs: str | None, limit: int) -> list[bool]:
    """Retry set-aside texts, at most `limit`; return True for each."""
    return await _append_again(
        transaction, await transaction.fetch("set_aside_of", _storable(theirs), limit)
    )


async def retry_timers(transaction: Transaction, theirs: str | None, limit: int) -> list[bool]:
    """Retry set-aside timers, at most `limit`; return True for each."""
    return await _make_due(transaction, "release_set_aside_dialogues_of", _storable(theirs), limit)


async def begin_code_version(transaction: Transaction, code_version: str) -> bool:
    """Store the app's code version; return whether it differs from the one before.

    Failed turns that wait for a retry are due now then: the new code may be mended.
    """
    if not await transaction.execute("save_code_version", _version_mark(code_version)):
        return False
    await transaction.execute("make_retries_due", transaction.now)
    await _make_due(transaction, "make_timer_retries_due")
    return True


async def retry_texts_of_other_versions(
    transaction: Transaction, code_version: str, limit: int
) -> list[bool]:
    """Retry texts that another code version set aside, at most `limit`; return True for each."""
    return await _append_again(
        transaction,
        await transaction.fetch("set_aside_by_other_version", storable_text(code_version), limit),
    )


async def retry_timers_of_other_versions(
    transaction: Transaction, code_version: str, limit: int
) -> list[bool]:
    """Retry timers that another code version set aside, at most `limit`; return True for each."""
    return await _make_due(
        transaction, "release_set_aside_dialogues", storable_text(code_version), limit
    )


async def make_retired_due(
    transaction: Transaction, handlers: Sequence[str], limit: int
) -> list[bool]:
    """Make dialogues of retired handlers due, at most `limit`; return True for each."""
    names = [storable_text(name) for name in handlers]
    return await _make_due(transaction, "make_retired_dialogues_due", names, limit)


async def are_timers_of(transaction: Transaction, code_version: str) -> bool:
    """Return whether the timers of all who wait are those of this code version."""
    saved = await transaction.fetch_row("timers_version")
    return saved is not None and bool(saved[0] == _version_mark(code_version))


async def save_timers_of(transaction: Transaction, code_version: str) -> None:
    """Note that the timers of all who wait are those of this code version."""
    await transaction.execute("save_timers_version", _version_mark(code_version))


def _version_mark(code_version: str) -> int:
    """Return a code version as the number by which `metadata` knows it."""
    return int.from_bytes(key_hash(storable_text(code_version))[:7])


def _storable(theirs: str | None) -> str | None:
    return None if theirs is None else storable_text(theirs)


async def _append_again(transaction: Transaction, set_aside: Sequence[Row]) -> list[bool]:
    """Give each text a new number at the end of its conversation; return True for each."""
    if not set_aside:
        return []
    await lock_conversations(transaction, {conversation for conversation, _ in set_aside})
    # Of several processes that retry at once, each appends the texts that are still set aside.
    columns = zip(*set_aside, strict=True)
    return [True] * await transaction.execute("append_again", *columns, transaction.now)


async def _make_due(transaction: Transaction, statement: str, *parameters: object) -> list[bool]:
    """Make dialogues due now; return True for each."""
    rows = await transaction.fetch(statement, transaction.now, *parameters)
    conversations = {conversation for (conversation,) in rows}
    if conversations:
        await transaction.execute("set_timers", list(conversations))
    return [True] * len(rows)


async def resend_unknown(transaction: Transaction, theirs: str | None, limit: int) -> list[bool]:
    """Queue texts of unknown end again, as an operator asked, at most `limit`.

    Return for each whether it will be sent: a text to a person who has opted out is cancelled.
    """
    found = await transaction.fetch("unknown_of", _storable(theirs), limit)
    if not found:
        return []
    await lock_conversations(transaction, {conversation for conversation, *_ in found})
    now = transaction.now
    rows = [(conversation, seq, attempts, "", now) for conversation, seq, attempts in found]
    updated = await transaction.fetch("retry_attempt", *zip(*rows, strict=True))
    attempts = {(conversation, seq): count for conversation, seq, count in found}
    notes = [
        ((conversation, seq), _resent_note(attempts[conversation, seq], now))
        for conversation, seq, _ in updated
    ]
    await add_receipts(transaction, notes)
    return [status == Status.QUEUED for *_, status in updated]


def _resent_note(attempts: int, now: int) -> Report:
    return Report(now, Status.QUEUED, f"attempt {attempts}: sent again as an operator asked")
