"""Results of attempts: accepted, to be repeated, of unknown end, or failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cooee.core.messages import Outbound, Status, parse_outbound_id
from cooee.storage.columns import (
    next_status_check,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.postgres.locks import Numbers
from cooee.storage.postgres.opt_outs import NewOptOut, lock_people, record_new_opt_outs
from cooee.storage.postgres.receipts import Report, TextKey, add_receipts, adopt_early_receipts
from cooee.storage.postgres.refusals import NewRefusal, begin_refusals
from cooee.storage.postgres.rounds import split_into_rounds
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.records import AttemptResult, FinishedClaim, SendAttempt
from cooee.storage.statuses import ConsentSource


class _Result(NamedTuple):
    """A result, its text, and its place in the call."""

    place: int
    text_key: TextKey
    result: AttemptResult

    @property
    def code(self) -> str:
        """Return the provider's code of a failure."""
        return storable_text(self.result.code)

    @property
    def message(self) -> str:
        """Return the words of a failure."""
        return storable_text(self.result.message)

    @property
    def error(self) -> str:
        """Return code and words of a failure; "" where there are none."""
        return " ".join(part for part in (self.code, self.message) if part)


async def record_results(
    transaction: Transaction, results: Sequence[AttemptResult]
) -> list[list[Outbound]]:
    """Record the results of attempts; return the queued texts that each result cancelled."""
    text_keys = [parse_outbound_id(result.outbound.id) for result in results]
    known = [
        _Result(place, text_key, result)
        for place, (text_key, result) in enumerate(zip(text_keys, results, strict=True))
        if text_key is not None
    ]
    cancelled: list[list[Outbound]] = [[] for _ in results]
    if not known:
        return cancelled
    conversations = sorted({one.text_key[0] for one in known})
    provider_ids = {storable_text(one.result.provider_id) for one in known} - {""}
    rows = await transaction.fetch("lock_results", conversations, sorted(provider_ids))
    numbers = {id: (ours, theirs) for id, ours, theirs in rows}
    for some in split_into_rounds(known, key=lambda one: one.text_key):
        await _record_successes(transaction, [one for one in some if _has_succeeded(one)])
        failed = [one for one in some if not _has_succeeded(one)]
        for one in await _record_failures(transaction, failed):
            cancelled[one.place].append(one.result.outbound)
        refused = [one for one in failed if one.result.opted_out]
        for one, texts in await _record_refused(transaction, refused, numbers):
            cancelled[one.place] += texts
    return cancelled


def is_news(result: AttemptResult, _: object) -> bool:
    """Tell whether a result is work for another process: of a text that failed, its refusal."""
    return result.status is Status.FAILED


async def put_back(transaction: Transaction, attempts: Sequence[SendAttempt]) -> None:
    """Queue taken texts again: none was attempted, since the caller was cancelled."""
    results = [
        AttemptResult(outbound=one.outbound, status=Status.QUEUED, message="never attempted")
        for one in attempts
    ]
    await record_results(transaction, results)


async def put_back_finished(transaction: Transaction, finished: Sequence[FinishedClaim]) -> None:
    """Queue the replies again that were taken with their turns: none was attempted."""
    await put_back(transaction, [attempt for one in finished for attempt in one.attempts])


def _has_succeeded(one: _Result) -> bool:
    return Status.ACCEPTED <= one.result.status <= Status.DELIVERED


async def _record_successes(transaction: Transaction, accepted: Sequence[_Result]) -> None:
    if not accepted:
        return
    now = transaction.now
    rows = [
        (
            *one.text_key,
            int(one.result.status),
            storable_text(one.result.provider_id),
            now if one.result.accepted_at is None else to_millis(one.result.accepted_at),
        )
        for one in accepted
    ]
    early = await transaction.fetch(
        "accept_attempt", *zip(*rows, strict=True), now, next_status_check(now, now)
    )
    if early:
        await adopt_early_receipts(transaction, [_make_early(row, now) for row in early])


