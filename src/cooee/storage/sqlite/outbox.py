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
from cooee.storage import Letter, Outcome, Taken
from cooee.storage.sql_file import load
from cooee.storage.sqlite.columns import (
    fit,
    moment,
    moment_or_none,
    next_question,
    stamp,
    stamp_or_none,
)
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.turns import opt_out, revive, row

Place: TypeAlias = tuple[bytes, int]
"""Where a text is: its conversation, and its number in it."""

_SQL = load("sqlite")


def enqueue(connection: Connection, letters: Sequence[Letter], now: int) -> list[str]:
    """Queue texts that we write first; the outbound id of each (an earlier one's by key)."""
    return [_enqueue(connection, letter, now) for letter in letters]


def _enqueue(connection: Connection, letter: Letter, now: int) -> str:
    ours, theirs, draft = fit(letter.ours), fit(letter.theirs), letter.draft
    conversation = conversation_id(ours, theirs)
    if draft.key is not None:
        known = connection.execute(_SQL["find_key"], (conversation, fit(draft.key))).fetchone()
        if known:
            return outbound_id(conversation, known[0])
    placed = connection.execute(_SQL["place_letter"], (conversation, ours, theirs, now))
    seq, last_in, known_as = placed.fetchone()
    if not known_as:
        revive(connection, conversation, (ours, theirs))
    place = (conversation, last_in, ours, theirs)
    connection.execute(_SQL["add_outbound"], row(place, seq, draft, now))
    return outbound_id(conversation, seq)


def take(connection: Connection, ours: str, limit: int, now: int, *, bulk: int) -> list[Taken]:
    """Record the next attempts; at least `bulk` of them are for bulk, where any waits."""
    connection.execute(_SQL["expire_late"], (now, ours))

    def waiting(kind: Priority, room: int) -> list[Any]:
        if room <= 0:
            return []
        return connection.execute(_SQL["next_texts"], (ours, int(kind), now, room)).fetchall()

    reserved = waiting(Priority.BULK, min(bulk, limit))
    rows = waiting(Priority.REPLY, limit - len(reserved))
    rows += waiting(Priority.PROACTIVE, limit - len(reserved) - len(rows))
    rows += waiting(Priority.BULK, limit - len(rows)) if len(reserved) == bulk else reserved
    return _begin(connection, ours, rows, now)


def take_replies(
    connection: Connection, ours: str, theirs: str, limit: int, now: int
) -> list[Taken]:
    """Record the next attempts of one conversation's replies: all that may go now, in order."""
    connection.execute(_SQL["expire_late"], (now, ours))
    conversation = conversation_id(fit(ours), fit(theirs))
    rows = connection.execute(_SQL["next_replies"], (conversation, now, limit)).fetchall()
    return _begin(connection, ours, rows, now)


def _begin(connection: Connection, ours: str, rows: Sequence[Any], now: int) -> list[Taken]:
    attempts = [(now, conversation, seq) for conversation, seq, *_ in rows]
    connection.executemany(_SQL["begin_attempt"], attempts)
    return [_taken(ours, row, at=now) for row in rows]


def _taken(ours: str, row: Sequence[Any], *, at: int | None = None) -> Taken:
    """A row as a text of ours; with `at`, as the attempt after those it knows of."""
    conversation, seq, theirs, text, media, good_until, queued_at, known_as, attempts, *more = row
    since, *kind = more
    outbound = Outbound(
        id=outbound_id(conversation, seq),
        sender=ours,
        recipient=theirs,
        text=text,
        attempt=attempts if at is None else attempts + 1,
        at=moment_or_none(since if at is None else at),
        media=tuple(msgspec.json.decode(media)) if media else (),
        good_until=moment_or_none(good_until),
        provider_id=known_as or "",
    )
    return Taken(outbound, moment(queued_at), *map(Priority, kind))


def put_back(connection: Connection, taken: Sequence[Taken], now: int) -> None:
    """Queue again what was taken and never attempted."""
    words = "never attempted"
    outcomes = [Outcome(outbound=one.outbound, status=Status.QUEUED, words=words) for one in taken]
    record(connection, outcomes, now)


def defer(connection: Connection, taken: Sequence[tuple[Outbound, datetime]]) -> None:
    """Queue what was taken and not attempted again, each for a later moment."""
    for outbound, until in taken:
        place = parse_outbound_id(outbound.id)
        if place is not None:
            moved = (*place, stamp(until), outbound.attempt)
            if not connection.execute(_SQL["defer"], moved).fetchone():
                connection.execute(_SQL["cancel_taken"], (*place, outbound.attempt))


