"""Media of inbound texts: their stored paths or errors, and the paths still to erase."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import Media
from cooee.storage import Claim, PendingText
from cooee.storage.sql_file import load_statements
from cooee.storage.sqlite.columns import decode_media, encode_media
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.dialogues import postpone_timers as postpone_alarms
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.turns import release_claims

_SQL = load_statements("sqlite")


def postpone_claims(
    connection: Connection, leases: Leases, claims: Sequence[Claim], until: int
) -> None:
    """Give leases back with nothing done, to be due again at `until`, or by a new text."""
    for claim in claims:
        lease = leases.by_conversation.get(claim.conversation)
        if lease is not None and lease.id == claim.lease_id:
            release_claims(connection, leases, [claim])
            connection.execute(_SQL["postpone_text"], (until, claim.conversation, lease.epoch))
            if not claim.texts:
                postpone_alarms(connection, claim.conversation, lease.epoch, until)


def save_media(
    connection: Connection, claim: Claim, text: PendingText, media: Sequence[Media], now: int
) -> bool:
    """Write down what became of a text's media, and have it answered now."""
    text_key = (claim.conversation, text.seq, text.id)
    is_saved = (
        connection.execute(_SQL["save_media"], (encode_media(media), *text_key)).rowcount == 1
    )
    connection.execute(_SQL["make_text_due"], (now, claim.conversation))
    return is_saved


def queue_media_erasure(connection: Connection, conversation: bytes) -> None:
    """Note the paths of a conversation's media, whose rows are about to go."""
    for (encoded,) in connection.execute(_SQL["media_of"], (conversation,)).fetchall():
        paths = [(one.path,) for one in decode_media(encoded) if one.path]
        connection.executemany(_SQL["queue_media_erasure"], paths)


def media_to_erase(connection: Connection) -> list[str]:
    """The paths of media that are still to be erased."""
    return [path for (path,) in connection.execute(_SQL["media_to_erase"])]


def mark_media_erased(connection: Connection, paths: Sequence[str]) -> None:
    """Forget such paths."""
    connection.executemany(_SQL["mark_media_erased"], [(path,) for path in paths])
