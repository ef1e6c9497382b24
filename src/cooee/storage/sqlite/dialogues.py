"""Dialogues, their journal entries, and the timers of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.core.errors import StorageError
from cooee.core.messages import conversation_id
from cooee.storage.columns import NO_LIMIT, storable_text, to_millis, to_millis_or_none
from cooee.storage.dialogue_rows import make_open_dialogue, make_stored_dialogue
from cooee.storage.records import (
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
    TurnFailure,
)
from cooee.storage.sqlite.forgotten import recall_conversation
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.summaries import StoredDialogue


def has_open_dialogues(transaction: Transaction) -> bool:
    """Tell whether any dialogue is open."""
    return transaction.execute("any_open_dialogue").fetchone() is not None


def open_dialogues(transaction: Transaction, conversation: bytes) -> list[DialogueRecord]:
    """Return the open dialogues of a conversation, in the order of their ids."""
    rows = transaction.execute("open_dialogues_of", (conversation,)).fetchall()
    if not rows:
        return []
    # One statement for all: a person may have a thousand dialogues asleep.
    entries: dict[str, list[bytes]] = {}
    for id, entry in transaction.execute("open_entries_of", (conversation,)):
        entries.setdefault(id, []).append(entry)
    return [make_open_dialogue(conversation, row, entries.get(row[0], [])) for row in rows]


def update_dialogues(transaction: Transaction, result: ClaimResult) -> None:
    """Write the dialogue updates, and the failure of a timer, of a claim's turns."""
    conversation, failure = result.claim.conversation, result.failure
    for update in result.dialogue_updates:
        _write_head(transaction, "save_dialogue", conversation, update)
        _append_entries(transaction, conversation, update)
    if failure is not None and failure.dialogue_id:
        _record_failure(transaction, conversation, failure)
    updates = result.dialogue_updates
    had_timers = any(one.due_at for one in result.claim.dialogues)
    has_timers = had_timers or any(one.due_at for one in updates)
    if (updates and has_timers) or (failure is not None and failure.dialogue_id):
        set_timers(transaction, [conversation])


def _write_head(
    transaction: Transaction, statement: str, conversation: bytes, update: DialogueUpdate
) -> bool:
    """Write the new head of a dialogue, if any; tell whether a row was written."""
    id = storable_text(update.id)
    if update.head is not None:
        due = to_millis_or_none(update.due_at)
        row = (
            conversation,
            id,
            storable_text(update.handler),
            update.head,
            due,
            transaction.now,
            storable_text(update.end_reason),
            storable_text(update.question_key) or None,
        )
        return transaction.execute(statement, row).rowcount > 0
    if transaction.execute("find_dialogue", (conversation, id)).fetchone() is None:
        raise StorageError(f"Dialogue {id} is not known: give it a head to begin it.")
    return False


def _append_entries(transaction: Transaction, conversation: bytes, update: DialogueUpdate) -> None:
    """Write entries at their positions; an entry stored before must be the same.

    Raises:
        StorageError: the stored journal is shorter, or has another entry.
    """
    dialogue_key = (conversation, storable_text(update.id))
    for n, entry in enumerate(update.entries, update.stored_count):
        if transaction.execute("add_entry", (*dialogue_key, n, entry)).rowcount:
            continue
        _check_length(transaction, dialogue_key, n)
        if _read_entry(transaction, dialogue_key, n) != (entry,):
            raise StorageError(f"Dialogue {update.id} has another entry {n}: read it again.")
    if not update.entries:
        _check_length(transaction, dialogue_key, update.stored_count)


def _check_length(transaction: Transaction, dialogue_key: tuple[bytes, str], count: int) -> None:
    """Refuse a journal with fewer entries than its reader has seen."""
    if count and _read_entry(transaction, dialogue_key, count - 1) is None:
        raise StorageError(
            f"Dialogue {dialogue_key[1]} has fewer than {count} entries: read it again."
        )


def _read_entry(transaction: Transaction, dialogue_key: tuple[bytes, str], n: int) -> object:
    return transaction.execute("find_entry", (*dialogue_key, n)).fetchone()


