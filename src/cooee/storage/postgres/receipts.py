"""Receipts: found by either id, kept until their text is known, and applied in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from cooee.core.messages import Outbound, Receipt, Status, parse_outbound_id
from cooee.storage.columns import next_status_check, storable_text, to_millis
from cooee.storage.postgres.locks import lock_conversations
from cooee.storage.postgres.outbox import make_attempt
from cooee.storage.postgres.refusals import NewRefusal, begin_refusals
from cooee.storage.postgres.rounds import split_into_rounds
from cooee.storage.postgres.transaction import Row, Transaction

TextKey: TypeAlias = tuple[bytes, int]
"""The primary key of an outbound: its conversation, and its number there."""


class Report(NamedTuple):
    """A receipt, or our own note on an attempt, as it is stored."""

    reported_at: int
    status: Status
    provider_status: str
    code: str = ""
    provider_id: str = ""


def is_news(receipt: Receipt, _: object) -> bool:
    """Tell whether a receipt is work for another process: of a text that failed, its refusal."""
    return receipt.status in {Status.FAILED, Status.UNDELIVERED}


async def apply_receipts(
    transaction: Transaction, receipts: Sequence[Receipt]
) -> list[tuple[Outbound, Status] | None]:
    """Apply receipts to their texts; return each text that became final, with its status."""
    reports = [_make_report(receipt, transaction.now) for receipt in receipts]
    text_keys = await _find_texts(transaction, receipts, reports)
    # storage rule 6: a receipt may come before the result of its attempt, and waits for it.
    early = [
        report
        for receipt, report, text_key in zip(receipts, reports, text_keys, strict=True)
        if text_key is None and report.provider_id and not receipt.outbound_id
    ]
    await _add_early_receipts(transaction, early)
    found = [(place, key, reports[place]) for place, key in enumerate(text_keys) if key is not None]
    await add_receipts(transaction, [(key, report) for _, key, report in found])
    finals: list[tuple[Outbound, Status] | None] = [None] * len(receipts)
    for some in split_into_rounds(found, key=lambda one: one[1]):
        updated = await _apply(transaction, [(key, report) for _, key, report in some])
        for place, text_key, _ in some:
            if text_key in updated:
                *row, ours, status = updated[text_key]
                if Status(status).final:
                    finals[place] = (make_attempt(ours, row).outbound, Status(status))
    return finals


def _make_report(receipt: Receipt, now: int) -> Report:
    return Report(
        now if receipt.at is None else to_millis(receipt.at),
        receipt.status,
        storable_text(receipt.provider_status),
        storable_text(receipt.code),
        storable_text(receipt.provider_id),
    )


async def _find_texts(
    transaction: Transaction, receipts: Sequence[Receipt], reports: Sequence[Report]
) -> list[TextKey | None]:
    """Return the key of each receipt's text, its conversation locked; None where there is none."""
    by_our_id = [parse_outbound_id(receipt.outbound_id) for receipt in receipts]
    provider_ids = await _stored_provider_ids(transaction, {key for key in by_our_id if key})
    by_provider_id = await _find_by_provider_id(
        transaction,
        {
            report.provider_id
            for receipt, report in zip(receipts, reports, strict=True)
            if not receipt.outbound_id
        },
    )
    text_keys: list[TextKey | None] = []
    for receipt, report, named in zip(receipts, reports, by_our_id, strict=True):
        if not receipt.outbound_id:
            text_keys.append(by_provider_id.get(report.provider_id))
        elif named is None or not _agrees(provider_ids.get(named), report.provider_id):
            text_keys.append(None)
        else:
            text_keys.append(named)
            if report.provider_id:  # by which a later receipt of this call may name the text
                provider_ids[named] = report.provider_id
                by_provider_id.setdefault(report.provider_id, named)
    await lock_conversations(transaction, {key[0] for key in text_keys if key is not None})
    return text_keys


def _agrees(stored_id: str | None, provider_id: str) -> bool:
    """Tell whether a receipt's provider id is that of a stored text; None: there is no text."""
    return stored_id is not None and (not stored_id or provider_id in {"", stored_id})


async def _stored_provider_ids(
    transaction: Transaction, text_keys: set[TextKey]
) -> dict[TextKey, str]:
    if not text_keys:
        return {}
    rows = await transaction.fetch("provider_id_of", *zip(*sorted(text_keys), strict=True))
    return {(conversation, seq): provider_id for conversation, seq, provider_id in rows}


async def _find_by_provider_id(
    transaction: Transaction, provider_ids: set[str]
) -> dict[str, TextKey]:
    """Return the keys of texts by the provider's ids, of which no result is recorded meanwhile."""
    ids = sorted(provider_ids - {""})
    if not ids:
        return {}
    # storage rule 6: who records an attempt's result holds the same locks, so a receipt that comes
    # at the same moment either finds the text, or is found by it.
    await transaction.fetch("lock_provider_ids", ids)
    rows = await transaction.fetch("find_by_provider_id", ids)
    return {provider_id: (conversation, seq) for provider_id, conversation, seq in rows}


async def adopt_early_receipts(
    transaction: Transaction, early: Sequence[tuple[int, TextKey, Report]]
) -> None:
    """Apply the receipts that came before the results of their attempts, in order."""
    adopted = [(id, *text_key) for id, text_key, _ in early]
    await transaction.execute("adopt_receipt", *zip(*adopted, strict=True))
    for some in split_into_rounds(early, key=lambda one: one[1]):
        await _apply(transaction, [(text_key, report) for _, text_key, report in some])


async def _apply(
    transaction: Transaction, reports: Sequence[tuple[TextKey, Report]]
) -> Mapping[TextKey, Row]:
    """Apply reports, one a text at most; return the rows of the texts that were not final yet."""
    rows = [(*key, int(report.status), report.provider_id) for key, report in reports]
    now = transaction.now
    updated = await transaction.fetch(
        "apply_receipt", *zip(*rows, strict=True), next_status_check(now, now)
    )
    by_key = {(row[0], row[1]): row for row in updated}
    refusals = [
        NewRefusal(key, report.code, report.provider_status)
        for key, report in reports
        if key in by_key and by_key[key][-1] == Status.FAILED
    ]
    await begin_refusals(transaction, refusals)
    return by_key


async def add_receipts(transaction: Transaction, reports: Sequence[tuple[TextKey, Report]]) -> None:
    """Store reports of texts, each word of the provider's once."""
    rows: dict[tuple[object, ...], tuple[object, ...]] = {}
    for text_key, (at, status, provider_status, code, _) in reports:
        row = (*text_key, at, int(status), provider_status, code)
        rows.setdefault((*text_key, provider_status, code), row)
    if rows:
        await transaction.execute("add_receipt", *zip(*rows.values(), strict=True))


async def _add_early_receipts(transaction: Transaction, reports: Sequence[Report]) -> None:
    rows: dict[tuple[object, ...], tuple[object, ...]] = {}
    for at, status, provider_status, code, provider_id in reports:
        row = (provider_id, at, int(status), provider_status, code)
        rows.setdefault((provider_id, provider_status, code), row)
    if rows:
        await transaction.execute("add_early_receipt", *zip(*rows.values(), strict=True))
