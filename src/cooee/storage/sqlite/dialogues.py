"""Dialogues, their journal entries, and the timer that a conversation has of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage import (
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
    StoredDialogue,
    TurnFailure,
)
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.columns import (
    from_millis,
    from_millis_or_none,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.leases import Leases

_SQL = load_statements("sqlite")


def has_open_dialogues(connection: Connection) -> bool:
    """Whether anybody has a dialogue that goes on."""
    return connection.execute(_SQL["any_open_dialogue"]).fetchone() is not None


def open_dialogues(connection: Connection, conversation: bytes) -> list[DialogueRecord]:
    """The dialogues of a conversation that go on, in the order of their ids."""
    rows = connection.execute(_SQL["open_dialogues_of"], (conversation,)).fetchall()
    return [_make_dialogue(row, _read_entries(connection, conversation, row[0])) for row in rows]


def _read_entries(connection: Connection, conversation: bytes, id: str) -> list[bytes]:
    return [entry for (entry,) in connection.execute(_SQL["entries_of"], (conversation, id))]


def _make_dialogue(row: Sequence[Any], entries: Sequence[bytes]) -> DialogueRecord:
    id, handler, head, due_at, attempts, error, ended = row
    return DialogueRecord(
        id=id,
        handler=handler,
        head=head,
        entries=entries,
        due_at=from_millis_or_none(due_at),
        failed_attempts=attempts,
        error=error,
        end_reason=ended,
    )


def update_dialogues(connection: Connection, result: ClaimResult, now: int) -> None:
    """Write what a claim's turns made of its dialogues."""
    conversation, failure = result.claim.conversation, result.failure
    for update in result.dialogue_updates:
        _write_head(connection, _SQL["save_dialogue"], conversation, update, now)
        _append_entries(connection, conversation, update)
    if failure is not None and failure.dialogue_id:
        _record_failure(connection, conversation, failure)
    if result.dialogue_updates or (failure is not None and failure.dialogue_id):
        set_timers(connection, [conversation])


def _write_head(
    connection: Connection, statement: str, conversation: bytes, update: DialogueUpdate, now: int
) -> bool:
    """Write a dialogue's head, if there is a new one; whether that was done."""
    id = storable_text(update.id)
    if update.head is not None:
        due = to_millis_or_none(update.due_at)
        row = (
            conversation,
            id,
            storable_text(update.handler),
            update.head,
            due,
            now,
            storable_text(update.end_reason),
        )
        return connection.execute(statement, row).rowcount > 0
    if connection.execute(_SQL["find_dialogue"], (conversation, id)).fetchone() is None:
        raise StorageError(f"Dialogue {id} is not known: give it a head to begin it.")
    return False


def _append_entries(connection: Connection, conversation: bytes, update: DialogueUpdate) -> None:
    """Write entries to their places; those that are there already have to be the same."""
    dialogue_key = (conversation, storable_text(update.id))
    if (
        update.stored_count
        and _read_entry(connection, dialogue_key, update.stored_count - 1) is None
    ):
        raise StorageError(
            f"Dialogue {update.id} has fewer than {update.stored_count} entries: read it again."
        )
    for n, entry in enumerate(update.entries, update.stored_count):
        if connection.execute(_SQL["add_entry"], (*dialogue_key, n, entry)).rowcount:
            continue
        if _read_entry(connection, dialogue_key, n) != (entry,):
            raise StorageError(f"Dialogue {update.id} has another entry {n}: read it again.")


def _read_entry(connection: Connection, dialogue_key: tuple[bytes, str], n: int) -> object:
    return connection.execute(_SQL["find_entry"], (*dialogue_key, n)).fetchone()


def _record_failure(connection: Connection, conversation: bytes, failure: TurnFailure) -> None:
    due = to_millis_or_none(failure.retry_at)
    columns = (storable_text(failure.error), due, storable_text(failure.code_version))
    parameters = (*columns, conversation, storable_text(failure.dialogue_id))
    connection.execute(_SQL["fail_dialogue"], parameters)


