"""What was said before, as a handler may ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.app.chat import Line, Recall
from cooee.storage import Claim, Store


def recall(store: Store, claim: Claim, seq: int) -> Recall:
    """The history of a claim's conversation, up to the text with this number."""

    async def recalled(n: int) -> Sequence[Line]:
        entries = await store.history(claim.ours, claim.theirs, n + len(claim.texts))
        lines = [
            Line("them" if entry.direction == "in" else "us", entry.text, entry.at)
            for entry in entries
            if entry.direction == "out" or entry.seq <= seq
        ]
        return lines[-n:]

    return recalled
