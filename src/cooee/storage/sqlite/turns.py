"""Texts in and their turns: receive, claim, finish, release."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cooee.core.messages import Inbound, conversation_id
from cooee.storage import Arrival, Claim, Draft, Failure, Finish, Pending
from cooee.storage.sql_file import load
from cooee.storage.sqlite import dialogues as sqlite_dialogues
from cooee.storage.sqlite.columns import (
    fit,
    inbound_id,
    key_hash,
    moment,
    moment_or_none,
    raw,
    read_media,
    stamp,
    stamp_or_none,
    written_media,
)
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.leases import Leases

_SQL = load("sqlite")
_PENDING, _ASIDE, _WORD = 0, 1, 2  # inbound.status; a word is one that opts out


def receive(connection: Connection, arrivals: Sequence[Arrival], now: int) -> list[bool]:
    """Store texts; False for each that was there before."""
    return [_receive(connection, arrival, now) for arrival in arrivals]


def _receive(connection: Connection, arrival: Arrival, now: int) -> bool:
    inbound = arrival.inbound
    ours, theirs, text = fit(inbound.recipient), fit(inbound.sender), fit(inbound.text)
    conversation, received = conversation_id(ours, theirs), stamp(inbound.received_at)
    key = key_hash(inbound.key) if inbound.key else os.urandom(16)
    if inbound.key:
        known = connection.execute(_SQL["remember_key"], (conversation, key, received))
        if known.rowcount == 0:
            return False
    word = _opts_out(connection, conversation, arrival)
    id = inbound_id(conversation, key)
    seq = _place(connection, conversation, (ours, theirs), received, None if word else now)
    row = (
        conversation,
        seq,
        id,
        fit(inbound.provider_id),
        text,
        inbound.raw or (raw(inbound.text) if text != inbound.text else b""),
        stamp_or_none(inbound.sent_at),
        received,
        _WORD if word else _PENDING,
        written_media(inbound.media),
    )
    connection.execute(_SQL["add_inbound"], row)
    if word:
        opt_out(connection, conversation, (ours, theirs), received, how=arrival.how, inbound=id)
    elif arrival.consent == "in":
        connection.execute(_SQL["opt_in"], (conversation, received, arrival.how, id))
    return True


def _opts_out(connection: Connection, conversation: bytes, arrival: Arrival) -> bool:
    """Whether a text opts out: a wish in plain words does not where a question waits for it."""
    if arrival.consent != "wish":
        return arrival.consent == "out"
    found = connection.execute(_SQL["asked"], (conversation,)).fetchone()
    return not (found and found[0])


def _place(
    connection: Connection, conversation: bytes, ends: tuple[str, str], at: int, due: int | None
) -> int:
    """Give a text its number in the conversation, and have it answered at `due` (None: never)."""
    if due is None:
        placed = connection.execute(_SQL["place_word"], (conversation, *ends, at))
    else:
        placed = connection.execute(_SQL["place_text"], (conversation, *ends, at, due))
    seq, theirs = placed.fetchone()
    if not theirs:
        revive(connection, conversation, ends)
    return int(seq)


def revive(connection: Connection, conversation: bytes, ends: tuple[str, str]) -> None:
    """Give a forgotten conversation its two numbers again; its counters go on."""
    connection.execute(_SQL["revive"], (*ends, conversation))


def opt_out(
    connection: Connection,
    conversation: bytes,
    ends: tuple[str, str],
    at: int,
    *,
    how: str,
    inbound: bytes | None = None,
) -> bool:
    """Write down that a person wants no more texts, and cancel what is queued for them.

    False where that was written down before.
    """
    written = connection.execute(_SQL["opt_out"], (conversation, at, *ends, how, inbound))
    connection.execute(_SQL["cancel_queued"], (conversation,))
    return written.rowcount > 0


def claim(connection: Connection, leases: Leases, limit: int, now: int) -> list[Claim]:
    """Lease conversations with texts due, then those with alarms due and no text that waits.

    A conversation that may have killed the process goes alone, one text or alarm at a time, and
    its attempt is written down first: so the guilty one is found, and no innocent one suffers.
    """
    suspect = connection.execute(_SQL["find_suspect"], (now,)).fetchone()
    if suspect is not None:
        if leases.held or limit < 1:
            return []
        connection.execute(_SQL["count_suspect_attempt"], suspect)
        alone = connection.execute(_SQL["claim_suspect"], suspect)
        return _claims(connection, leases, alone, suspect=True)
    held = held_ids(leases)
    due = connection.execute(_SQL["claim_due"], (now, held, limit))
    claims = _claims(connection, leases, due, suspect=False)
    if len(claims) < limit:
        ringing = connection.execute(_SQL["claim_alarms"], (now, held, limit - len(claims)))
        claims += _claims(connection, leases, ringing, suspect=False)
    return claims


def held_ids(leases: Leases) -> str:
    """The leased conversations, as a JSON list of SQLite's hex."""
    return msgspec.json.encode([id.hex().upper() for id in leases.held]).decode()


