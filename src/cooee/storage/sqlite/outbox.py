"""Texts out: enqueue, take, record, settle, and asking the provider."""

from __future__ import annotations

from collections.abc import Sequence
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
from cooee.storage import AttemptResult, ProactiveOutbound, SendAttempt
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.columns import (
    from_millis,
    from_millis_or_none,
    next_status_check,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.turns import outbound_row, record_opt_out, restore_numbers

TextKey: TypeAlias = tuple[bytes, int]
"""Where a text is: its conversation, and its number in it."""

_SQL = load_statements("sqlite")


def enqueue_texts(
    connection: Connection, texts: Sequence[ProactiveOutbound], now: int
) -> list[str]:
    """Queue texts that we write first; the outbound id of each (an earlier one's by key)."""
    return [_enqueue_text(connection, letter, now) for letter in texts]


def _enqueue_text(connection: Connection, outbound: ProactiveOutbound, now: int) -> str:
    ours, theirs, draft = (
        storable_text(outbound.ours),
        storable_text(outbound.theirs),
        outbound.draft,
    )
    conversation = conversation_id(ours, theirs)
    if draft.key is not None:
        existing = connection.execute(
            _SQL["find_outbound_key"], (conversation, storable_text(draft.key))
        ).fetchone()
        if existing:
            return outbound_id(conversation, existing[0])
    counters = connection.execute(_SQL["assign_outbound_seq"], (conversation, ours, theirs, now))
    seq, turn, known_theirs = counters.fetchone()
    if not known_theirs:
        restore_numbers(connection, conversation, (ours, theirs))
    origin = (conversation, turn, ours, theirs)
    connection.execute(_SQL["add_outbound"], outbound_row(origin, seq, draft, now))
    return outbound_id(conversation, seq)


def take_texts(
    connection: Connection, ours: str, limit: int, now: int, *, bulk_share: int
) -> list[SendAttempt]:
    """Record the next attempts; at least `bulk_share` of them are for bulk, where any waits."""
    connection.execute(_SQL["expire_late"], (now, ours))

    def due_rows(priority: Priority, room: int) -> list[Any]:
        if room <= 0:
            return []
        return connection.execute(_SQL["next_texts"], (ours, int(priority), now, room)).fetchall()

    reserved = due_rows(Priority.BULK, min(bulk_share, limit))
    rows = due_rows(Priority.REPLY, limit - len(reserved))
    rows += due_rows(Priority.PROACTIVE, limit - len(reserved) - len(rows))
    rows += due_rows(Priority.BULK, limit - len(rows)) if len(reserved) == bulk_share else reserved
    return _begin_attempts(connection, ours, rows, now)


def take_replies(
    connection: Connection, ours: str, theirs: str, limit: int, now: int
) -> list[SendAttempt]:
    """Record the next attempts of one conversation's replies: all that may go now, in order."""
    connection.execute(_SQL["expire_late"], (now, ours))
    conversation = conversation_id(storable_text(ours), storable_text(theirs))
    rows = connection.execute(_SQL["next_replies"], (conversation, now, limit)).fetchall()
    return _begin_attempts(connection, ours, rows, now)


def _begin_attempts(
    connection: Connection, ours: str, rows: Sequence[Any], now: int
) -> list[SendAttempt]:
    parameters = [(now, conversation, seq) for conversation, seq, *_ in rows]
    connection.executemany(_SQL["begin_attempt"], parameters)
    return [_make_attempt(ours, row, at=now) for row in rows]


def _make_attempt(ours: str, row: Sequence[Any], *, at: int | None = None) -> SendAttempt:
    """A row as a text of ours; with `at`, as the attempt after those it knows of."""
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


def put_back(connection: Connection, attempts: Sequence[SendAttempt], now: int) -> None:
    """Queue again what was taken and never attempted."""
    message = "never attempted"
    results = [
        AttemptResult(outbound=one.outbound, status=Status.QUEUED, message=message)
        for one in attempts
    ]
    record_results(connection, results, now)


def defer_texts(connection: Connection, deferred: Sequence[tuple[Outbound, datetime]]) -> None:
    """Queue what was taken and not attempted again, each for a later moment."""
    for outbound, until in deferred:
        text_key = parse_outbound_id(outbound.id)
        if text_key is not None:
            parameters = (*text_key, to_millis(until), outbound.attempt)
            if not connection.execute(_SQL["defer_text"], parameters).fetchone():
                connection.execute(_SQL["cancel_attempt"], (*text_key, outbound.attempt))


def record_results(
    connection: Connection, results: Sequence[AttemptResult], now: int
) -> Sequence[Outbound]:
    """Record how attempts ended; return the queued texts that an opt-out among them cancelled."""
    text_keys = [parse_outbound_id(outcome.outbound.id) for outcome in results]
    known = [(place, outcome) for place, outcome in zip(text_keys, results, strict=True) if place]
    succeeded = [(place, outcome) for place, outcome in known if _has_succeeded(outcome)]
    cancelled = [
        outbound
        for place, outcome in known
        if not _has_succeeded(outcome)
        for outbound in _record_failure(connection, place, outcome, now)
    ]
    due = next_status_check(now, now)
    connection.executemany(
        _SQL["accept_attempt"],
        [
            (int(good.status), storable_text(good.provider_id), now, due, *place)
            for place, good in succeeded
        ],
    )
    if connection.execute(_SQL["any_early_receipt"]).fetchone():
        for place, outcome in succeeded:
            _apply_early_receipts(connection, place, storable_text(outcome.provider_id), now)
    return cancelled


def _has_succeeded(result: AttemptResult) -> bool:
    return Status.ACCEPTED <= result.status <= Status.DELIVERED


def _record_failure(
    connection: Connection, text_key: TextKey, result: AttemptResult, now: int
) -> Sequence[Outbound]:
    """Record an attempt that did not succeed; return the texts that its opt-out cancelled."""
    attempt, code = result.outbound.attempt, storable_text(result.code)
    error = " ".join(part for part in (code, storable_text(result.message)) if part)
    retry_at = to_millis_or_none(result.retry_at)
    if result.status is Status.QUEUED:
        due = now if retry_at is None else retry_at
        updated = connection.execute(_SQL["retry_attempt"], (*text_key, due, error, attempt))
    elif result.status is Status.UNKNOWN:
        updated = connection.execute(
            _SQL["mark_attempt_unknown"], (*text_key, retry_at, error, attempt)
        )
    else:
        updated = connection.execute(
            _SQL["end_attempt"], (*text_key, int(result.status), error, attempt)
        )
    [new_status] = updated.fetchone() or [None]
    cancelled = [result.outbound] if new_status == Status.CANCELLED else []
    if new_status is not None and error:
        message = storable_text(result.message) or result.status.name.lower()
        receipt = (now, int(result.status), f"attempt {attempt}: {message}", code)
        connection.execute(_SQL["add_receipt"], (*text_key, *receipt))
    if result.opted_out:
        numbers = connection.execute(_SQL["numbers_of"], text_key[:1]).fetchone()
        if numbers is not None:
            cancelled += record_opt_out(connection, text_key[0], numbers, now, source="refusal")[1]
    return cancelled


def _apply_early_receipts(
    connection: Connection, text_key: TextKey, provider_id: str, now: int
) -> None:
    """Lay on a text the receipts that came before we knew whose they were."""
    early = connection.execute(_SQL["early_receipts"], (provider_id,)).fetchall()
    for id, status in early:
        connection.execute(_SQL["adopt_receipt"], (*text_key, id))
        parameters = (*text_key, status, provider_id, next_status_check(now, now))
        connection.execute(_SQL["apply_receipt"], parameters).fetchall()


def apply_receipts(
    connection: Connection, receipts: Sequence[Receipt], now: int
) -> list[tuple[Outbound, Status]]:
    """Lay receipts on their texts; those that became final by it, and how."""
    finished = [_apply_receipt(connection, receipt, now) for receipt in receipts]
    return [one for one in finished if one is not None]


def _apply_receipt(
    connection: Connection, receipt: Receipt, now: int
) -> tuple[Outbound, Status] | None:
    provider_id, provider_status, code = map(
        storable_text, (receipt.provider_id, receipt.provider_status, receipt.code)
    )
    at = now if receipt.at is None else to_millis(receipt.at)
    text_key = _find_text(connection, receipt, provider_id)
    if text_key is None:
        if provider_id and not receipt.outbound_id:  # its text may not be recorded yet
            early_receipt = (provider_id, at, int(receipt.status), provider_status, code)
            connection.execute(_SQL["add_early_receipt"], early_receipt)
        return None
    stored_receipt = (at, int(receipt.status), provider_status, code)
    connection.execute(_SQL["add_receipt"], (*text_key, *stored_receipt))
    parameters = (*text_key, int(receipt.status), provider_id, next_status_check(now, now))
    updated = connection.execute(_SQL["apply_receipt"], parameters).fetchone()
    if updated is None or not Status(updated[0]).final:
        return None
    status, ours, *row = updated
    return _make_attempt(ours, (*text_key, *row)).outbound, Status(status)


def _find_text(connection: Connection, receipt: Receipt, provider_id: str) -> TextKey | None:
    """Which text a receipt is about; None where there is none, or its two names contradict."""
    if not receipt.outbound_id:
        found = connection.execute(_SQL["find_by_provider_id"], (provider_id,)).fetchone()
        return None if found is None else (found[0], found[1])
    text_key = parse_outbound_id(receipt.outbound_id)
    stored = text_key and connection.execute(_SQL["provider_id_of"], text_key).fetchone()
    if not stored or (provider_id and stored[0] and provider_id != stored[0]):
        return None
    return text_key


def due_lookups(connection: Connection, ours: str, limit: int, now: int) -> list[SendAttempt]:
    """Texts whose attempt has an unknown end, and whose time to ask has come."""
    return _due_checks(connection, "due_lookups", ours, limit, now)


def due_status_checks(connection: Connection, ours: str, limit: int, now: int) -> list[SendAttempt]:
    """Accepted texts whose provider is to be asked for news now."""
    return _due_checks(connection, "due_status_checks", ours, limit, now)


def _due_checks(
    connection: Connection, statement_name: str, ours: str, limit: int, now: int
) -> list[SendAttempt]:
    rows = connection.execute(_SQL[statement_name], (ours, now, limit)).fetchall()
    next_checks = [(next_status_check(since or now, now), id, seq) for id, seq, *_, since in rows]
    connection.executemany(_SQL["set_next_check"], next_checks)
    return [_make_attempt(ours, row) for row in rows]
