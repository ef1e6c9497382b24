"""Dialogues: begun, written on, looked at again; and the timer that a conversation has of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage import Claim, Dialogue, Failure, Finish, Jot, Kept, Start, Talk
from cooee.storage.sql_file import load
from cooee.storage.sqlite.columns import fit, moment, moment_or_none, stamp, stamp_or_none
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.leases import Leases

_SQL = load("sqlite")


def any_live(connection: Connection) -> bool:
    """Whether anybody has a dialogue that goes on."""
    return connection.execute(_SQL["any_dialogue"]).fetchone() is not None


def live(connection: Connection, conversation: bytes) -> list[Dialogue]:
    """The dialogues of a conversation that go on, in the order of their ids."""
    rows = connection.execute(_SQL["live_dialogues"], (conversation,)).fetchall()
    return [_dialogue(row, _entries(connection, conversation, row[0])) for row in rows]


def _entries(connection: Connection, conversation: bytes, id: str) -> list[bytes]:
    return [entry for (entry,) in connection.execute(_SQL["entries_of"], (conversation, id))]


def _dialogue(row: Sequence[Any], entries: Sequence[bytes]) -> Dialogue:
    id, handler, head, due_at, attempts, error, ended = row
    return Dialogue(
        id=id,
        handler=handler,
        head=head,
        entries=entries,
        due_at=moment_or_none(due_at),
        attempts=attempts,
        error=error,
        ended=ended,
    )


def end(connection: Connection, finish: Finish, now: int) -> None:
    """Write what a claim's turns made of its dialogues."""
    conversation, failure = finish.claim.conversation, finish.failure
    for kept in finish.dialogues:
        _write_head(connection, _SQL["keep_dialogue"], conversation, kept, now)
        _append(connection, conversation, kept)
    if failure is not None and failure.dialogue:
        _fail(connection, conversation, failure)
    if finish.dialogues or (failure is not None and failure.dialogue):
        set_timers(connection, [conversation])


def _write_head(
    connection: Connection, statement: str, conversation: bytes, kept: Kept, now: int
) -> bool:
    """Write a dialogue's head, if there is a new one; whether that was done."""
    id = fit(kept.id)
    if kept.head is not None:
        due = stamp_or_none(kept.due_at)
        row = (conversation, id, fit(kept.handler), kept.head, due, now, fit(kept.ended))
        return connection.execute(statement, row).rowcount > 0
    if connection.execute(_SQL["find_dialogue"], (conversation, id)).fetchone() is None:
        raise StorageError(f"Dialogue {id} is not known: give it a head to begin it.")
    return False


def _append(connection: Connection, conversation: bytes, kept: Kept) -> None:
    """Write entries to their places; those that are there already have to be the same."""
    place = (conversation, fit(kept.id))
    if kept.count and _entry(connection, place, kept.count - 1) is None:
        raise StorageError(
            f"Dialogue {kept.id} has fewer than {kept.count} entries: read it again."
        )
    for n, entry in enumerate(kept.entries, kept.count):
        if connection.execute(_SQL["add_entry"], (*place, n, entry)).rowcount:
            continue
        if _entry(connection, place, n) != (entry,):
            raise StorageError(f"Dialogue {kept.id} has another entry {n}: read it again.")


def _entry(connection: Connection, place: tuple[bytes, str], n: int) -> object:
    return connection.execute(_SQL["find_entry"], (*place, n)).fetchone()


def _fail(connection: Connection, conversation: bytes, failure: Failure) -> None:
    due = stamp_or_none(failure.retry_at)
    words = (fit(failure.error), due, fit(failure.program))
    failed = (*words, conversation, fit(failure.dialogue))
    connection.execute(_SQL["fail_dialogue"], failed)


def set_timers(connection: Connection, conversations: Iterable[bytes]) -> None:
    """Have conversations due when the first of their dialogues is."""
    connection.executemany(_SQL["set_timer"], [(conversation,) for conversation in conversations])


def jot(connection: Connection, leases: Leases, jots: Sequence[Jot], now: int) -> list[bool]:
    """Write down what a turn must not lose; False for each whose lease was lost."""
    return [_jot(connection, leases, one.claim, one.kept, now) for one in jots]


def _jot(connection: Connection, leases: Leases, claim: Claim, kept: Kept, now: int) -> bool:
    conversation, lease = claim.conversation, leases.held.get(claim.conversation)
    if lease is None or lease.number != claim.lease:
        return False
    if connection.execute(_SQL["is_leased"], (conversation, lease.row)).fetchone() is None:
        return False
    if _write_head(connection, _SQL["begin_dialogue"], conversation, kept, now):
        set_timers(connection, [conversation])
    _append(connection, conversation, kept)
    return True


def start(connection: Connection, starts: Sequence[Start], now: int) -> list[bool]:
    """Have dialogues begun; False for each that was there before, over or not."""
    return [_start(connection, one, now) for one in starts]


def _start(connection: Connection, start: Start, now: int) -> bool:
    ends = (fit(start.ours), fit(start.theirs))
    conversation = conversation_id(*ends)
    due = now if start.due_at is None else stamp(start.due_at)
    row = (conversation, fit(start.id), fit(start.handler), start.head, due, now, "")
    begun = connection.execute(_SQL["begin_dialogue"], row).rowcount > 0
    if begun:
        connection.execute(_SQL["place_start"], (conversation, *ends))
        set_timers(connection, [conversation])
    return begun


def postpone(connection: Connection, conversation: bytes, lease: int, until: int) -> None:
    """Let no alarm of a conversation ring before `until`."""
    connection.execute(_SQL["postpone_dialogues"], (until, conversation, lease))
    set_timers(connection, [conversation])


def handlers(connection: Connection) -> dict[str, int]:
    """How many dialogues of each handler go on."""
    return dict(connection.execute(_SQL["handlers"]).fetchall())


def talks(
    connection: Connection,
    handler: str,
    after: tuple[bytes, str] | None,
    limit: int,
    *,
    over: bool,
) -> list[Talk]:
    """A page of dialogues in the order of conversation and id."""
    whose = (*(after or (b"", "")), fit(handler))
    rows = connection.execute(_SQL["all_talks" if over else "talks"], (*whose, limit)).fetchall()
    if not rows:
        return []
    last = (rows[-1][0], rows[-1][6])
    entries: dict[tuple[bytes, str], list[bytes]] = {(row[0], row[6]): [] for row in rows}
    written = _SQL["entries_of_all_talks" if over else "entries_of_talks"]
    for conversation, id, entry in connection.execute(written, (*whose, *last)):
        entries[conversation, id].append(entry)
    return [_talk(row, entries[row[0], row[6]]) for row in rows]


def _talk(row: Sequence[Any], entries: Sequence[bytes]) -> Talk:
    conversation, ours, theirs, state, started_at, ended_at, *rest = row
    return Talk(
        conversation=conversation,
        ours=ours,
        theirs=theirs,
        state=state,
        started_at=moment(started_at),
        ended_at=moment_or_none(ended_at),
        dialogue=_dialogue(rest, entries),
    )
