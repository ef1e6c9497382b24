"""What a run says: each text is known by its words, or its key, and by how often it came before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from cooee.core.dialogue.call_sites import user_location
from cooee.core.errors import DialogueError
from cooee.core.messages import Reply, as_reply

MAX_TEXTS_PER_TURN = 1_000
"""How many texts a run may say before it waits; whoever says more is in a loop without end."""

SaidText: TypeAlias = str | Reply


class SaidTexts:
    """What a run says. What it said before a record of the past is past: `unsent` is cleared."""

    __slots__ = ("_identities", "unsent")

    def __init__(self) -> None:
        self._identities: list[Any] = []
        self.unsent: list[SaidText] = []

    def add(self, value: object, key: str | None) -> None:
        """One more text; None and the empty string say nothing.

        Raises:
            DialogueError: there are too many.
            TypeError: it is no text.
        """
        text = value if type(value) is str else as_reply(value)
        if not text:
            return
        if len(self.unsent) >= MAX_TEXTS_PER_TURN:
            raise DialogueError(
                f"{user_location()}: this dialogue says {MAX_TEXTS_PER_TURN:,} texts without waiting for an answer, so"
                " its loop may never end. Ask in every pass, or bound the loop."
            )
        self._identities.append(("key", key) if key else _content_identity(text))
        self.unsent.append(text)

    def unsent_with_identity(self) -> Iterator[tuple[Any, int, Reply]]:
        """What is not past: what each text is known by, and how often that was said before."""
        if not self.unsent:
            return
        sent_count = len(self._identities) - len(self.unsent)
        counts = Counter(self._identities[:sent_count])
        for identity, text in zip(self._identities[sent_count:], self.unsent, strict=True):
            yield identity, counts[identity], Reply(text) if isinstance(text, str) else text
            counts[identity] += 1


def _content_identity(text: SaidText) -> Any:
    if isinstance(text, str):
        return text
    return (text.text, text.media) if text.media else text.text
