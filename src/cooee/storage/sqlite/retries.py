"""Retries of set-aside texts and timers, and of outbound texts whose end is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cooee.core.messages import Status
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.columns import key_hash, storable_text
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.dialogues import set_timers

_SQL = load_statements("sqlite")


def retry_set_aside(connection: Connection, theirs: str | None, now: int) -> int:
    """Retry set-aside texts and timers; return their number."""
    stored_theirs = None if theirs is None else storable_text(theirs)
    set_aside = connection.execute(_SQL["set_aside_of"], (stored_theirs,)).fetchall()
    return _append_again(connection, set_aside, now) + _make_due(
        connection, _SQL["release_set_aside_dialogues_of"], (now, stored_theirs)
    )


def retry_after_deploy(
    connection: Connection, code_version: str, retired_handlers: Sequence[str], now: int
) -> int:
    """Retry texts and timers of another code version, and make retired dialogues due."""
    code_version = storable_text(code_version)
    version_mark = int.from_bytes(key_hash(code_version)[:7])
    if connection.execute(
        _SQL["save_code_version"], (version_mark,)
    ).rowcount:  # failed turns that wait for a retry
        connection.execute(_SQL["make_retries_due"], (now,))
        _make_due(connection, _SQL["make_timer_retries_due"], (now,))
    set_aside = connection.execute(_SQL["set_aside_by_other_version"], (code_version,)).fetchall()
    text_count = _append_again(connection, set_aside, now)
    dialogue_count = _make_due(connection, _SQL["release_set_aside_dialogues"], (now, code_version))
    names = msgspec.json.encode([storable_text(name) for name in retired_handlers]).decode()
    return (
        text_count
        + dialogue_count
        + _make_due(connection, _SQL["make_retired_dialogues_due"], (now, names))
    )


def _append_again(connection: Connection, set_aside: Sequence[Any], now: int) -> int:
    """Give each text a new number at the end of its conversation."""
    for conversation, seq in set_aside:
        (new_seq,) = connection.execute(_SQL["append_again"], (conversation, now)).fetchone()
        connection.execute(_SQL["requeue_inbound"], (new_seq, conversation, seq))
    return len(set_aside)


def _make_due(connection: Connection, statement: str, parameters: tuple[object, ...]) -> int:
    """Make dialogues due now; return their number."""
    conversations = connection.execute(statement, parameters).fetchall()
    set_timers(connection, {conversation for (conversation,) in conversations})
    return len(conversations)


def resend_unknown(connection: Connection, theirs: str | None, now: int) -> int:
    """Queue texts of unknown end again, at a person's word."""
    parameters = (None if theirs is None else storable_text(theirs),)
    unknown = connection.execute(_SQL["unknown_of"], parameters).fetchall()
    queued_count = 0
    for conversation, seq, attempts in unknown:
        attempt = (conversation, seq, now, "", attempts)
        (status,) = connection.execute(_SQL["retry_attempt"], attempt).fetchone()
        note = (conversation, seq, now, 0, f"attempt {attempts}: sent again at a person's word", "")
        connection.execute(_SQL["add_receipt"], note)
        queued_count += status == Status.QUEUED
    return queued_count
