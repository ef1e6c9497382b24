"""A number's texts waiting to be polled, in three ways: pop, cursor and confirm."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias

from cooee.simulator.apis.simulated.errors import SimulatedAPIError

ReadMode: TypeAlias = Literal["pop", "cursor", "confirm"]
InboxText: TypeAlias = dict[str, Any]
PAGE_SIZE = 50


class Inbox:
    """The log of texts to a number.

    Popping and confirming take a text from `_unread`; a cursor takes none away.
    """

    def __init__(self) -> None:
        self._log: list[InboxText] = []
        self._unread: list[InboxText] = []
        self._read_count = 0  # how far the furthest cursor is

    def add(self, text: InboxText) -> None:
        """Keep a text for polling."""
        self._log.append(text)
        self._unread.append(text)

    def unread_count(self, read_mode: ReadMode) -> int:
        """Return the number of texts not yet polled."""
        return len(self._log) - self._read_count if read_mode == "cursor" else len(self._unread)

    def pop(self) -> Sequence[InboxText]:
        """Remove and return the earliest text, if any."""
        return [self._unread.pop(0)] if self._unread else []

    def unconfirmed(self) -> Sequence[InboxText]:
        """Return the earliest texts, the same again until confirmed."""
        return self._unread[:PAGE_SIZE]

    def confirm(self, ids: Collection[str]) -> None:
        """Remove texts; an unknown id is no error, as a confirmation may be repeated."""
        self._unread = [text for text in self._unread if text["id"] not in ids]

    def read_after(self, cursor: str | None, limit: int) -> tuple[Sequence[InboxText], str]:
        """Return the texts behind a cursor, and the cursor behind the texts.

        Without a cursor, return no text, and the cursor for every later text.

        Raises:
            SimulatedAPIError: the cursor is not one of this API.
        """
        start = len(self._log) if cursor is None else self._cursor_position(cursor)
        texts = self._log[start : start + limit]
        self._read_count = max(self._read_count, start + len(texts))
        return texts, f"c{start + len(texts)}"

    def _cursor_position(self, cursor: str) -> int:
        number = cursor.removeprefix("c")
        if not cursor.startswith("c") or not (number.isascii() and number.isdigit()):
            raise SimulatedAPIError(
                "bad-request", f"{cursor!r} is no cursor. Begin without `read_after`."
            )
        return min(int(number), len(self._log))
