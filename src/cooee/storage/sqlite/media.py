"""Media of inbound texts: their stored paths or errors, and the paths still to erase."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import Media
from cooee.storage.columns import encode_media, readable_media
from cooee.storage.records import Claim, PendingText
from cooee.storage.sqlite.transaction import Transaction


def save_media(
    transaction: Transaction, claim: Claim, text: PendingText, media: Sequence[Media]
) -> bool:
    """Store the paths or errors of a text's media, and make the text due now."""
    text_key = (claim.conversation, text.seq, text.id)
    is_saved = transaction.execute("save_media", (encode_media(media), *text_key)).rowcount == 1
    transaction.execute("make_text_due", (transaction.now, claim.conversation))
    return is_saved


def queue_media_erasure(transaction: Transaction, conversation: bytes) -> None:
    """Add the paths of a conversation's media to the list of media to erase."""
    for (encoded,) in transaction.execute("media_of", (conversation,)).fetchall():
        paths = [(media.path,) for media in readable_media(encoded) if media.path]
        transaction.execute_many("queue_media_erasure", paths)


def media_to_erase(transaction: Transaction) -> list[str]:
    """Return the paths of media that are still to be erased."""
    return [path for (path,) in transaction.execute("media_to_erase")]


def mark_media_erased(transaction: Transaction, paths: Sequence[str]) -> None:
    """Delete paths from the list: their media are erased."""
    transaction.execute_many("mark_media_erased", [(path,) for path in paths])
