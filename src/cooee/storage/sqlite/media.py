"""Pictures that came with texts: what became of them, and which are still to be erased."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.messages import Media
from cooee.storage import Claim, Pending
from cooee.storage.sql_file import load
from cooee.storage.sqlite.columns import read_media, written_media
from cooee.storage.sqlite.database_file import Connection
from cooee.storage.sqlite.dialogues import postpone as postpone_alarms
from cooee.storage.sqlite.leases import Leases
from cooee.storage.sqlite.turns import release

_SQL = load("sqlite")


def postpone(connection: Connection, leases: Leases, claims: Sequence[Claim], until: int) -> None:
    """Give leases back with nothing done, to be due again at `until`, or by a new text."""
    for claim in claims:
        lease = leases.held.get(claim.conversation)
        if lease is not None and lease.number == claim.lease:
            release(connection, leases, [claim])
            connection.execute(_SQL["postpone"], (until, claim.conversation, lease.row))
            if not claim.texts:
                postpone_alarms(connection, claim.conversation, lease.row, until)


def keep_media(
    connection: Connection, claim: Claim, text: Pending, media: Sequence[Media], now: int
) -> bool:
    """Write down what became of a text's media, and have it answered now."""
    place = (claim.conversation, text.seq, text.id)
    kept = connection.execute(_SQL["keep_media"], (written_media(media), *place)).rowcount == 1
    connection.execute(_SQL["hasten"], (now, claim.conversation))
    return kept


def discard(connection: Connection, conversation: bytes) -> None:
    """Note the paths of a conversation's media, whose rows are about to go."""
    for (written,) in connection.execute(_SQL["media_of"], (conversation,)).fetchall():
        paths = [(one.path,) for one in read_media(written) if one.path]
        connection.executemany(_SQL["discard"], paths)


def discarded(connection: Connection) -> list[str]:
    """The paths of media that are still to be erased."""
    return [path for (path,) in connection.execute(_SQL["discarded"])]


def erased(connection: Connection, paths: Sequence[str]) -> None:
    """Forget such paths."""
    connection.executemany(_SQL["erased"], [(path,) for path in paths])