def _record_failure(transaction: Transaction, conversation: bytes, failure: TurnFailure) -> None:
    due = to_millis_or_none(failure.retry_at)
    columns = (storable_text(failure.error), due, storable_text(failure.code_version))
    parameters = (*columns, conversation, storable_text(failure.dialogue_id))
    transaction.execute("fail_dialogue", parameters)


def set_timers(transaction: Transaction, conversations: Iterable[bytes]) -> None:
    """Set the timer of each conversation to the first due time of its open dialogues."""
    transaction.execute_many("set_timer", [(conversation,) for conversation in conversations])


def write_checkpoints(transaction: Transaction, checkpoints: Sequence[Checkpoint]) -> list[bool]:
    """Write checkpoints; return False for each claim that lost its lease."""
    return [
        _write_checkpoint(transaction, checkpoint.claim, checkpoint.update)
        for checkpoint in checkpoints
    ]


def _write_checkpoint(transaction: Transaction, claim: Claim, update: DialogueUpdate) -> bool:
    conversation = claim.conversation
    lease = transaction.leases.by_conversation.get(conversation)
    # storage rule 3: a checkpoint writes only under its lease, and the row's epoch is checked too.
    if lease is None or lease.id != claim.lease_id:
        return False
    if transaction.execute("is_leased", (conversation, lease.epoch)).fetchone() is None:
        # Who is told that the lease is lost may not end it, and nobody else would.
        transaction.leases.end(conversation, lease.id)
        return False
    if _write_head(transaction, "insert_dialogue", conversation, update):
        set_timers(transaction, [conversation])
    _append_entries(transaction, conversation, update)
    return True


def start_dialogues(transaction: Transaction, starts: Sequence[DialogueStart]) -> list[bool]:
    """Start dialogues; return False for each id that is stored, ended or not."""
    return [_insert_dialogue(transaction, start) for start in starts]


def _insert_dialogue(transaction: Transaction, start: DialogueStart) -> bool:
    numbers = (storable_text(start.ours), storable_text(start.theirs))
    conversation = conversation_id(*numbers)
    due = transaction.now if start.due_at is None else to_millis(start.due_at)
    row = (
        conversation,
        storable_text(start.id),
        storable_text(start.handler),
        start.head,
        due,
        transaction.now,
        "",
        None,
    )
    is_new = transaction.execute("insert_dialogue", row).rowcount > 0
    if is_new:
        if transaction.execute("add_conversation", (conversation, *numbers)).rowcount:
            recall_conversation(transaction, conversation, numbers)
        set_timers(transaction, [conversation])
    return is_new


def postpone_timers(transaction: Transaction, conversation: bytes, lease: int, until: int) -> None:
    """Postpone the due dialogues of a conversation to `until`."""
    transaction.execute("postpone_dialogues", (until, conversation, lease))
    set_timers(transaction, [conversation])


def count_open_dialogues(transaction: Transaction, up_to: int | None) -> dict[str, int]:
    """Return the number of open dialogues of each handler, counted up to a limit."""
    limit = NO_LIMIT if up_to is None else up_to
    counts = {}
    for (handler,) in transaction.execute("open_handlers").fetchall():
        found = transaction.execute("count_open_dialogues", (handler, limit))
        (counts[handler],) = found.fetchone()
    return counts


def list_dialogues(
    transaction: Transaction,
    handler: str,
    after: tuple[bytes, str] | None,
    limit: int,
    *,
    include_ended: bool,
) -> list[StoredDialogue]:
    """Return a page of dialogues in the order of conversation and id."""
    page_start = (*(after or (b"", "")), storable_text(handler))
    rows = transaction.execute(
        "list_dialogues" if include_ended else "list_open_dialogues", (*page_start, limit)
    ).fetchall()
    if not rows:
        return []
    last = (rows[-1][0], rows[-1][6])
    entries: dict[tuple[bytes, str], list[bytes]] = {(row[0], row[6]): [] for row in rows}
    entries_statement = "list_dialogue_entries" if include_ended else "list_open_dialogue_entries"
    for conversation, id, entry in transaction.execute(entries_statement, (*page_start, *last)):
        entries[conversation, id].append(entry)
    return [make_stored_dialogue(row, entries[row[0], row[6]]) for row in rows]
