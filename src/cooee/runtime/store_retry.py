"""Repeats a store call until the database is back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cooee.clocks.clock import Clock
from cooee.core.backoff import Backoff
from cooee.core.errors import StoreUnavailable
from cooee.runtime.log import log_event

T = TypeVar("T")

_BACKOFF = Backoff.doubling(0.5, 10)


async def retry_until_available(
    clock: Clock,
    verb: str,
    operation: Callable[[], Awaitable[T]],
    *,
    on_unavailable: Callable[[str], None] = lambda _: None,
) -> T:
    """Call the store until it is available; the data may exist nowhere else.

    Args:
        clock: what to sleep on between two tries.
        verb: the store's verb, for the log.
        operation: calls the store once.
        on_unavailable: is told the error's words, whenever the store was not available.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await operation()
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during=verb)
            on_unavailable(str(error))
        await clock.sleep(_BACKOFF.pause_s(attempt))