def record(connection: Connection, outcomes: Sequence[Outcome], now: int) -> None:
    """Record how attempts ended. States only move forward."""
    places = [parse_outbound_id(outcome.outbound.id) for outcome in outcomes]
    known = [(place, outcome) for place, outcome in zip(places, outcomes, strict=True) if place]
    good = [(place, outcome) for place, outcome in known if _succeeded(outcome)]
    for place, outcome in known:
        if not _succeeded(outcome):
            _record(connection, place, outcome, now)
    due = next_question(now, now)
    connection.executemany(
        _SQL["accept"],
        [(int(good.status), fit(good.provider_id), now, due, *place) for place, good in good],
    )
    if connection.execute(_SQL["any_early"]).fetchone():
        for place, outcome in good:
            _adopt(connection, place, fit(outcome.provider_id), now)


def _succeeded(outcome: Outcome) -> bool:
    return Status.ACCEPTED <= outcome.status <= Status.DELIVERED


def _record(connection: Connection, place: Place, outcome: Outcome, now: int) -> None:
    """Record an attempt that did not succeed: again, in doubt, or over."""
    attempt, code = outcome.outbound.attempt, fit(outcome.code)
    words = " ".join(part for part in (code, fit(outcome.words)) if part)
    again = stamp_or_none(outcome.retry_at)
    if outcome.status is Status.QUEUED:
        due = now if again is None else again
        row = connection.execute(_SQL["try_again"], (*place, due, words, attempt))
    elif outcome.status is Status.UNKNOWN:
        row = connection.execute(_SQL["doubt"], (*place, again, words, attempt))
    else:
        row = connection.execute(_SQL["end_attempt"], (*place, int(outcome.status), words, attempt))
    if row.fetchone() is not None and words:
        said = fit(outcome.words) or outcome.status.name.lower()
        note = (now, int(outcome.status), f"attempt {attempt}: {said}", code)
        connection.execute(_SQL["add_receipt"], (*place, *note))
    if outcome.opted_out:
        ends = connection.execute(_SQL["ends_of"], place[:1]).fetchone()
        if ends is not None:
            opt_out(connection, place[0], ends, now, how="refusal")


def _adopt(connection: Connection, place: Place, provider_id: str, now: int) -> None:
    """Lay on a text the receipts that came before we knew whose they were."""
    early = connection.execute(_SQL["early_receipts"], (provider_id,)).fetchall()
    for id, status in early:
        connection.execute(_SQL["adopt_receipt"], (*place, id))
        news = (*place, status, provider_id, next_question(now, now))
        connection.execute(_SQL["lay_receipt"], news).fetchall()


def settle(
    connection: Connection, receipts: Sequence[Receipt], now: int
) -> list[tuple[Outbound, Status]]:
    """Lay receipts on their texts; those that became final by it, and how."""
    ended = [_settle(connection, receipt, now) for receipt in receipts]
    return [one for one in ended if one is not None]


def _settle(connection: Connection, receipt: Receipt, now: int) -> tuple[Outbound, Status] | None:
    provider_id, word, code = map(fit, (receipt.provider_id, receipt.provider_status, receipt.code))
    at = now if receipt.at is None else stamp(receipt.at)
    place = _place_of(connection, receipt, provider_id)
    if place is None:
        if provider_id and not receipt.outbound_id:  # its text may not be recorded yet
            early = (provider_id, at, int(receipt.status), word, code)
            connection.execute(_SQL["keep_early"], early)
        return None
    note = (at, int(receipt.status), word, code)
    connection.execute(_SQL["add_receipt"], (*place, *note))
    news = (*place, int(receipt.status), provider_id, next_question(now, now))
    laid = connection.execute(_SQL["lay_receipt"], news).fetchone()
    if laid is None or not Status(laid[0]).final:
        return None
    status, ours, *row = laid
    return _taken(ours, (*place, *row)).outbound, Status(status)


def _place_of(connection: Connection, receipt: Receipt, provider_id: str) -> Place | None:
    """Which text a receipt is about; None where there is none, or its two names contradict."""
    if not receipt.outbound_id:
        found = connection.execute(_SQL["find_by_provider"], (provider_id,)).fetchone()
        return None if found is None else (found[0], found[1])
    place = parse_outbound_id(receipt.outbound_id)
    known = place and connection.execute(_SQL["provider_id_of"], place).fetchone()
    if not known or (provider_id and known[0] and provider_id != known[0]):
        return None
    return place


def doubtful(connection: Connection, ours: str, limit: int, now: int) -> list[Taken]:
    """Texts whose attempt has an unknown end, and whose time to ask has come."""
    return _asked_about(connection, "doubtful", ours, limit, now)


def unreported(connection: Connection, ours: str, limit: int, now: int) -> list[Taken]:
    """Accepted texts whose provider is to be asked for news now."""
    return _asked_about(connection, "unreported", ours, limit, now)


def _asked_about(
    connection: Connection, which: str, ours: str, limit: int, now: int
) -> list[Taken]:
    rows = connection.execute(_SQL[which], (ours, now, limit)).fetchall()
    later = [(next_question(since or now, now), id, seq) for id, seq, *_, since in rows]
    connection.executemany(_SQL["ask_again_at"], later)
    return [_taken(ours, row) for row in rows]