def set_timers(connection: Connection, conversations: Iterable[bytes]) -> None:
    """Have conversations due when the first of their dialogues is."""
    connection.executemany(_SQL["set_timer"], [(conversation,) for conversation in conversations])


def write_checkpoints(
    connection: Connection, leases: Leases, checkpoints: Sequence[Checkpoint], now: int
) -> list[bool]:
    """Write down what a turn must not lose; False for each whose lease was lost."""
    return [
        _write_checkpoint(connection, leases, one.claim, one.update, now) for one in checkpoints
    ]


def _write_checkpoint(
    connection: Connection, leases: Leases, claim: Claim, update: DialogueUpdate, now: int
) -> bool:
    conversation, lease = claim.conversation, leases.by_conversation.get(claim.conversation)
    if lease is None or lease.id != claim.lease_id:
        return False
    if connection.execute(_SQL["is_leased"], (conversation, lease.epoch)).fetchone() is None:
        return False
    if _write_head(connection, _SQL["insert_dialogue"], conversation, update, now):
        set_timers(connection, [conversation])
    _append_entries(connection, conversation, update)
    return True


def start_dialogues(
    connection: Connection, starts: Sequence[DialogueStart], now: int
) -> list[bool]:
    """Have dialogues begun; False for each that was there before, over or not."""
    return [_insert_dialogue(connection, one, now) for one in starts]


def _insert_dialogue(connection: Connection, start: DialogueStart, now: int) -> bool:
    numbers = (storable_text(start.ours), storable_text(start.theirs))
    conversation = conversation_id(*numbers)
    due = now if start.due_at is None else to_millis(start.due_at)
    row = (
        conversation,
        storable_text(start.id),
        storable_text(start.handler),
        start.head,
        due,
        now,
        "",
    )
    is_new = connection.execute(_SQL["insert_dialogue"], row).rowcount > 0
    if is_new:
        connection.execute(_SQL["ensure_conversation"], (conversation, *numbers))
        set_timers(connection, [conversation])
    return is_new


def postpone_timers(connection: Connection, conversation: bytes, lease: int, until: int) -> None:
    """Let no timer of a conversation fire before `until`."""
    connection.execute(_SQL["postpone_dialogues"], (until, conversation, lease))
    set_timers(connection, [conversation])


def count_open_dialogues(connection: Connection) -> dict[str, int]:
    """How many dialogues of each handler go on."""
    return dict(connection.execute(_SQL["count_open_dialogues"]).fetchall())


def list_dialogues(
    connection: Connection,
    handler: str,
    after: tuple[bytes, str] | None,
    limit: int,
    *,
    include_ended: bool,
) -> list[StoredDialogue]:
    """A page of dialogues in the order of conversation and id."""
    page_start = (*(after or (b"", "")), storable_text(handler))
    rows = connection.execute(
        _SQL["list_dialogues" if include_ended else "list_open_dialogues"], (*page_start, limit)
    ).fetchall()
    if not rows:
        return []
    last = (rows[-1][0], rows[-1][6])
    entries: dict[tuple[bytes, str], list[bytes]] = {(row[0], row[6]): [] for row in rows}
    entries_statement = _SQL[
        "list_dialogue_entries" if include_ended else "list_open_dialogue_entries"
    ]
    for conversation, id, entry in connection.execute(entries_statement, (*page_start, *last)):
        entries[conversation, id].append(entry)
    return [_make_stored_dialogue(row, entries[row[0], row[6]]) for row in rows]


def _make_stored_dialogue(row: Sequence[Any], entries: Sequence[bytes]) -> StoredDialogue:
    conversation, ours, theirs, state, started_at, ended_at, *rest = row
    return StoredDialogue(
        conversation=conversation,
        ours=ours,
        theirs=theirs,
        state=state,
        started_at=from_millis(started_at),
        ended_at=from_millis_or_none(ended_at),
        dialogue=_make_dialogue(rest, entries),
    )