def _make_early(row: Row, now: int) -> tuple[int, TextKey, Report]:
    id, conversation, seq, provider_id, status, provider_status, code = row
    report = Report(now, Status(status), provider_status, code, provider_id)
    return id, (conversation, seq), report


async def _record_failures(
    transaction: Transaction, failed: Sequence[_Result]
) -> Sequence[_Result]:
    """Record attempts without success; return those that ended since their person opted out."""
    statuses = {
        **await _retry(transaction, failed),
        **await _mark_unknown(transaction, failed),
        **await _end(transaction, failed),
    }
    changed = [one for one in failed if one.text_key in statuses]
    await begin_refusals(
        transaction,
        [
            NewRefusal(one.text_key, one.code, one.message)
            for one in changed
            if statuses[one.text_key] == Status.FAILED and not one.result.opted_out
        ],
    )
    notes = [(one.text_key, _note(one, transaction.now)) for one in changed if one.error]
    await add_receipts(transaction, notes)
    return [one for one in changed if statuses[one.text_key] == Status.CANCELLED]


async def _retry(transaction: Transaction, failed: Sequence[_Result]) -> dict[TextKey, int]:
    """Queue texts for another attempt; return the new status of each that waited for this."""
    rows = [
        (
            *one.text_key,
            one.result.outbound.attempt,
            one.error,
            transaction.now if one.result.retry_at is None else to_millis(one.result.retry_at),
        )
        for one in failed
        if one.result.status is Status.QUEUED
    ]
    return await _change(transaction, "retry_attempt", rows)


async def _mark_unknown(transaction: Transaction, failed: Sequence[_Result]) -> dict[TextKey, int]:
    rows = [
        (
            *one.text_key,
            one.result.outbound.attempt,
            one.error,
            to_millis_or_none(one.result.retry_at),
            to_millis_or_none(one.result.accepted_at),
        )
        for one in failed
        if one.result.status is Status.UNKNOWN
    ]
    return await _change(transaction, "mark_attempt_unknown", rows)


async def _end(transaction: Transaction, failed: Sequence[_Result]) -> dict[TextKey, int]:
    rows = [
        (*one.text_key, one.result.outbound.attempt, one.error, int(one.result.status))
        for one in failed
        if one.result.status not in {Status.QUEUED, Status.UNKNOWN}
    ]
    return await _change(transaction, "end_attempt", rows)


async def _change(
    transaction: Transaction, statement: str, rows: Sequence[Sequence[object]]
) -> dict[TextKey, int]:
    """Execute a statement over texts; return the new status of each that it changed."""
    changed = await transaction.fetch(statement, *zip(*rows, strict=True)) if rows else ()
    return {(conversation, seq): status for conversation, seq, status in changed}


def _note(one: _Result, now: int) -> Report:
    """Return our own receipt of an attempt without success."""
    words = one.message or one.result.status.name.lower()
    return Report(
        now, one.result.status, f"attempt {one.result.outbound.attempt}: {words}", one.code
    )


async def _record_refused(
    transaction: Transaction, refused: Sequence[_Result], numbers: Mapping[bytes, Numbers]
) -> Sequence[tuple[_Result, Sequence[Outbound]]]:
    """Record that the provider refused texts for opt-outs; return the texts that each cancelled."""
    by_conversation = {one.text_key[0]: one for one in refused}
    # A person may have been forgotten while the text was under way.
    gone = [id for id in by_conversation if id not in numbers]
    back, forgotten = await lock_people(transaction, gone) if gone else ({}, {})
    known = {**numbers, **back}
    opt_outs = {
        forgotten.get(id, id): NewOptOut(
            forgotten.get(id, id),
            transaction.now,
            *known.get(id, ("", "")),
            source=ConsentSource.REFUSED,
            at_provider=True,
        )
        for id in by_conversation
        if id in known or id in forgotten
    }
    recorded = await record_new_opt_outs(transaction, list(opt_outs.values()))
    return [
        (one, recorded[forgotten.get(id, id)].cancelled)
        for id, one in by_conversation.items()
        if forgotten.get(id, id) in recorded
    ]
