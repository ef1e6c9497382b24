"""Media of inbound texts: their stored paths or errors, and the paths still to erase."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cooee.core.messages import Media
from cooee.storage.columns import encode_media, readable_media
from cooee.storage.postgres.transaction import Row, Transaction
from cooee.storage.records import Claim, PendingText


async def queue_media_erasure(transaction: Transaction, rows: Iterable[Row]) -> None:
    """Add the paths in rows of one column, the media of a text, to the list of media to erase."""
    files = [file for (media,) in rows for file in readable_media(media)]
    paths = [file.path for file in files if file.path]
    if paths:
        await transaction.execute("queue_media_erasure", paths)


async def save_media(
    transaction: Transaction, claim: Claim, text: PendingText, media: Sequence[Media]
) -> bool:
    """Store the paths or errors of a text's media, and make the text due now."""
    # storage rule 2: the conversation before the rest.
    await transaction.execute("make_text_due", claim.conversation, transaction.now)
    text_key = (claim.conversation, text.seq, text.id)
    return await transaction.execute("save_media", *text_key, encode_media(media)) == 1


async def media_to_erase(transaction: Transaction) -> list[str]:
    """Return the paths of media that are still to be erased."""
    return [path for (path,) in await transaction.fetch("media_to_erase")]


async def mark_media_erased(transaction: Transaction, paths: Sequence[str]) -> None:
    """Delete paths from the list: their media are erased."""
    await transaction.execute("mark_media_erased", paths)
