"""Once more: texts and alarms that were set aside, and texts of ours whose end is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cooee.core.messages import Status
from cooee.storage.sql_file import load
from cooee.storage.sqlite.columns import fit, key_hash
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.dialogues import set_timers

_SQL = load("sqlite")


def retry(connection: Connection, theirs: str | None, now: int) -> int:
    """Run set-aside texts again, and let alarms that were set aside ring; how many."""
    whose = None if theirs is None else fit(theirs)
    aside = connection.execute(_SQL["set_aside_of"], (whose,)).fetchall()
    return _place_again(connection, aside, now) + _ring(
        connection, _SQL["free_dialogues_of"], (now, whose)
    )


def renew(connection: Connection, program: str, retired: Sequence[str], now: int) -> int:
    """Try again what another program failed to answer, and call dialogues to their end."""
    program = fit(program)
    mark = int.from_bytes(key_hash(program)[:7])
    if connection.execute(_SQL["mark_program"], (mark,)).rowcount:  # what waits for another try
        connection.execute(_SQL["hasten_turns"], (now,))
        _ring(connection, _SQL["hasten_alarms"], (now,))
    aside = connection.execute(_SQL["set_aside_before"], (program,)).fetchall()
    texts = _place_again(connection, aside, now)
    freed = _ring(connection, _SQL["free_dialogues"], (now, program))
    names = msgspec.json.encode([fit(name) for name in retired]).decode()
    return texts + freed + _ring(connection, _SQL["call_retired"], (now, names))


def _place_again(connection: Connection, aside: Sequence[Any], now: int) -> int:
    """Give each text a new number at the end of its conversation."""
    for conversation, seq in aside:
        (last,) = connection.execute(_SQL["place_again"], (conversation, now)).fetchone()
        connection.execute(_SQL["move_inbound"], (last, conversation, seq))
    return len(aside)


def _ring(connection: Connection, statement: str, values: tuple[object, ...]) -> int:
    """Make dialogues due now; how many."""
    rung = connection.execute(statement, values).fetchall()
    set_timers(connection, {conversation for (conversation,) in rung})
    return len(rung)


def resend(connection: Connection, theirs: str | None, now: int) -> int:
    """Queue texts of unknown end again, at a person's word."""
    whose = (None if theirs is None else fit(theirs),)
    unknown = connection.execute(_SQL["unknown_of"], whose).fetchall()
    queued = 0
    for conversation, seq, attempts in unknown:
        again = (conversation, seq, now, "", attempts)
        (status,) = connection.execute(_SQL["try_again"], again).fetchone()
        note = (conversation, seq, now, 0, f"attempt {attempts}: sent again at a person's word", "")
        connection.execute(_SQL["add_receipt"], note)
        queued += status == Status.QUEUED
    return queued
