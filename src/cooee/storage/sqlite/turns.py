"""Texts in and their turns: receive, claim, finish, release."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cooee.core.messages import Inbound, Outbound, conversation_id, outbound_id
from cooee.storage import (
    Claim,
    ClaimResult,
    NewInbound,
    NewOutbound,
    PendingText,
    ReceivedText,
    TurnFailure,
)
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite import dialogues as sqlite_dialogues
from cooee.storage.sqlite.columns import (
    decode_media,
    encode_media,
    from_millis,
    from_millis_or_none,
    inbound_id,
    key_hash,
    raw_bytes,
    storable_text,
    to_millis,
    to_millis_or_none,
)
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.leases import Leases

_SQL = load_statements("sqlite")
_PENDING, _SET_ASIDE, _OPT_OUT = 0, 1, 2  # inbound.status; a word is one that opts out


def receive_texts(
    connection: Connection, inbounds: Sequence[NewInbound], now: int
) -> list[ReceivedText]:
    """Store texts; a text that was stored before is not new."""
    return [_receive_text(connection, arrival, now) for arrival in inbounds]


def _receive_text(connection: Connection, new: NewInbound, now: int) -> ReceivedText:
    inbound = new.inbound
    ours, theirs, text = (
        storable_text(inbound.recipient),
        storable_text(inbound.sender),
        storable_text(inbound.text),
    )
    conversation, received_at = conversation_id(ours, theirs), to_millis(inbound.received_at)
    key = key_hash(inbound.key) if inbound.key else os.urandom(16)
    id = inbound_id(conversation, key)
    if inbound.key:
        remembered = connection.execute(_SQL["add_dedupe_key"], (conversation, key, received_at))
        if remembered.rowcount == 0:
            return ReceivedText(id, is_new=False)
    is_opt_out = _is_opt_out(connection, conversation, new)
    seq = _assign_seq(
        connection, conversation, (ours, theirs), received_at, None if is_opt_out else now
    )
    row = (
        conversation,
        seq,
        id,
        storable_text(inbound.provider_id),
        text,
        inbound.raw or (raw_bytes(inbound.text) if text != inbound.text else b""),
        to_millis_or_none(inbound.sent_at),
        received_at,
        _OPT_OUT if is_opt_out else _PENDING,
        encode_media(inbound.media),
    )
    connection.execute(_SQL["add_inbound"], row)
    cancelled: Sequence[Outbound] = ()
    if is_opt_out:
        # law 10: in the transaction of its text, so that nothing queued slips out in between
        _, cancelled = record_opt_out(
            connection,
            conversation,
            (ours, theirs),
            received_at,
            source=new.consent_source,
            inbound=id,
        )
    elif new.consent == "in":
        connection.execute(_SQL["opt_in"], (conversation, received_at, new.consent_source, id))
    return ReceivedText(id, True, is_opt_out, cancelled)


def _is_opt_out(connection: Connection, conversation: bytes, new: NewInbound) -> bool:
    """Return whether a text opts out; a wish does not while a question waits for the text."""
    if new.consent != "wish":
        return new.consent == "out"
    stored = connection.execute(_SQL["is_asking"], (conversation,)).fetchone()
    return not (stored and stored[0])


def _assign_seq(
    connection: Connection,
    conversation: bytes,
    numbers: tuple[str, str],
    received_at: int,
    due: int | None,
) -> int:
    """Give a text its number in the conversation, and make it due at `due` (None: never)."""
    if due is None:
        counters = connection.execute(
            _SQL["assign_opt_out_seq"], (conversation, *numbers, received_at)
        )
    else:
        counters = connection.execute(
            _SQL["assign_text_seq"], (conversation, *numbers, received_at, due)
        )
    seq, theirs = counters.fetchone()
    if not theirs:
        restore_numbers(connection, conversation, numbers)
    return int(seq)


def restore_numbers(connection: Connection, conversation: bytes, numbers: tuple[str, str]) -> None:
    """Give a forgotten conversation its two numbers again; its counters go on."""
    connection.execute(_SQL["restore_numbers"], (*numbers, conversation))


def record_opt_out(
    connection: Connection,
    conversation: bytes,
    numbers: tuple[str, str],
    since: int,
    *,
    source: str,
    inbound: bytes | None = None,
) -> tuple[bool, Sequence[Outbound]]:
    """Record that a person opted out, and cancel the texts that are queued for them.

    Return whether the opt-out is new, and the cancelled texts.
    """
    written = connection.execute(_SQL["opt_out"], (conversation, since, *numbers, source, inbound))
    is_new, (ours, theirs) = written.rowcount > 0, numbers
    rows = connection.execute(_SQL["cancel_queued"], (conversation,)).fetchall()
    return is_new, [
        Outbound(
            id=outbound_id(conversation, seq),
            sender=ours,
            recipient=theirs,
            text=text,
            attempt=attempts,
        )
        for seq, text, attempts in sorted(rows)
    ]


def claim_conversations(
    connection: Connection, leases: Leases, limit: int, now: int
) -> list[Claim]:
    """Lease conversations with texts due, then conversations with timers due and no pending text.

    After a crash, each suspect conversation is claimed by itself, one text or timer at a time, and
    its attempt is counted before the turn: the text that crashes the process is found, and no
    other is set aside with it.
    """
    # storage rule 5: after a crash, each suspect goes alone.
    suspect = connection.execute(_SQL["find_suspect"], (now,)).fetchone()
    if suspect is not None:
        if leases.by_conversation or limit < 1:
            return []
        connection.execute(_SQL["count_suspect_attempt"], suspect)
        suspects = connection.execute(_SQL["claim_suspect"], suspect)
        return _make_claims(connection, leases, suspects, is_suspect=True)
    leased = leased_ids_json(leases)
    due_rows = connection.execute(_SQL["claim_due"], (now, leased, limit))
    claims = _make_claims(connection, leases, due_rows, is_suspect=False)
    if len(claims) < limit:
        timer_rows = connection.execute(_SQL["claim_timers"], (now, leased, limit - len(claims)))
        claims += _make_claims(connection, leases, timer_rows, is_suspect=False)
    return claims


def leased_ids_json(leases: Leases) -> str:
    """The leased conversations, as a JSON list of SQLite's hex."""
    return msgspec.json.encode([id.hex().upper() for id in leases.by_conversation]).decode()


