"""Results of calls to a database's thread, handed to the event loops of their callers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, TypeAlias

CallResult: TypeAlias = tuple[asyncio.Future[Any], Any, BaseException | None]
"""A call's future, its value, and its error or None."""


def resolve_all(results: Sequence[CallResult]) -> None:
    """Resolve the futures of calls, each in its own event loop, by one call into each loop."""
    loops = {result[0].get_loop() for result in results}
    for loop in loops:
        own = results if len(loops) == 1 else [r for r in results if r[0].get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(_resolve, own)


def _resolve(results: Sequence[CallResult]) -> None:
    for future, value, error in results:
        if future.done():
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
