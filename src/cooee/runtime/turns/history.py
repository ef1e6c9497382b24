"""The history that `chat.history()` reads."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.app.dialogue_verbs import HistoryEntry, HistoryReader
from cooee.storage import Claim, Store


def history_reader(store: Store, claim: Claim, seq: int) -> HistoryReader:
    """Return the reader of a conversation's history, up to the text with this number."""

    async def read_history(n: int) -> Sequence[HistoryEntry]:
        entries = await store.history(claim.ours, claim.theirs, n + len(claim.texts))
        history = [
            HistoryEntry("them" if entry.direction == "in" else "us", entry.text, entry.at)
            for entry in entries
            if entry.direction == "out" or entry.seq <= seq
        ]
        return history[-n:]

    return read_history