def _make_claims(
    connection: Connection, leases: Leases, rows: Iterable[Any], *, is_suspect: bool
) -> list[Claim]:
    claims: list[Claim] = []
    texts: list[PendingText] = []
    last_id = any_dialogues = None
    for id, ours, theirs, epoch, attempts, last_turn_ms, state, handled_seq, *text in rows:
        if id != last_id:
            if last_id is None:
                any_dialogues = sqlite_dialogues.has_open_dialogues(connection)
            last_id, texts = id, []
            lease_id = leases.grant(id, epoch, is_suspect=is_suspect)
            last_turn_at = from_millis_or_none(last_turn_ms)
            dialogues = sqlite_dialogues.open_dialogues(connection, id) if any_dialogues else ()
            claim = (
                id,
                ours,
                theirs,
                lease_id,
                attempts + 1,
                last_turn_at,
                state,
                texts,
                handled_seq,
                dialogues,
            )
            claims.append(Claim(*claim))
        if text[0] is not None:
            texts.append(_make_pending_text(ours, theirs, text))
    return claims


def _make_pending_text(ours: str, theirs: str, row: Sequence[Any]) -> PendingText:
    seq, id, provider_id, text, raw, sent_at, received_at, status, media, opts_back_in = row
    inbound = Inbound(
        sender=theirs,
        recipient=ours,
        text=text,
        received_at=from_millis(received_at),
        sent_at=from_millis_or_none(sent_at),
        provider_id=provider_id,
        raw=raw,
        media=decode_media(media) if media else (),
    )
    return PendingText(id, seq, inbound, status != _OPT_OUT, bool(opts_back_in))


