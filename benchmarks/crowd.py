"""A crowd: one person's conversation, copied to many people by SQL.

Every row is as cooee wrote it, whatever the schema is this year; only the ids and numbers differ.
The file is filled in the order of its keys, without a sync and without an index, which makes ten
million texts a matter of minutes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from cooee.core.messages import conversation_id

_APPENDED_IDS = {"receipts": "id"}  # numbers that SQLite gives out itself


def copy_person(path: Path, ours: str, theirs: str, people: Iterator[str]) -> None:
    """Give people the conversation that a person has; the person keeps theirs."""
    model = conversation_id(ours, theirs)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -262144"):
            db.execute(f"pragma {pragma}")
        db.execute("create temp table people (id blob primary key, theirs text) without rowid")
        rows = sorted((conversation_id(ours, one), one) for one in people)
        db.executemany("insert into people values (?, ?)", rows)
        indexes = db.execute(
            "select name, sql from sqlite_master where type = 'index' and sql is not null"
        ).fetchall()
        db.execute("begin")
        for name, _ in indexes:
            db.execute(f"drop index {name}")
        for (table,) in db.execute(
            "select name from sqlite_master where type = 'table'"
        ).fetchall():
            _copy_rows(db, table, model)
        for _, sql in indexes:
            db.execute(sql)
        db.execute("commit")
        db.execute("pragma journal_mode = wal")


def _copy_rows(db: sqlite3.Connection, table: str, model: bytes) -> None:
    """Copy the model's rows of one table to everybody, in the order of the table's key."""
    columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
    owner = "id" if table == "conversations" else "conversation"
    if owner not in columns:
        return
    columns = [column for column in columns if column != _APPENDED_IDS.get(table)]
    values = {
        owner: "p.id",
        "theirs": "p.theirs",
        "provider_id": f"replace(m.provider_id, '{model.hex()}', lower(hex(p.id)))",
    }
    listed = ", ".join(columns)
    db.execute("drop table if exists temp.model")
    db.execute(
        f"create temp table model as select {listed} from {table} where {owner} = ?", (model,)
    )
    chosen = ", ".join(values.get(column, f"m.{column}") for column in columns)
    db.execute(
        f"insert into {table} ({listed}) select {chosen} from people p cross join temp.model m"
    )
