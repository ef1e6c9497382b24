"""The statements that the store's verbs execute: recorded once, and run again without cooee.

A recording has each statement with its parameters, in the transactions in which the verbs executed
it. It is run again on a file in the same state with plain `sqlite3`: the same statements, rows and
commits, whatever they are this year, and nothing around them.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cooee.core.messages import Inbound, Status
from cooee.storage import AttemptResult, Claim, ClaimResult, NewInbound, NewOutbound
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.database_file import open_connection
from cooee.storage.sqlite.store import SQLite
from cooee.storage.sqlite.transaction import Transaction

OURS = "+61491570006"
SQL = load_statements("sqlite")

Statement = tuple[str, Sequence[Any], bool]
"""SQL, its parameters, and whether these are the rows of many executions."""


def person(n: int) -> str:
    return f"+6149{n:07}"


class Recording:
    """Transactions, each a list of statements; `record` notes those of a block."""

    def __init__(self) -> None:
        self.transactions: list[list[Statement]] = []
        self.text_count = 0

    @property
    def statement_count(self) -> int:
        return sum(
            len(parameters) if is_many else 1
            for transaction in self.transactions
            for _, parameters, is_many in transaction
        )

    @contextlib.contextmanager
    def record(self) -> Iterator[None]:
        """Note the statements of every store in a block, in which each verb is awaited alone."""
        execute, execute_many = Transaction.execute, Transaction.execute_many

        def note(transaction: Transaction, name: str, parameters: Sequence[Any] = ()) -> Any:
            self._add(transaction, (SQL[name], parameters, False))
            return execute(transaction, name, parameters)

        def note_many(transaction: Transaction, name: str, rows: Iterable[Any]) -> None:
            rows = list(rows)
            self._add(transaction, (SQL[name], rows, True))
            execute_many(transaction, name, rows)

        self._last: Transaction | None = None
        Transaction.execute, Transaction.execute_many = note, note_many  # type: ignore[method-assign]  # put back below
        try:
            yield
        finally:
            Transaction.execute, Transaction.execute_many = execute, execute_many  # type: ignore[method-assign]  # as they were

    def _add(self, transaction: Transaction, statement: Statement) -> None:
        if transaction is not self._last:
            self.transactions.append([])
            self._last = transaction
        self.transactions[-1].append(statement)

    def run_again(self, connection: sqlite3.Connection) -> None:
        """Execute everything that was recorded."""
        for transaction in self.transactions:
            connection.execute("begin immediate")
            for sql, parameters, is_many in transaction:
                if is_many:
                    connection.executemany(sql, parameters)
                else:
                    connection.execute(sql, parameters).fetchall()
            connection.execute("commit")


def connected(path: Path) -> sqlite3.Connection:
    """Open a file with the store's own pragmas, and no more of the store."""
    connection = open_connection(path, busy_timeout=5)
    connection.text_factory = str
    return connection


async def turns(store: SQLite, people: Sequence[str], first: int, now: Any) -> None:
    """Do all that a store does for a text of each of some people, by its verbs, batch by batch."""
    received = await store.receive(
        [new_text(theirs, number, now()) for number, theirs in enumerate(people, first)],
        claim_limit=len(people),
    )
    claims = [one.claim for one in received if one.claim is not None]
    finished = await store.finish([turn(claim, now()) for claim in claims])
    attempts = [attempt for one in finished for attempt in one.attempts]
    assert len(attempts) == len(people)
    results = [
        AttemptResult(outbound=one.outbound, status=Status.ACCEPTED, provider_id=one.outbound.id)
        for one in attempts
    ]
    await store.record_results(results)


def new_text(theirs: str, number: int, now: Any) -> NewInbound:
    return NewInbound(
        Inbound(
            sender=theirs,
            recipient=OURS,
            text="hello",
            received_at=now,
            sent_at=now,
            key=str(number),
        )
    )


def turn(claim: Claim, now: Any) -> ClaimResult:
    """The result of a handler that counts a person's texts."""
    count = claim.texts[-1].seq
    return ClaimResult(
        claim=claim,
        handled_seq=count,
        last_turn_at=now,
        state=b'{"texts":%d}' % count,
        drafts=[NewOutbound(text=f"That was text {count}.")],
        take_limit=1,
    )