def _claims(
    connection: Connection, leases: Leases, rows: Iterable[Any], *, suspect: bool
) -> list[Claim]:
    claims: list[Claim] = []
    texts: list[Pending] = []
    last = live = None
    for id, ours, theirs, row, attempts, now_at, state, handled, *text in rows:
        if id != last:
            if last is None:
                live = sqlite_dialogues.any_live(connection)
            last, texts = id, []
            number = leases.give(id, row, suspect=suspect)
            now = moment_or_none(now_at)
            dialogues = sqlite_dialogues.live(connection, id) if live else ()
            claim = (id, ours, theirs, number, attempts + 1, now, state, texts, handled, dialogues)
            claims.append(Claim(*claim))
        if text[0] is not None:
            texts.append(_pending(ours, theirs, text))
    return claims


def _pending(ours: str, theirs: str, row: Sequence[Any]) -> Pending:
    seq, id, provider_id, text, raw, sent_at, received_at, status, media, returns = row
    inbound = Inbound(
        sender=theirs,
        recipient=ours,
        text=text,
        received_at=moment(received_at),
        sent_at=moment_or_none(sent_at),
        provider_id=provider_id,
        raw=raw,
        media=read_media(media) if media else (),
    )
    return Pending(id, seq, inbound, status != _WORD, bool(returns))


def finish(
    connection: Connection, leases: Leases, finishes: Sequence[Finish], now: int
) -> list[bool]:
    """Commit turns; False for each whose lease was lost, of which nothing is written."""
    states: list[tuple[bytes, bytes]] = []
    texts: list[tuple[object, ...]] = []
    kept = []
    for finish in finishes:
        claim = finish.claim
        drafts = fresh(connection, claim.conversation, finish.drafts)
        last_out = _end(connection, leases, finish, len(drafts), now)
        kept.append(last_out is not None)
        if last_out is None:
            continue
        sqlite_dialogues.end(connection, finish, now)
        if finish.state is not None:
            states.append((claim.conversation, finish.state))
        place = (claim.conversation, finish.handled, claim.ours, claim.theirs)
        first = last_out - len(drafts) + 1
        texts += [row(place, seq, draft, now) for seq, draft in enumerate(drafts, first)]
    connection.executemany(_SQL["save_state"], states)
    connection.executemany(_SQL["add_outbound"], texts)
    return kept


def _end(
    connection: Connection, leases: Leases, finish: Finish, drafts: int, now: int
) -> int | None:
    """End a claim: the number of the last text out, or None where the lease was lost."""
    claim = finish.claim
    lease = leases.take_back(claim.conversation, claim.lease)
    if lease is None:
        return None
    handled, attempts, retry_at = _standing(finish)
    moved_on = stamp_or_none(finish.now)
    standing = (claim.conversation, lease.row, handled, moved_on, drafts, now, attempts, retry_at)
    row = (*standing, None if finish.asks is None else int(finish.asks))
    ended = connection.execute(_SQL["finish"], row).fetchone()
    if ended is None:
        return None
    if finish.failure is not None and not finish.failure.dialogue:
        _fail(connection, claim.conversation, finish.failure)
    return int(ended[0])


def _fail(connection: Connection, conversation: bytes, failure: Failure) -> None:
    status = _PENDING if failure.retry_at else _ASIDE
    failed = (status, fit(failure.error), fit(failure.program), conversation, failure.seq)
    connection.execute(_SQL["fail_text"], failed)


def _standing(finish: Finish) -> tuple[int, int, int | None]:
    """Where a conversation stands after a claim: handled, failed attempts, time of the next."""
    failure = finish.failure
    if failure is None or failure.dialogue:
        return finish.handled, 0, None
    if failure.retry_at is None:
        return max(finish.handled, failure.seq), 0, None
    first = failure.seq == finish.claim.texts[0].seq
    return finish.handled, finish.claim.attempts if first else 1, stamp(failure.retry_at)


def release(connection: Connection, leases: Leases, claims: Sequence[Claim]) -> None:
    """Give leases back with nothing done; a suspect's attempt was none."""
    for claim in claims:
        lease = leases.take_back(claim.conversation, claim.lease)
        if lease is not None and lease.suspect:
            connection.execute(_SQL["uncount_suspect_attempt"], (claim.conversation, lease.row))


def fresh(connection: Connection, conversation: bytes, drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts that are not there already, by their keys."""
    keys: set[str] = set()
    found = []
    for draft in drafts:
        if draft.key is not None:
            key = fit(draft.key)
            if key in keys or connection.execute(_SQL["find_key"], (conversation, key)).fetchone():
                continue
            keys.add(key)
        found.append(draft)
    return found


def row(place: tuple[bytes, int, str, str], seq: int, draft: Draft, now: int) -> tuple[object, ...]:
    """A draft as a row of `outbound`; `place` is its conversation, turn, ours and theirs."""
    conversation, turn, ours, theirs = place
    return (
        conversation,
        seq,
        turn,
        ours,
        theirs,
        fit(draft.text),
        msgspec.json.encode(draft.media).decode() if draft.media else None,
        int(draft.kind),
        now,
        now if draft.due_at is None else stamp(draft.due_at),
        stamp_or_none(draft.good_until),
        None if draft.key is None else fit(draft.key),
    )
