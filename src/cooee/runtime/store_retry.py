"""What must be written down, however long the database takes to come back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cooee.clocks.clock import Clock
from cooee.core.errors import StoreUnavailable
from cooee.runtime.log import tell

T = TypeVar("T")

_FIRST, _LONGEST = 0.5, 10.0  # seconds between two tries


async def insist(
    clock: Clock,
    during: str,
    ask: Callable[[], Awaitable[T]],
    *,
    heard: Callable[[str], None] = lambda _: None,
) -> T:
    """Ask the store until it is there; what is asked for may exist nowhere else.

    Args:
        clock: what to sleep on between two tries.
        during: the verb, for the log.
        ask: asks once.
        heard: told why, whenever the store was not there.
    """
    pause = _FIRST
    while True:
        try:
            return await ask()
        except StoreUnavailable as error:
            tell("store-unavailable", logging.ERROR, error=str(error), during=during)
            heard(str(error))
        await clock.sleep(pause)
        pause = min(pause * 2, _LONGEST)
