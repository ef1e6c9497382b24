"""Outbound texts: enqueue, take, record results, apply receipts, and find due checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from cooee.core.messages import (
    Outbound,
    Priority,
    Receipt,
    Status,
    conversation_id,
    outbound_id,
    parse_outbound_id,
)
from cooee.storage.columns import (
    from_millis,
    from_millis_or_none,
    next_status_check,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.records import AttemptResult, FinishedClaim, ProactiveOutbound, SendAttempt
from cooee.storage.sqlite.forgotten import find_forgotten, recall_conversation
from cooee.storage.sqlite.opt_outs import record_opt_out
from cooee.storage.sqlite.refusals import begin_refusal, copies_of_refused
from cooee.storage.sqlite.transaction import Transaction
from cooee.storage.sqlite.turns import outbound_row
from cooee.storage.statuses import ConsentSource

TextKey: TypeAlias = tuple[bytes, int]
"""The primary key of an outbound: its conversation, and its number there."""


def enqueue_texts(transaction: Transaction, texts: Sequence[ProactiveOutbound]) -> list[str]:
    """Queue proactive texts; return the outbound id of each (by key, the earlier text's)."""
    return [_enqueue_text(transaction, text) for text in texts]


def _enqueue_text(transaction: Transaction, outbound: ProactiveOutbound) -> str:
    ours, theirs, draft = (
        storable_text(outbound.ours),
        storable_text(outbound.theirs),
        outbound.draft,
    )
    conversation = conversation_id(ours, theirs)
    if draft.key is not None:
        existing = transaction.execute(
            "find_outbound_key", (conversation, storable_text(draft.key))
        ).fetchone()
        if existing:
            return outbound_id(conversation, existing[0])
    place = (conversation, ours, theirs, transaction.now)
    seq, turn = transaction.execute("assign_outbound_seq", place).fetchone()
    # storage rule 9: a first text may be to a forgotten person, who may have opted out.
    if seq == 1 and recall_conversation(transaction, conversation, (ours, theirs)):
        seq, turn = transaction.execute("assign_outbound_seq", place).fetchone()
    origin = (conversation, turn, ours, theirs)
    transaction.execute("add_outbound", outbound_row(origin, seq, draft, transaction.now))
    return outbound_id(conversation, seq)


def resend_refused(transaction: Transaction, theirs: str | None) -> int:
    """Queue a copy of each refused text, as an operator asked; return their number.

    A copy to a person who has opted out since is stored, cancelled, and does not count.
    """
    text_keys = map(
        parse_outbound_id, enqueue_texts(transaction, copies_of_refused(transaction, theirs))
    )
    queued = [
        transaction.execute("is_queued", text_key).fetchone() for text_key in text_keys if text_key
    ]
    return sum(row is not None for row in queued)


def take_texts(
    transaction: Transaction, ours: str, limit: int, *, bulk_share: int
) -> list[SendAttempt]:
    """Record the next attempts; at least `bulk_share` of them are for due bulk texts."""
    transaction.execute("expire_late", (transaction.now, ours))

    def due_rows(priority: Priority, room: int) -> list[Any]:
        if room <= 0:
            return []
        return transaction.execute(
            "next_texts", (ours, int(priority), transaction.now, room)
        ).fetchall()

    reserved = due_rows(Priority.BULK, min(bulk_share, limit))
    rows = due_rows(Priority.REPLY, limit - len(reserved))
    rows += due_rows(Priority.PROACTIVE, limit - len(reserved) - len(rows))
    rows += due_rows(Priority.BULK, limit - len(rows)) if len(reserved) == bulk_share else reserved
    return _begin_attempts(transaction, ours, rows)


def take_replies(transaction: Transaction, ours: str, theirs: str, limit: int) -> list[SendAttempt]:
    """Record the next attempts of one conversation's due replies, in order."""
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    [attempts] = take_replies_of(transaction, [(ours, conversation, limit)])
    return attempts


def take_replies_of(
    transaction: Transaction, conversations: Sequence[tuple[str, bytes, int]]
) -> list[list[SendAttempt]]:
    """Take the due replies of conversations, each with our number and its own limit."""
    for ours in {ours for ours, *_ in conversations}:
        transaction.execute("expire_late", (transaction.now, ours))
    return [
        _begin_attempts(
            transaction,
            ours,
            transaction.execute("next_replies", (id, transaction.now, limit)).fetchall(),
        )
        for ours, id, limit in conversations
    ]


def _begin_attempts(transaction: Transaction, ours: str, rows: Sequence[Any]) -> list[SendAttempt]:
    # storage rule 6: an attempt is recorded before it is made.
    parameters = [(transaction.now, conversation, seq) for conversation, seq, *_ in rows]
    transaction.execute_many("begin_attempt", parameters)
    return [_make_attempt(ours, row, at=transaction.now) for row in rows]


def _make_attempt(ours: str, row: Sequence[Any], *, at: int | None = None) -> SendAttempt:
    """Return a row as an outbound; with `at`, as the attempt after the counted attempts."""
    conversation, seq, theirs, text, media, good_until, queued_at, provider_id, attempts, *rest = (
        row
    )
    attempted_at, *priority = rest
    outbound = Outbound(
        id=outbound_id(conversation, seq),
        sender=ours,
        recipient=theirs,
        text=text,
        attempt=attempts if at is None else attempts + 1,
        at=from_millis_or_none(attempted_at if at is None else at),
        media=tuple(msgspec.json.decode(media)) if media else (),
        good_until=from_millis_or_none(good_until),
        provider_id=provider_id or "",
    )
    return SendAttempt(outbound, from_millis(queued_at), *map(Priority, priority))


def add_attempts(
    transaction: Transaction, rows: Sequence[tuple[Any, ...]]
) -> Sequence[SendAttempt]:
    """Write texts with their first attempts; none to a person who opted out."""
    attempts = []
    for row in rows:
        # storage rule 6: an attempt is recorded before it is made, and opt-outs are checked here.
        [(status,)] = transaction.execute("add_outbound_attempt", row).fetchall()
        if status == Status.SENDING:
            conversation, seq, _, ours, theirs, text, media, priority, queued_at, *_ = row
            written = (
                conversation,
                seq,
                theirs,
                text,
                media,
                None,
                queued_at,
                None,
                0,
                None,
                priority,
            )
            attempts.append(_make_attempt(ours, written, at=transaction.now))
    return attempts


def put_back(transaction: Transaction, attempts: Sequence[SendAttempt]) -> None:
    """Queue taken texts again: none was attempted, since the caller was cancelled."""
    results = [
        AttemptResult(outbound=one.outbound, status=Status.QUEUED, message="never attempted")
        for one in attempts
    ]
    record_results(transaction, results)


def put_back_finished(transaction: Transaction, finished: Sequence[FinishedClaim]) -> None:
    """Queue the replies again that were taken with their turns: none was attempted."""
    put_back(transaction, [attempt for one in finished for attempt in one.attempts])


def defer_texts(transaction: Transaction, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
    """Queue taken texts that were not attempted again, each for a later time."""
    for outbound, until in deferred:
        text_key = parse_outbound_id(outbound.id)
        if text_key is not None:
            parameters = (*text_key, to_millis(until), outbound.attempt)
            if not transaction.execute("defer_text", parameters).fetchone():
                transaction.execute("cancel_attempt", (*text_key, outbound.attempt))


def record_results(
    transaction: Transaction, results: Sequence[AttemptResult]
) -> Sequence[Outbound]:
    """Record the results of attempts; return the queued texts that an opt-out cancelled."""
    text_keys = [parse_outbound_id(result.outbound.id) for result in results]
    known = [(key, result) for key, result in zip(text_keys, results, strict=True) if key]
    succeeded = [(key, result) for key, result in known if _has_succeeded(result)]
    cancelled = [
        outbound
        for key, result in known
        if not _has_succeeded(result)
        for outbound in _record_failure(transaction, key, result)
    ]
    now, due_at = transaction.now, _first_status_check(transaction)
    rows = [
        (
            int(result.status),
            storable_text(result.provider_id),
            now,
            now if result.accepted_at is None else to_millis(result.accepted_at),
            due_at,
            *key,
        )
        for key, result in succeeded
    ]
    transaction.execute_many("accept_attempt", rows)
    if transaction.execute("any_early_receipt").fetchone():
        for key, result in succeeded:
            _apply_early_receipts(transaction, key, storable_text(result.provider_id))
    return cancelled


def answered_texts(transaction: Transaction, outbound_ids: Sequence[str]) -> Mapping[str, bytes]:
    """Return the id of the text that each reply answers."""
    answered = {}
    for id in outbound_ids:
        row = transaction.execute("answered_text", parse_outbound_id(id) or (b"", 0)).fetchone()
        if row is not None:
            answered[id] = row[0]
    return answered


def _first_status_check(transaction: Transaction) -> int | None:
    return next_status_check(transaction.now, transaction.now)


def _has_succeeded(result: AttemptResult) -> bool:
    return Status.ACCEPTED <= result.status <= Status.DELIVERED


def _record_failure(
    transaction: Transaction, text_key: TextKey, result: AttemptResult
) -> Sequence[Outbound]:
    """Record an attempt without success; return the texts that its opt-out cancelled."""
    attempt, code = result.outbound.attempt, storable_text(result.code)
    error = " ".join(part for part in (code, storable_text(result.message)) if part)
    retry_at = to_millis_or_none(result.retry_at)
    if result.status is Status.QUEUED:
        due = transaction.now if retry_at is None else retry_at
        updated = transaction.execute("retry_attempt", (*text_key, due, error, attempt))
    elif result.status is Status.UNKNOWN:
        accepted_at = to_millis_or_none(result.accepted_at)
        parameters = (*text_key, retry_at, error, attempt, accepted_at)
        updated = transaction.execute("mark_attempt_unknown", parameters)
    else:
        updated = transaction.execute(
            "end_attempt", (*text_key, int(result.status), error, attempt)
        )
    [new_status] = updated.fetchone() or [None]
    if new_status == Status.FAILED and not result.opted_out:
        begin_refusal(transaction, text_key, code, storable_text(result.message))
    cancelled = [result.outbound] if new_status == Status.CANCELLED else []
    if new_status is not None and error:
        message = storable_text(result.message) or result.status.name.lower()
        receipt = (transaction.now, int(result.status), f"attempt {attempt}: {message}", code)
        transaction.execute("add_receipt", (*text_key, *receipt))
    if result.opted_out:
        cancelled += _record_refusal(transaction, text_key[0])
    return cancelled


def _record_refusal(transaction: Transaction, conversation: bytes) -> Sequence[Outbound]:
    """Record that the provider refused a text for an opt-out; return the cancelled texts."""
    numbers = transaction.execute("numbers_of", (conversation,)).fetchone()
    if numbers is None:  # the person was forgotten while the text was under way
        forgotten = find_forgotten(transaction, conversation)
        if forgotten is None:
            return ()
        conversation, numbers = forgotten, ("", "")
    _, cancelled = record_opt_out(
        transaction,
        conversation,
        numbers,
        transaction.now,
        source=ConsentSource.REFUSED,
        at_provider=True,
    )
    return cancelled


def _apply_early_receipts(transaction: Transaction, text_key: TextKey, provider_id: str) -> None:
    """Apply the receipts that came before their text's `provider_id` was stored."""
    early = transaction.execute("early_receipts", (provider_id,)).fetchall()
    for id, status, provider_status, code in early:
        transaction.execute("adopt_receipt", (*text_key, id))
        parameters = (
            *text_key,
            status,
            provider_id,
            _first_status_check(transaction),
        )
        updated = transaction.execute("apply_receipt", parameters).fetchone()
        if updated is not None and updated[0] == Status.FAILED:
            begin_refusal(transaction, text_key, code, provider_status)


def apply_receipts(
    transaction: Transaction, receipts: Sequence[Receipt]
) -> list[tuple[Outbound, Status]]:
    """Apply receipts to their texts; return the texts that became final, with their status."""
    finished = [_apply_receipt(transaction, receipt) for receipt in receipts]
    return [one for one in finished if one is not None]


def _apply_receipt(transaction: Transaction, receipt: Receipt) -> tuple[Outbound, Status] | None:
    provider_id, provider_status, code = map(
        storable_text, (receipt.provider_id, receipt.provider_status, receipt.code)
    )
    at = transaction.now if receipt.at is None else to_millis(receipt.at)
    text_key = _find_text(transaction, receipt, provider_id)
    if text_key is None:
        # storage rule 6: a receipt may come before the result of its attempt, and waits for it.
        if provider_id and not receipt.outbound_id:
            early_receipt = (provider_id, at, int(receipt.status), provider_status, code)
            transaction.execute("add_early_receipt", early_receipt)
        return None
    stored_receipt = (at, int(receipt.status), provider_status, code)
    transaction.execute("add_receipt", (*text_key, *stored_receipt))
    parameters = (
        *text_key,
        int(receipt.status),
        provider_id,
        _first_status_check(transaction),
    )
    updated = transaction.execute("apply_receipt", parameters).fetchone()
    if updated is None or not Status(updated[0]).final:
        return None
    status, ours, *row = updated
    if status == Status.FAILED:
        begin_refusal(transaction, text_key, code, provider_status)
    return _make_attempt(ours, (*text_key, *row)).outbound, Status(status)


def _find_text(transaction: Transaction, receipt: Receipt, provider_id: str) -> TextKey | None:
    """Return the key of a receipt's text; None where there is none, or its two ids contradict."""
    if not receipt.outbound_id:
        found = transaction.execute("find_by_provider_id", (provider_id,)).fetchone()
        return None if found is None else (found[0], found[1])
    text_key = parse_outbound_id(receipt.outbound_id)
    stored = text_key and transaction.execute("provider_id_of", text_key).fetchone()
    if not stored or (provider_id and stored[0] and provider_id != stored[0]):
        return None
    return text_key


def due_lookups(transaction: Transaction, ours: str, limit: int) -> list[SendAttempt]:
    """Return texts of unknown end whose look-up is due."""
    return _due_checks(transaction, "due_lookups", ours, limit)


def due_status_checks(transaction: Transaction, ours: str, limit: int) -> list[SendAttempt]:
    """Return accepted texts whose status check is due."""
    return _due_checks(transaction, "due_status_checks", ours, limit)


def _due_checks(
    transaction: Transaction, statement_name: str, ours: str, limit: int
) -> list[SendAttempt]:
    rows = transaction.execute(statement_name, (ours, transaction.now, limit)).fetchall()
    next_checks = [
        (next_status_check(since or transaction.now, transaction.now), id, seq)
        for id, seq, *_, since in rows
    ]
    transaction.execute_many("set_next_check", next_checks)
    return [_make_attempt(ours, row) for row in rows]
