"""Retries of set-aside texts and timers, and of outbound texts whose end is unknown."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import Status
from cooee.storage.columns import key_hash, storable_text
from cooee.storage.postgres.locks import lock_conversations
from cooee.storage.postgres.pages import PageDone
from cooee.storage.postgres.receipts import Report, add_receipts
from cooee.storage.postgres.transaction import Row, Transaction


async def retry_texts(
    transaction: Transaction, theirs: str | None, after: bytes, limit: int
) -> PageDone | None:
    """Retry the set-aside texts of a page of conversations; None where there are no more."""
    page = await transaction.fetch("set_aside_of", _storable(theirs), after, limit)
    return await _append_again(transaction, page, other_than=None)


async def retry_timers(
    transaction: Transaction, theirs: str | None, after: bytes, limit: int
) -> PageDone | None:
    """Retry the set-aside timers of a page of conversations; None where there are no more."""
    statement = "release_set_aside_dialogues_of"
    return await _make_due(transaction, statement, _storable(theirs), after, limit)


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
    transaction: Transaction, code_version: str, after: bytes, limit: int
) -> PageDone | None:
    """Retry texts as by `retry_texts`, but only those that another code version set aside."""
    version = storable_text(code_version)
    page = await transaction.fetch("set_aside_by_other_version", version, after, limit)
    return await _append_again(transaction, page, other_than=version)


async def retry_timers_of_other_versions(
    transaction: Transaction, code_version: str, after: bytes, limit: int
) -> PageDone | None:
    """Retry timers as by `retry_timers`, but only those that another code version set aside."""
    version = storable_text(code_version)
    return await _make_due(transaction, "release_set_aside_dialogues", version, after, limit)


async def make_retired_due(
    transaction: Transaction, handlers: Sequence[str], after: bytes, limit: int
) -> PageDone | None:
    """Make dialogues of retired handlers due, of a page of conversations; None: no more."""
    names = [storable_text(name) for name in handlers]
    return await _make_due(transaction, "make_retired_dialogues_due", names, after, limit)


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


async def _append_again(
    transaction: Transaction, page: Sequence[Row], *, other_than: str | None
) -> PageDone | None:
    """Give set-aside texts new numbers at the ends of their conversations.

    Args:
        transaction: the transaction.
        page: the conversations.
        other_than: a code version, whose own texts stay set aside; None: all texts.
    """
    if not page:
        return None
    conversations = [conversation for (conversation,) in page]
    await lock_conversations(transaction, conversations)
    now = transaction.now
    count = await transaction.execute("append_again", conversations, now, other_than)
    return PageDone(conversations[-1], count)


async def _make_due(
    transaction: Transaction, statement: str, *parameters: object
) -> PageDone | None:
    """Make dialogues due now."""
    rows = await transaction.fetch(statement, transaction.now, *parameters)
    if not rows:
        return None
    await transaction.execute("set_timer", [conversation for conversation, count in rows if count])
    return PageDone(max(row[0] for row in rows), sum(count for _, count in rows))


async def resend_unknown(
    transaction: Transaction, theirs: str | None, after: bytes, limit: int
) -> PageDone | None:
    """Queue the texts of unknown end again, of a page of conversations; None: no more.

    A text to a person who has opted out is cancelled, and does not count.
    """
    found = await transaction.fetch("unknown_of", _storable(theirs), after, limit)
    if not found:
        return None
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
    counted = sum(status == Status.QUEUED for *_, status in updated)
    return PageDone(max(row[0] for row in found), counted)


def _resent_note(attempts: int, now: int) -> Report:
    return Report(now, Status.QUEUED, f"attempt {attempts}: sent again as an operator asked")