def finish_claims(
    connection: Connection, leases: Leases, results: Sequence[ClaimResult], now: int
) -> list[bool]:
    """Commit turns; False for each whose lease was lost, of which nothing is written."""
    states: list[tuple[bytes, bytes]] = []
    texts: list[tuple[object, ...]] = []
    committed = []
    for result in results:
        claim = result.claim
        drafts = without_known_keys(connection, claim.conversation, result.drafts)
        last_out = _finish_one(connection, leases, result, len(drafts), now)
        committed.append(last_out is not None)
        if last_out is None:
            continue
        sqlite_dialogues.update_dialogues(connection, result, now)
        if result.state is not None:
            states.append((claim.conversation, result.state))
        origin = (claim.conversation, result.handled_seq, claim.ours, claim.theirs)
        first_seq = last_out - len(drafts) + 1
        texts += [
            outbound_row(origin, seq, draft, now) for seq, draft in enumerate(drafts, first_seq)
        ]
    connection.executemany(_SQL["save_state"], states)
    connection.executemany(_SQL["add_outbound"], texts)
    return committed


def _finish_one(
    connection: Connection, leases: Leases, result: ClaimResult, draft_count: int, now: int
) -> int | None:
    """End a claim: the number of the last text out, or None where the lease was lost."""
    claim = result.claim
    # storage rule 3: a turn that lost its lease writes nothing.
    lease = leases.end(claim.conversation, claim.lease_id)
    if lease is None:
        return None
    handled_seq, failed_attempts, retry_at = _progress_after(result)
    last_turn_at = to_millis_or_none(result.last_turn_at)
    progress = (
        claim.conversation,
        lease.epoch,
        handled_seq,
        last_turn_at,
        draft_count,
        now,
        failed_attempts,
        retry_at,
    )
    row = (*progress, None if result.is_asking is None else int(result.is_asking))
    updated = connection.execute(_SQL["finish_claim"], row).fetchone()
    if updated is None:
        return None
    if result.failure is not None and not result.failure.dialogue_id:
        _fail_text(connection, claim.conversation, result.failure)
    return int(updated[0])


def _fail_text(connection: Connection, conversation: bytes, failure: TurnFailure) -> None:
    status = _PENDING if failure.retry_at else _SET_ASIDE
    parameters = (
        status,
        storable_text(failure.error),
        storable_text(failure.code_version),
        conversation,
        failure.seq,
    )
    connection.execute(_SQL["fail_text"], parameters)


def _progress_after(result: ClaimResult) -> tuple[int, int, int | None]:
    """Where a conversation stands after a claim: handled, failed attempts, time of the next."""
    failure = result.failure
    if failure is None or failure.dialogue_id:
        return result.handled_seq, 0, None
    if failure.retry_at is None:
        return max(result.handled_seq, failure.seq), 0, None
    is_first = failure.seq == result.claim.texts[0].seq
    return result.handled_seq, result.claim.attempt if is_first else 1, to_millis(failure.retry_at)


def release_claims(connection: Connection, leases: Leases, claims: Sequence[Claim]) -> None:
    """Give leases back with nothing done; a suspect's attempt was none."""
    for claim in claims:
        lease = leases.end(claim.conversation, claim.lease_id)
        if lease is not None and lease.is_suspect:
            connection.execute(_SQL["uncount_suspect_attempt"], (claim.conversation, lease.epoch))


def without_known_keys(
    connection: Connection, conversation: bytes, drafts: Sequence[NewOutbound]
) -> list[NewOutbound]:
    """The drafts that are not there already, by their keys."""
    keys: set[str] = set()
    new_drafts = []
    for draft in drafts:
        if draft.key is not None:
            key = storable_text(draft.key)
            if (
                key in keys
                or connection.execute(_SQL["find_outbound_key"], (conversation, key)).fetchone()
            ):
                continue
            keys.add(key)
        new_drafts.append(draft)
    return new_drafts


def outbound_row(
    origin: tuple[bytes, int, str, str], seq: int, draft: NewOutbound, now: int
) -> tuple[object, ...]:
    """A draft as a row of `outbound`; `origin` is its conversation, turn, ours and theirs."""
    conversation, turn, ours, theirs = origin
    return (
        conversation,
        seq,
        turn,
        ours,
        theirs,
        storable_text(draft.text),
        msgspec.json.encode(draft.media).decode() if draft.media else None,
        int(draft.priority),
        now,
        now if draft.due_at is None else to_millis(draft.due_at),
        to_millis_or_none(draft.good_until),
        None if draft.key is None else storable_text(draft.key),
    )
