"""The event loop of the app's code: its services, its handlers and its hooks run there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeAlias, TypeVar

from cooee.clocks.loop_calls import call_in_loop, run_in_loop

T = TypeVar("T")

Lifespan: TypeAlias = Callable[[], AbstractAsyncContextManager[Any]]

_JOIN_TIMEOUT_S = 0.5  # seconds for the tasks that the app left behind


class AppThread:
    """A thread with an event loop, for the app's code alone.

    Code that blocks the loop, or never comes back, delays no text that comes in, no opt-out and
    no signal: they belong to another thread (delivery rule 24). The thread is a daemon, so it
    holds up no exit.

    Args:
        make_loop: makes the event loop.

    Attributes:
        ended: resolved when the loop has ended, with the error that ended it.
    """

    def __init__(
        self, make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    ) -> None:
        self.ended: Future[BaseException | None] = Future()
        self._make_loop = make_loop
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run, name="cooee-app", daemon=True)
        self._thread.start()
        self.loop = self._ready.result()

    @property
    def thread_id(self) -> int:
        """The thread's identity, as `threading.get_ident` returns it there."""
        return self._thread.ident or 0

    def call(self, function: Callable[[], T]) -> T:
        """Call a function in the thread, wait for it, and return or raise as it does."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        call_in_loop(self.loop, run)
        return future.result()

    def stop(self) -> None:
        """End the loop and cancel its tasks; leave the thread behind where it hangs."""
        call_in_loop(self.loop, self._stopped.set)
        self._thread.join(_JOIN_TIMEOUT_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._make_loop) as runner:
            self._stopped = asyncio.Event()
            self._ready.set_result(runner.get_loop())
            try:
                runner.run(self._wait_for_stop())
            except BaseException as error:  # SystemExit in a task of the app's own, say
                self.ended.set_result(error)
            else:
                self.ended.set_result(None)

    async def _wait_for_stop(self) -> None:
        await self._stopped.wait()


class AppLoop:
    """The event loop of the app's code: an `AppThread`'s, or the one that this is made in.

    All code of the app that is awaited runs in it, so what one part of it makes (a pool, a
    client, a lock) works in every other.
    """

    def __init__(self, thread: AppThread | None) -> None:
        self.has_own_thread = thread is not None
        self.loop = asyncio.get_running_loop() if thread is None else thread.loop
        self.thread_id = threading.get_ident() if thread is None else thread.thread_id
        self._exit_stack = AsyncExitStack()
        self._context: Context | None = None
        self._hosting: asyncio.Task[None] | None = None

    async def run(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await a coroutine function in the app's loop, in the context of its services."""
        context = None if self._context is None else self._context.copy()
        return await run_in_loop(self.loop, function, context=context)

    async def enter(self, lifespan: Lifespan) -> Any:
        """Enter the app's services, and return them."""
        if not self.has_own_thread:
            return await self._exit_stack.enter_async_context(lifespan())
        entered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        hosting = asyncio.create_task(
            run_in_loop(self.loop, partial(self._host_services, lifespan, entered))
        )
        try:
            await asyncio.wait([entered, hosting], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            hosting.cancel()
            raise
        if hosting.done():
            hosting.result()
        self._hosting = hosting
        return entered.result()

    async def exit(self, timeout_s: float | None) -> bool:
        """Leave the app's services; return False where that takes longer than `timeout_s`."""
        await self._exit_stack.aclose()
        if self._hosting is None:
            return True
        call_in_loop(self.loop, self._leaving.set)
        await asyncio.wait([self._hosting], timeout=timeout_s)
        if self._hosting.done():
            self._hosting.result()
        return self._hosting.done()

    async def _host_services(self, lifespan: Lifespan, entered: asyncio.Future[Any]) -> None:
        """Enter the services and leave them, both in this task: task groups insist on it."""
        self._leaving = asyncio.Event()
        async with lifespan() as services:
            self._context = copy_context()
            call_in_loop(entered.get_loop(), _resolve, entered, services)
            await self._leaving.wait()


def _resolve(future: asyncio.Future[Any], value: Any) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):  # nobody waits any more
        future.set_result(value)
