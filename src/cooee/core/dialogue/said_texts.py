"""What a run says: each text is known by its words, or its key, and by how often it came before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from cooee.core.dialogue.call_sites import users
from cooee.core.errors import DialogueError
from cooee.core.messages import Reply, spoken

MOST = 1_000
"""How many texts a run may say before it waits; whoever says more is in a loop without end."""

Said: TypeAlias = str | Reply


class Told:
    """What a run says. What it said before a record of the past is past: `fresh` is cleared."""

    __slots__ = ("_names", "fresh")

    def __init__(self) -> None:
        self._names: list[Any] = []
        self.fresh: list[Said] = []

    def add(self, what: object, key: str | None) -> None:
        """One more text; None and the empty string say nothing.

        Raises:
            DialogueError: there are too many.
            TypeError: it is no text.
        """
        said = what if type(what) is str else spoken(what)
        if not said:
            return
        if len(self.fresh) >= MOST:
            raise DialogueError(
                f"{users()}: this dialogue says {MOST:,} texts without waiting for an answer, so"
                " its loop may never end. Ask in every pass, or bound the loop."
            )
        self._names.append(("key", key) if key else _words(said))
        self.fresh.append(said)

    def told_apart(self) -> Iterator[tuple[Any, int, Reply]]:
        """What is not past: what each text is known by, and how often that was said before."""
        if not self.fresh:
            return
        past = len(self._names) - len(self.fresh)
        counts = Counter(self._names[:past])
        for name, said in zip(self._names[past:], self.fresh, strict=True):
            yield name, counts[name], Reply(said) if isinstance(said, str) else said
            counts[name] += 1


def _words(said: Said) -> Any:
    if isinstance(said, str):
        return said
    return (said.text, said.media) if said.media else said.text
