"""Texts that wait to be read, in the three ways that companies have."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias

from cooee.simulator.apis.simulated.errors import Refusal

Reading: TypeAlias = Literal["pop", "cursor", "confirm"]
Incoming: TypeAlias = dict[str, Any]
PAGE = 50


class Inbox:
    """One log of texts. Popping and confirming remove from what waits, a cursor from nothing."""

    def __init__(self) -> None:
        self._log: list[Incoming] = []
        self._waiting: list[Incoming] = []
        self._handed_out = 0  # how far the furthest cursor is

    def add(self, text: Incoming) -> None:
        """Keep a text for reading."""
        self._log.append(text)
        self._waiting.append(text)

    def unread(self, reading: Reading) -> int:
        """How many texts nobody has read."""
        return len(self._log) - self._handed_out if reading == "cursor" else len(self._waiting)

    def pop(self) -> Sequence[Incoming]:
        """The earliest text, which is gone with the reading; or none."""
        return [self._waiting.pop(0)] if self._waiting else []

    def unconfirmed(self) -> Sequence[Incoming]:
        """The earliest texts, the same again until they are confirmed."""
        return self._waiting[:PAGE]

    def confirm(self, ids: Collection[str]) -> None:
        """Let go of texts; ids that are not waiting are no error, so that it can be repeated."""
        self._waiting = [text for text in self._waiting if text["id"] not in ids]

    def after(self, cursor: str | None, limit: int) -> tuple[Sequence[Incoming], str]:
        """The texts behind a cursor, and the cursor behind them; without one, none from now on.

        Raises:
            Refusal: it is no cursor of ours.
        """
        start = len(self._log) if cursor is None else self._place(cursor)
        texts = self._log[start : start + limit]
        self._handed_out = max(self._handed_out, start + len(texts))
        return texts, f"c{start + len(texts)}"

    def _place(self, cursor: str) -> int:
        number = cursor.removeprefix("c")
        if not cursor.startswith("c") or not (number.isascii() and number.isdigit()):
            raise Refusal("bad-request", f"{cursor!r} is no cursor. Begin without `after`.")
        return min(int(number), len(self._log))
