"""Calls into an event loop, from its own thread or from any other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_CANCEL_GRACE_S = 1.0  # seconds in which a cancelled call may end


def call_in_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[[*Ts], object], *args: *Ts
) -> None:
    """Call a function in a loop's thread: at once if this is it, else as soon as the loop can.

    Of the calls that one thread makes into another's loop, the earlier runs first. A loop that is
    closed is left alone: nobody waits in it.
    """
    if asyncio._get_running_loop() is loop:  # noqa: SLF001 -- the only one that raises nothing
        function(*args)
        return
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(function, *args)


async def run_in_loop(
    loop: asyncio.AbstractEventLoop,
    function: Callable[[], Coroutine[Any, Any, T]],
    *,
    context: Context | None = None,
) -> T:
    """Await a coroutine function in a loop, as a task there; in this loop, await it as it is.

    A cancellation reaches the task, and is waited for a second.

    Args:
        loop: the loop, which may run in another thread.
        function: called in the loop's thread.
        context: the context of the task in another thread; the caller's by default.

    Raises:
        RuntimeError: the loop is closed.
    """
    here = asyncio.get_running_loop()
    if loop is here:
        return await function()
    ended: asyncio.Future[T] = here.create_future()
    tasks: list[asyncio.Task[T]] = []

    def start() -> None:
        task = loop.create_task(function(), context=context)
        task.add_done_callback(lambda task: call_in_loop(here, _hand_over, task, ended))
        tasks.append(task)

    loop.call_soon_threadsafe(start)
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        call_in_loop(loop, _cancel_all, tasks)
        await asyncio.wait([ended], timeout=_CANCEL_GRACE_S)
        raise


def _cancel_all(tasks: list[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()


def _hand_over(task: asyncio.Task[T], future: asyncio.Future[T]) -> None:
    """Resolve a future as a finished task of another loop has ended."""
    if future.done():
        return
    if task.cancelled():
        future.cancel()
    elif (error := task.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())
