"""`cooee backup`: copies the whole database into another file."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from cooee.cli.open_store import open_configured_store


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; none is overwritten.")],
) -> None:
    """Copy the database, even while the app runs.

    The copy is whole and consistent. To go back to it, stop the app, put the copy in place of the
    database, and delete the files beside it that end in -wal and -shm.
    """
    from cooee.runtime.settings import read_database_url
    from cooee.storage.dialects import key_path

    path = file.expanduser().absolute()
    asyncio.run(_copy_database(path))
    print(f"{path} holds everything, {path.stat().st_size:,} bytes.")
    key = key_path(read_database_url(os.environ))
    if key.exists():
        print(f"The key to forgotten people's opt-outs is not in it: keep a copy of {key} apart.")


async def _copy_database(path: Path) -> None:
    async with open_configured_store() as store:
        await store.backup(str(path))
