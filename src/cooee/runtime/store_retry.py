"""What must be written down, however long the database takes to come back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cooee.clocks.clock import Clock
from cooee.core.errors import StoreUnavailable
from cooee.runtime.log import log_event

T = TypeVar("T")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0  # seconds between two tries


async def retry_until_available(
    clock: Clock,
    verb: str,
    operation: Callable[[], Awaitable[T]],
    *,
    on_unavailable: Callable[[str], None] = lambda _: None,
) -> T:
    """Ask the store until it is there; what is asked for may exist nowhere else.

    Args:
        clock: what to sleep on between two tries.
        during: the verb, for the log.
        ask: asks once.
        heard: told why, whenever the store was not there.
    """
    pause = _FIRST_PAUSE_S
    while True:
        try:
            return await operation()
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during=verb)
            on_unavailable(str(error))
        await clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
