"""Tables: what every database holds, and RowStore: a database read and written row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

Row: TypeAlias = tuple[Any, ...]
"""Values in the order of a table's columns: None, integers, texts and bytes; 1 for true."""


COPY_MARK = "half_copied"
"""The name in `metadata` that a database has while it is being copied into."""

HALF_COPIED = (
    "This database is half copied from another one. Go on with the copy (the same cooee copy), or"
    " empty it."
)


class Table(msgspec.Struct, frozen=True):
    """A table: its name, the columns of its key, and the others.

    `flags` are the columns that are true or false. Rows whose key begins with a word of `own`
    belong to one database, and are never copied.
    """

    name: str
    key: Sequence[str]
    others: Sequence[str] = ()
    flags: frozenset[str] = frozenset()
    own: Sequence[str] = ()

    @property
    def columns(self) -> Sequence[str]:
        """All columns; those of the key come first."""
        return (*self.key, *self.others)

    def key_of(self, row: Row) -> Row:
        """Return the key of a row, by which rows are ordered byte by byte."""
        return row[: len(self.key)]


# What belongs to processes is left out: leases, workers, and that an owner runs.
TABLES: Sequence[Table] = (
    Table(
        "conversations",
        ("id",),
        (
            *("ours", "theirs", "last_in_seq", "handled_seq", "last_out_seq", "last_turn_at"),
            *("last_text_at", "due_at", "timer_at", "failed_attempts", "suspect_seq", "is_asking"),
            "offered_words",
        ),
        frozenset({"is_asking"}),
    ),
    Table("states", ("conversation",), ("state",)),
    Table(
        "inbound",
        ("conversation", "seq"),
        (
            *("id", "provider_id", "text", "raw", "sent_at", "received_at", "status", "error"),
            *("media", "code_version", "consent"),
        ),
    ),
    Table("dedupe_keys", ("conversation", "key"), ("received_at",)),
    Table(
        "dialogues",
        ("conversation", "id"),
        (
            *("handler", "head", "due_at", "failed_attempts", "error", "code_version"),
            *("started_at", "ended_at", "end_reason", "question_key"),
        ),
    ),
    Table("journal_entries", ("conversation", "dialogue_id", "position"), ("entry",)),
    Table(
        "outbound",
        ("conversation", "seq"),
        (
            *("last_in_seq", "ours", "theirs", "text", "media", "priority", "queued_at", "due_at"),
            *("good_until", "status", "attempts", "attempted_at", "provider_id", "key", "error"),
            *("refused", "accepted_at"),
        ),
        frozenset({"refused"}),
    ),
    Table(
        "receipts",
        ("id",),
        ("conversation", "seq", "provider_id", "reported_at", "status", "provider_status", "code"),
    ),
    Table(
        "opt_outs",
        ("conversation", "since"),
        (
            *("ours", "theirs", "source", "inbound_id", "lifted_at", "lifted_source"),
            *("lifted_inbound_id", "at_provider"),
        ),
        frozenset({"at_provider"}),
    ),
    Table("numbers", ("ours",), ("cursor", "lost_reads")),
    Table("secrets", ("name", "age"), ("value",)),
    Table("media_to_erase", ("path",)),
    Table("metadata", ("name",), ("value",), own=(COPY_MARK, "running", "unkeyed")),
)


class RowStore(Protocol):
    """A database whose rows are copied. No process works on it meanwhile.

    Every call raises `StorageError` where the database refuses, and `StoreUnavailable` where it
    cannot be reached.
    """

    async def count(self, table: Table) -> int:
        """Return the number of rows of a table."""
        ...

    async def read(self, table: Table, after: Row | None, limit: int) -> Sequence[Row]:
        """Return the next rows in the order of their keys.

        Args:
            table: the table.
            after: the key of the last row of the page before; None at first.
            limit: the length of a page.
        """
        ...

    async def last_key(self, table: Table) -> Row | None:
        """Return the key of the last row; None of an empty table."""
        ...

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows in one transaction."""
        ...

    async def get_mark(self) -> int | None:
        """Return the mark of a half copied database; None where it is whole."""
        ...

    async def set_mark(self, mark: int) -> None:
        """Mark the database as half copied, so that no app runs on it."""
        ...

    async def complete(self) -> None:
        """Fill in what this database derives from its rows, and remove the mark."""
        ...

    async def close(self) -> None:
        """Let processes work on the database again."""
        ...
