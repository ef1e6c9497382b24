"""`cooee copy`: copies every row of a database into another one, of any kind."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cooee.cli.output import show_table
from cooee.core.errors import SettingError

if TYPE_CHECKING:
    from cooee.storage.copying import CopiedTable
    from cooee.storage.tables import RowStore


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///cooee.db, say.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="An empty one: postgresql://cooee@host/cooee")
    ],
) -> None:
    """Copy a database into another one: from a file to a server, or back.

    Stop the app first. Everything goes over, so that each dialogue goes on where it is, and the
    copy is compared with its source. Where the command was interrupted, type it again: it goes on.
    The source stays as it is.
    """
    from cooee.storage.dialects import check_database_url, describe_database, is_missing

    for url in (source, target):
        check_database_url(url)
    if describe_database(source) == describe_database(target):
        raise SettingError("Both are the same database. Name an empty one to copy into.")
    if is_missing(source):
        raise SettingError(f"There is no database {describe_database(source)} to copy.")
    tables, todo = asyncio.run(_copy(source, target))
    show_table(
        ("table", "rows", "checksum of both"),
        [(one.name, f"{one.row_count:,}", one.checksum) for one in tables],
    )
    print(f"{describe_database(target)} holds all of it. Then type:")
    print("\n".join(f"  {line}" for line in [*todo, "export COOEE_DATABASE=…    # the copy"]))


async def _copy(source_url: str, target_url: str) -> tuple[Sequence[CopiedTable], Sequence[str]]:
    """Copy; return the tables, and what is to be typed before the app runs on the copy."""
    from cooee.core.messages import conversation_id
    from cooee.storage.copying import copy_rows, count_rows, find_key_check
    from cooee.storage.dialects import describe_database

    mark = int.from_bytes(conversation_id(describe_database(source_url), "")[:7])
    async with (
        _open(source_url, is_source=True) as source,
        _open(target_url, is_source=False) as target,
    ):
        todo = _find_todo(source_url, target_url, await find_key_check(source))
        # Each row is copied, and then compared.
        with _progress_bar(2 * await count_rows(source)) as advance:
            return await copy_rows(source, target, mark, advance), todo


def _find_todo(source_url: str, target_url: str, key_check: int | None) -> Sequence[str]:
    from cooee.runtime.settings import read_forget_key, read_setting
    from cooee.storage.dialects import copy_forget_key, default_media_location

    todo = []
    media = default_media_location(source_url)
    if not read_setting(os.environ, "COOEE_MEDIA") and Path(media).is_dir():
        todo.append(f"export COOEE_MEDIA={media}")
    if key_check is not None:
        setting = read_forget_key(os.environ)
        todo.append(copy_forget_key(source_url, target_url, key_check, setting))
    return [line for line in todo if line]


@asynccontextmanager
async def _open(url: str, *, is_source: bool) -> AsyncIterator[RowStore]:
    from cooee.clocks.clock import RealClock
    from cooee.storage.dialects import open_rows

    rows = await open_rows(url, now=RealClock().now, is_source=is_source)
    try:
        yield rows
    finally:
        await rows.close()


@contextmanager
def _progress_bar(count: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if standard error is a terminal; yield the bar's `advance`."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("Copying and comparing", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=count)
        yield lambda rows: progress.advance(task, rows)
