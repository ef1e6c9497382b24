"""Named values, mirrored by pages: all at first, then each change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

FeedValues: TypeAlias = Mapping[str, Any]


class StateFeed:
    """Values by name. A subscriber gets all values, then each change; None removes a value."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._subscribers: set[_Subscriber] = set()

    def publish(self, name: str, value: Any) -> None:
        """Set a value, or remove the value with None. An equal value is no change."""
        if self._values.get(name) == value:
            return
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        for subscriber in self._subscribers:
            subscriber.notify(name, value)

    async def subscribe(self, timeout_s: float) -> AsyncIterator[FeedValues]:
        """Yield all values, then the changes; {} after `timeout_s` seconds without a change."""
        with self._subscriber() as subscriber:
            while not subscriber.is_closed:
                yield await subscriber.next_changes(timeout_s)

    def close(self) -> None:
        """End every subscription."""
        for subscriber in self._subscribers:
            subscriber.close()

    @contextmanager
    def _subscriber(self) -> Iterator[_Subscriber]:
        subscriber = _Subscriber(self._values)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)


class _Subscriber:
    def __init__(self, values: FeedValues) -> None:
        self.is_closed = False
        self._changed = dict(values)
        self._wake_up = asyncio.Event()
        self._wake_up.set()

    def notify(self, name: str, value: Any) -> None:
        self._changed[name] = value
        self._wake_up.set()

    def close(self) -> None:
        self.is_closed = True
        self._wake_up.set()

    async def next_changes(self, timeout_s: float) -> FeedValues:
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake_up.wait()
        except TimeoutError:
            return {}
        self._wake_up.clear()
        changed, self._changed = self._changed, {}
        return changed
