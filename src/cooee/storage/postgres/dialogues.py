"""Dialogues, their journal entries, and the timers of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage.columns import storable_text, to_millis, to_millis_or_none
from cooee.storage.dialogue_rows import make_open_dialogue, make_stored_dialogue
from cooee.storage.postgres.arrays import columns_of
from cooee.storage.postgres.forgotten import recall_conversations
from cooee.storage.postgres.transaction import Transaction
from cooee.storage.records import (
    Checkpoint,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
)
from cooee.storage.summaries import StoredDialogue

_Update: TypeAlias = tuple[bytes, DialogueUpdate]
"""A conversation, and the update of one of its dialogues."""

_HEAD_COLUMNS = 7


async def open_dialogues(
    transaction: Transaction, conversations: Sequence[bytes]
) -> Mapping[bytes, Sequence[DialogueRecord]]:
    """Return the open dialogues of conversations, in the order of their ids."""
    rows = await transaction.fetch("open_dialogues_of", conversations)
    entries: dict[tuple[bytes, str], list[bytes]] = {(row[0], row[1]): [] for row in rows}
    for conversation, id, entry in await transaction.fetch("open_entries_of", conversations):
        entries[conversation, id].append(entry)
    found: dict[bytes, list[DialogueRecord]] = {}
    for conversation, *row in rows:
        dialogue = make_open_dialogue(conversation, row, entries[conversation, row[0]])
        found.setdefault(conversation, []).append(dialogue)
    return found


async def update_dialogues(transaction: Transaction, results: Sequence[ClaimResult]) -> None:
    """Write the dialogue updates, and the failures of timers, of turns whose leases are held.

    Raises:
        StorageError: an update is of an unknown dialogue, or of another journal.
    """
    updates = [
        (one.claim.conversation, update) for one in results for update in one.dialogue_updates
    ]
    for round_ in _rounds(updates):
        heads = _head_rows(round_)
        if heads:
            await transaction.execute(
                "save_dialogue", *columns_of(heads, _HEAD_COLUMNS), transaction.now
            )
        await _append_entries(transaction, round_)
    failed = [row for one in results for row in _failed_dialogue(one)]
    if failed:
        await transaction.execute("fail_dialogue", *columns_of(failed, 5))
    await transaction.execute("set_timer", [one.claim.conversation for one in results])


def _rounds(updates: Sequence[_Update]) -> Iterable[list[_Update]]:
    """Yield updates in their order, such that a statement writes no dialogue twice."""
    round_: dict[tuple[bytes, str], _Update] = {}
    for conversation, update in updates:
        if (conversation, update.id) in round_:
            yield list(round_.values())
            round_ = {}
        round_[conversation, update.id] = (conversation, update)
    if round_:
        yield list(round_.values())


def _head_rows(updates: Sequence[_Update]) -> list[tuple[object, ...]]:
    """Return the new heads as rows of dialogues."""
    return [
        (
            conversation,
            storable_text(update.id),
            storable_text(update.handler),
            update.head,
            to_millis_or_none(update.due_at),
            storable_text(update.end_reason),
            storable_text(update.question_key) or None,
        )
        for conversation, update in updates
        if update.head is not None
    ]


async def _append_entries(transaction: Transaction, updates: Sequence[_Update]) -> None:
    """Write entries at their positions; an entry stored before must be the same.

    Raises:
        StorageError: a dialogue is not known, or its journal is shorter or has another entry.
    """
    keys = [(conversation, storable_text(update.id)) for conversation, update in updates]
    # The place before the first new entry has to be filled, or the dialogue itself be known.
    before = [
        (*key, update.stored_count - 1)
        for key, (_, update) in zip(keys, updates, strict=True)
        if update.stored_count or update.head is None
    ]
    if before:
        for id, position in await transaction.fetch("find_gaps", *columns_of(before, 3)):
            raise StorageError(
                f"Dialogue {id} has fewer than {position + 1} entries: read it again."
                if position >= 0
                else f"Dialogue {id} is not known: give it a head to begin it."
            )
    entries = [
        (*key, n, entry)
        for key, (_, update) in zip(keys, updates, strict=True)
        for n, entry in enumerate(update.entries, update.stored_count)
    ]
    if entries:
        for id, position in await transaction.fetch("add_entry", *columns_of(entries, 4)):
            raise StorageError(f"Dialogue {id} has another entry {position}: read it again.")


def _failed_dialogue(result: ClaimResult) -> list[tuple[object, ...]]:
    failure = result.failure
    if failure is None or not failure.dialogue_id:
        return []
    due = to_millis_or_none(failure.retry_at)
    words = (storable_text(failure.error), due, storable_text(failure.code_version))
    return [(result.claim.conversation, storable_text(failure.dialogue_id), *words)]


async def write_checkpoints(
    transaction: Transaction, checkpoints: Sequence[Checkpoint]
) -> list[bool]:
    """Write checkpoints; return False for each claim that lost its lease."""
    leases = [(one.claim.conversation, one.claim.lease_id) for one in checkpoints]
    # storage rule 3: a checkpoint writes only under its lease, whose row stays locked.
    held = set(map(tuple, await transaction.fetch("lock_leases", *columns_of(leases, 2))))
    updates = [
        (one.claim.conversation, one.update)
        for one, lease in zip(checkpoints, leases, strict=True)
        if lease in held
    ]
    for round_ in _rounds(updates):
        heads = _head_rows(round_)
        if heads:
            await _insert(transaction, heads)
        await _append_entries(transaction, round_)
    return [lease in held for lease in leases]


async def start_dialogues(transaction: Transaction, starts: Sequence[DialogueStart]) -> list[bool]:
    """Start dialogues; return False for each id that is stored, ended or not."""
    rows = [_start_row(start, transaction.now) for start in starts]
    numbers = {
        row[0]: (storable_text(start.ours), storable_text(start.theirs))
        for row, start in zip(rows, starts, strict=True)
    }
    people = [(id, *pair) for id, pair in numbers.items()]
    # storage rule 2: conversations before the rest, in the order of their ids.
    added = await transaction.fetch("add_conversation", *columns_of(people, 3))
    await recall_conversations(transaction, {id: numbers[id] for (id,) in added})
    firsts = {(row[0], row[1]): row for row in reversed(rows)}
    new = await _insert(transaction, list(firsts.values()))
    return [(row[0], row[1]) in new and firsts[row[0], row[1]] is row for row in rows]


def _start_row(start: DialogueStart, now: int) -> tuple[Any, ...]:
    ours, theirs = storable_text(start.ours), storable_text(start.theirs)
    due = now if start.due_at is None else to_millis(start.due_at)
    names = (storable_text(start.id), storable_text(start.handler))
    return (conversation_id(ours, theirs), *names, start.head, due, "", None)


async def _insert(
    transaction: Transaction, heads: Sequence[tuple[Any, ...]]
) -> set[tuple[bytes, str]]:
    """Insert dialogues that are not stored yet, and set the timers; return those inserted."""
    columns = columns_of(heads, _HEAD_COLUMNS)
    inserted = await transaction.fetch("insert_dialogue", *columns, transaction.now)
    if inserted:
        await transaction.execute("set_timer", list({row[0] for row in inserted}))
    return set(map(tuple, inserted))


async def count_open_dialogues(transaction: Transaction, up_to: int | None) -> dict[str, int]:
    """Return the number of open dialogues of each handler, counted up to a limit."""
    return dict(map(tuple, await transaction.fetch("count_open_dialogues", up_to)))


async def list_dialogues(
    transaction: Transaction,
    handler: str,
    after: tuple[bytes, str] | None,
    limit: int,
    *,
    include_ended: bool,
) -> list[StoredDialogue]:
    """Return a page of dialogues in the order of conversation and id."""
    statement = "list_dialogues" if include_ended else "list_open_dialogues"
    page_start = (*(after or (b"", "")), storable_text(handler))
    rows = await transaction.fetch(statement, *page_start, limit)
    entries: dict[tuple[bytes, str], list[bytes]] = {(row[0], row[6]): [] for row in rows}
    found = await transaction.fetch("list_dialogue_entries", *columns_of(list(entries), 2))
    for conversation, id, entry in found:
        entries[conversation, id].append(entry)
    return [make_stored_dialogue(row, entries[row[0], row[6]]) for row in rows]
