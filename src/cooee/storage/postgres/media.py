"""Media of inbound texts: the paths still to erase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.storage.columns import decode_media
from cooee.storage.postgres.transaction import Row, Transaction


async def queue_media_erasure(transaction: Transaction, rows: Iterable[Row]) -> None:
    """Add the paths in rows of one column, the media of a text, to the list of media to erase."""
    files = [file for (media,) in rows if media for file in decode_media(media)]
    paths = [file.path for file in files if file.path]
    if paths:
        await transaction.execute("queue_media_erasure", paths)


async def media_to_erase(transaction: Transaction) -> list[str]:
    """Return the paths of media that are still to be erased."""
    return [path for (path,) in await transaction.fetch("media_to_erase")]


async def mark_media_erased(transaction: Transaction, paths: Sequence[str]) -> None:
    """Delete paths from the list: their media are erased."""
    await transaction.execute("mark_media_erased", paths)
