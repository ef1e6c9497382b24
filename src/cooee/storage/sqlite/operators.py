"""What people ask of a store: who is there, what was said, and never again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cooee.core.messages import Status, conversation_id
from cooee.storage import Census, Entry, Silence, Thread
from cooee.storage.sql_file import load
from cooee.storage.sqlite.columns import fit, moment, moment_or_none
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.media import discard
from cooee.storage.sqlite.turns import opt_out

_SQL = load("sqlite")
_KINDS = {1: "set aside", 2: "opt-out"}
_FORGOTTEN = (
    "forget_state",
    "forget_dialogues",
    "forget_answers",
    "forget_inbound",
    "forget_outbound",
    "forget_receipts",
    "forget_optouts",
    "forget_conversation",
)


def census(connection: Connection) -> Census:
    """Count what an operator asks about."""
    return Census(*connection.execute(_SQL["census"]).fetchone())


def threads(connection: Connection, limit: int, *, trouble: bool) -> list[Thread]:
    """The conversations last spoken in; with `trouble`, those that need a person."""
    rows = connection.execute(_SQL["troubled_threads" if trouble else "threads"], (limit,))
    return [_thread(row) for row in rows]


def _thread(row: Sequence[Any]) -> Thread:
    ours, theirs, texts_in, texts_out, spoke_at, pending, aside, unknown, opted_out = row
    last = moment_or_none(spoke_at)
    return Thread(ours, theirs, texts_in, texts_out, last, pending, aside, unknown, bool(opted_out))


def history(connection: Connection, ours: str, theirs: str, limit: int) -> list[Entry]:
    """The last texts of a conversation, oldest first.

    Of two texts of one moment, an answer comes after the text that it answers.
    """
    last = (conversation_id(fit(ours), fit(theirs)), max(limit, 0))
    texts_in = connection.execute(_SQL["history_in"], last).fetchall()
    texts_out = connection.execute(_SQL["history_out"], last).fetchall()
    placed = [((at, seq, 0), _entry_in(row)) for row in texts_in for seq, at in [row[:2]]]
    placed += [
        ((at, turn, seq), _entry_out(row, connection.execute(_SQL["notes"], (last[0], seq))))
        for row in texts_out
        for seq, at, turn in [row[:3]]
    ]
    placed.sort(key=lambda one: one[0])
    return [entry for _, entry in placed[max(len(placed) - last[1], 0) :]]


def _entry_in(row: Sequence[Any]) -> Entry:
    seq, at, text, kind, error, handled, attempts = row
    return Entry(
        direction="in",
        seq=seq,
        text=text,
        at=moment(at),
        status=_KINDS.get(kind) or ("handled" if seq <= handled else "pending"),
        error=error,
        attempts=attempts if seq == handled + 1 else 0,
    )


def _entry_out(row: Sequence[Any], notes: Iterable[Any]) -> Entry:
    seq, at, _, text, status, error, attempts, provider_id = row
    return Entry(
        direction="out",
        seq=seq,
        text=text,
        at=moment(at),
        status=Status(status).name.lower(),
        error=error,
        attempts=attempts,
        provider_id=provider_id,
        notes=tuple(f"{word} ({code})" if code else word for word, code in notes),
    )


def silence(connection: Connection, ours: str, people: Sequence[str], now: int) -> int:
    """Opt out those of whom the company says that they did; how many were not out before."""
    ends = [(fit(ours), fit(theirs)) for theirs in people]
    return sum(
        opt_out(connection, conversation_id(*pair), pair, now, how="company") for pair in ends
    )


def silences(connection: Connection, ours: str, theirs: str) -> list[Silence]:
    """The ledger of a person's opt-outs from a number, oldest first."""
    rows = connection.execute(_SQL["silences"], (conversation_id(fit(ours), fit(theirs)),))
    return [
        Silence(
            since=moment(since),
            how=how,
            text=text,
            lifted_at=moment_or_none(lifted_at),
            lifted_how=lifted_how,
            lifted_text=lifted_text,
        )
        for since, how, text, lifted_at, lifted_how, lifted_text in rows
    ]


def forget(connection: Connection, theirs: str) -> bool:
    """Erase a person; the pages that held them are overwritten, not only given up."""
    found = connection.execute(_SQL["conversations_of"], (fit(theirs),)).fetchall()
    connection.execute("pragma secure_delete = on")
    try:
        for conversation in found:
            discard(connection, conversation[0])
            for name in _FORGOTTEN:
                connection.execute(_SQL[name], conversation)
    finally:
        connection.execute("pragma secure_delete = off")
    return bool(found)
