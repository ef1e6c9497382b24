"""Copying: every row of a database into an empty one, of any dialect; checked, and resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from cooee.core.errors import StorageError
from cooee.storage.tables import TABLES, Row, RowStore, Table

_PAGE_ROWS = 2_000  # read, and written in one transaction

OnRows: TypeAlias = Callable[[int], None]
"""Hears how many more rows are copied or checked."""


class CopiedTable(msgspec.Struct, frozen=True):
    """A table that is the same in both databases: its rows, and a checksum of all of them."""

    name: str
    row_count: int
    checksum: str


async def count_rows(source: RowStore) -> int:
    """Return the number of rows that are to be copied."""
    return sum([await source.count(table) for table in TABLES])


async def find_key_check(source: RowStore) -> int | None:
    """Return the number by which a database knows the key of its forgotten people, if any."""
    [metadata] = [table for table in TABLES if table.name == "metadata"]
    rows = await source.read(metadata, None, _PAGE_ROWS)
    return next((value for name, value in rows if name == "key_check"), None)


async def copy_rows(
    source: RowStore, target: RowStore, mark: int, on_rows: OnRows
) -> Sequence[CopiedTable]:
    """Copy all rows, and check that both databases hold the same; return the tables.

    A call that was interrupted is repeated: it goes on behind the last row that the target has.

    Args:
        source: the database to copy; nobody writes into it.
        target: an empty database, or the target of a call that was interrupted.
        mark: a number that stands for the source.
        on_rows: hears of each page that is copied, and again of each that is checked.

    Raises:
        StorageError: the target holds something else, or the source was written meanwhile.
    """
    await _begin(source, target, mark)
    for table in TABLES:
        await _copy_table(source, target, table, on_rows)
    copied = [await _check_table(source, target, table, on_rows) for table in TABLES]
    await target.complete()
    return copied


async def _begin(source: RowStore, target: RowStore, mark: int) -> None:
    begun = await target.get_mark()
    if begun is None:
        if not await count_rows(target):
            await target.set_mark(mark)
        elif not await _have_same_counts(source, target):
            raise StorageError(
                "The database to copy into is not empty. Name an empty one: none is overwritten."
            )
    elif begun != mark:
        raise StorageError(
            "The database to copy into is half copied from another database. Go on with that copy,"
            " or name an empty database."
        )


async def _have_same_counts(source: RowStore, target: RowStore) -> bool:
    """Tell whether the target may be a copy that was finished, and is to be compared again."""
    return [await source.count(one) for one in TABLES] == [
        await target.count(one) for one in TABLES
    ]


async def _copy_table(source: RowStore, target: RowStore, table: Table, on_rows: OnRows) -> None:
    # storage rule 25: rows go over in the order of their keys, so the last key says what is there.
    after = await target.last_key(table)
    on_rows(await target.count(table))
    while rows := await source.read(table, after, _PAGE_ROWS):
        await target.write(table, rows)
        after = table.key_of(rows[-1])
        on_rows(len(rows))


async def _check_table(
    source: RowStore, target: RowStore, table: Table, on_rows: OnRows
) -> CopiedTable:
    """Compare a table of both databases, page by page."""
    checksum, count = blake2b(digest_size=8), 0
    after: Row | None = None
    while True:
        rows = await source.read(table, after, _PAGE_ROWS)
        if rows != await target.read(table, after, _PAGE_ROWS):
            raise StorageError(
                f"The copy of {table.name} is not the same as its source: something wrote into one"
                " of the two databases meanwhile. Stop whatever runs on them, empty the copy, and"
                " copy again."
            )
        if not rows:
            return CopiedTable(table.name, count, checksum.hexdigest())
        for row in rows:
            checksum.update(msgspec.msgpack.encode(row))
        after, count = table.key_of(rows[-1]), count + len(rows)
        on_rows(len(rows))
