"""The history that `chat.history()` reads."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.app.dialogue_verbs import HistoryEntry, HistoryReader
from cooee.core.messages import Media
from cooee.runtime.turns.context import Turn
from cooee.storage import NewOutbound, Store, StoredText


def history_reader(store: Store, turn: Turn) -> HistoryReader:
    """Return the reader of a conversation's history, as a turn may know it.

    Its last text is the one being answered. A turn without a text has the text before it, and what
    was written since.
    """
    claim, answered_seq = turn.claim, None if turn.pending is None else turn.pending.seq

    async def read_history(n: int) -> Sequence[HistoryEntry]:
        stored = await store.history(claim.ours, claim.theirs, n, up_to=turn.last_seq, unsent=False)
        answered = [one for one in stored if one.direction == "in" and one.seq == answered_seq]
        placed = [(one.follows, _as_entry(one)) for one in stored if one not in answered]
        # delivery rule 23: the replies to the texts before, which are committed with this turn
        placed += [
            (one.follows or 0, _as_queued(one, turn)) for one in turn.drafts if not one.cancelled
        ]
        placed.sort(key=lambda one: one[0])
        history = [*(entry for _, entry in placed), *map(_as_entry, answered)]
        return history[-n:] if n > 0 else []

    return read_history


def _as_entry(stored: StoredText) -> HistoryEntry:
    said_by = "them" if stored.direction == "in" else "us"
    return HistoryEntry(said_by, stored.text, stored.at, stored.status, stored.media)


def _as_queued(draft: NewOutbound, turn: Turn) -> HistoryEntry:
    media = tuple(Media(url=url) for url in draft.media)
    return HistoryEntry("us", draft.text, turn.now, "queued", media)
