"""What pages show, by names: they mirror it, and are told of what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

Notes: TypeAlias = Mapping[str, Any]


class Board:
    """Notes by name. Every reader gets all of them, then each that changes; None is one gone."""

    def __init__(self) -> None:
        self._notes: dict[str, Any] = {}
        self._readers: set[_Reader] = set()

    def put(self, name: str, note: Any) -> None:
        """Write a note, or change it; None takes it down. The same again is no news."""
        if self._notes.get(name) == note:
            return
        if note is None:
            self._notes.pop(name, None)
        else:
            self._notes[name] = note
        for reader in self._readers:
            reader.tell(name, note)

    async def read(self, pause: float) -> AsyncIterator[Notes]:
        """All notes, and then what has changed; nothing changed, after so many seconds, is {}."""
        with self._reading() as reader:
            while not reader.over:
                yield await reader.news(pause)

    def close(self) -> None:
        """Let every reader go."""
        for reader in self._readers:
            reader.end()

    @contextmanager
    def _reading(self) -> Iterator[_Reader]:
        reader = _Reader(self._notes)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)


class _Reader:
    def __init__(self, notes: Notes) -> None:
        self.over = False
        self._changed = dict(notes)
        self._bell = asyncio.Event()
        self._bell.set()

    def tell(self, name: str, note: Any) -> None:
        self._changed[name] = note
        self._bell.set()

    def end(self) -> None:
        self.over = True
        self._bell.set()

    async def news(self, pause: float) -> Notes:
        try:
            async with asyncio.timeout(pause):
                await self._bell.wait()
        except TimeoutError:
            return {}
        self._bell.clear()
        changed, self._changed = self._changed, {}
        return changed
