"""Retries of set-aside texts and timers, and of outbound texts whose end is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.messages import Status
from cooee.storage.columns import key_hash, storable_text
from cooee.storage.sqlite.dialogues import set_timers
from cooee.storage.sqlite.transaction import Transaction

_PAGE = 500  # dialogues made due in one transaction, so that no other verb waits long


def retry_set_aside(transaction: Transaction, theirs: str | None) -> int:
    """Retry set-aside texts and timers; return their number."""
    stored_theirs = None if theirs is None else storable_text(theirs)
    set_aside = transaction.execute("set_aside_of", (stored_theirs,)).fetchall()
    return _append_again(transaction, set_aside) + _make_due(
        transaction, "release_set_aside_dialogues_of", (transaction.now, stored_theirs)
    )


def retry_after_deploy(transaction: Transaction, code_version: str) -> int:
    """Retry texts and timers of another code version."""
    code_version, version_mark = storable_text(code_version), _version_mark(code_version)
    if transaction.execute("save_code_version", (version_mark,)).rowcount:
        # Failed turns that wait for a retry need not wait for it: the new code may be mended.
        transaction.execute("make_retries_due", (transaction.now,))
        _make_due(transaction, "make_timer_retries_due", (transaction.now,))
    set_aside = transaction.execute("set_aside_by_other_version", (code_version,)).fetchall()
    return _append_again(transaction, set_aside) + _make_due(
        transaction, "release_set_aside_dialogues", (transaction.now, code_version)
    )


def retire_dialogues(
    transaction: Transaction, handler: str, after: tuple[bytes, str]
) -> tuple[int, tuple[bytes, str] | None]:
    """Make a page of a handler's dialogues due; return their number, and the last of the page.

    None in place of the last: the page was the last.
    """
    place = (storable_text(handler), *after, _PAGE)
    page = transaction.execute("next_open_dialogues", place).fetchall()
    due = [
        conversation
        for conversation, id in page
        if transaction.execute("make_dialogue_due", (transaction.now, conversation, id)).rowcount
    ]
    set_timers(transaction, set(due))
    return len(due), page[-1] if len(page) == _PAGE else None


def are_timers_of(transaction: Transaction, code_version: str) -> bool:
    """Return whether the timers of all who wait are those of this code version."""
    saved = transaction.execute("timers_version").fetchone()
    return saved is not None and saved[0] == _version_mark(code_version)


def save_timers_of(transaction: Transaction, code_version: str) -> None:
    """Note that the timers of all who wait are those of this code version."""
    transaction.execute("save_timers_version", (_version_mark(code_version),))


def _version_mark(code_version: str) -> int:
    """Return a code version as the number by which `metadata` knows it."""
    return int.from_bytes(key_hash(storable_text(code_version))[:7])


def _append_again(transaction: Transaction, set_aside: Sequence[Any]) -> int:
    """Give each text a new number at the end of its conversation."""
    for conversation, seq in set_aside:
        (new_seq,) = transaction.execute("append_again", (conversation, transaction.now)).fetchone()
        transaction.execute("requeue_inbound", (new_seq, conversation, seq))
    return len(set_aside)


def _make_due(transaction: Transaction, statement: str, parameters: tuple[object, ...]) -> int:
    """Make dialogues due now; return their number."""
    conversations = transaction.execute(statement, parameters).fetchall()
    set_timers(transaction, {conversation for (conversation,) in conversations})
    return len(conversations)


def resend_unknown(transaction: Transaction, theirs: str | None) -> int:
    """Queue texts of unknown end again, as an operator asked; return their number."""
    parameters = (None if theirs is None else storable_text(theirs),)
    unknown = transaction.execute("unknown_of", parameters).fetchall()
    queued_count = 0
    for conversation, seq, attempts in unknown:
        text_key, now = (conversation, seq), transaction.now
        (status,) = transaction.execute("retry_attempt", (*text_key, now, "", attempts)).fetchone()
        note = f"attempt {attempts}: sent again as an operator asked"
        transaction.execute("add_receipt", (*text_key, now, int(Status.QUEUED), note, ""))
        queued_count += status == Status.QUEUED
    return queued_count
