"""Calls of handlers: in middleware, within their time, each async one in a task of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from cooee.clocks.clock import Clock, monotonic
from cooee.core.app.deeds import Deed
from cooee.core.dialogue.call_sites import coroutine_location
from cooee.runtime import events
from cooee.runtime.app_call import CallOutcome, await_app, call_app, task_outcome
from cooee.runtime.task_group import TaskGroup
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.effects import HandlerCall
from cooee.runtime.turns.thread_call import LateCall, ThreadCall, handler_timeout_error
from cooee.runtime.turns.turn_thread import timeout_error

_SLOW_HANDLER_S = 0.005  # a handler that took longer runs in a thread of its own …
_SLOW_CALLS = 2  # … if so many times running: once may be the machine, which did other work
_CANCEL_GRACE_S = 1.0  # for a cancelled handler's `finally` blocks


class HandlerCalls:
    """Calls the app's handlers, and gives up those that do not come back (delivery rule 10)."""

    def __init__(self, context: TurnContext, clock: Clock) -> None:
        self._app, self._timeout_s = context.app, context.handler_timeout_s
        self._clock, self._publish = clock, context.events.publish
        self._tasks = TaskGroup(clock, "handler")
        self._slow_calls = Counter[str]()  # of each handler, running
        self._late_threads: dict[ThreadCall[Any], str] = {}  # given up, with the handler's name
        self._late_tasks: dict[asyncio.Task[CallOutcome], str] = {}

    @property
    def trouble(self) -> str:
        """The handlers that took too long and still run; "" where there is none."""
        names = [name for thread, name in self._late_threads.items() if thread.is_alive]
        texts = [_late_text(names, "threads")] if names else []
        names = [name for task, name in self._late_tasks.items() if not task.done()]
        return "; ".join([*texts, *([_late_text(names, "tasks")] if names else [])])

    def may_share_thread(self, call: HandlerCall) -> bool:
        """Tell whether a call may be made in a thread that other claims share."""
        in_middleware = call.chat is not None and self._app.middleware
        return call.sync and not in_middleware and self._slow_calls[call.handler.name] < _SLOW_CALLS

    def call_here(self, call: HandlerCall) -> CallOutcome:
        """Make a call in this thread."""
        started_at = monotonic()
        try:
            return call_app(call.handler.name, call.run)
        finally:
            if monotonic() - started_at > _SLOW_HANDLER_S:
                self._slow_calls[call.handler.name] += 1
            else:
                del self._slow_calls[call.handler.name]

    async def call(self, call: HandlerCall) -> CallOutcome:
        """Make a call in its middleware, in a task of its own, and within its time.

        The handler may cancel that task, or refuse to be cancelled: neither reaches the claim.
        """
        name, late_calls = call.handler.name, list[LateCall]()
        is_over = self._clock.create_wake_up()
        task = self._tasks.start(await_app(name, self._call_in_middleware, call, late_calls))
        task.add_done_callback(lambda _: is_over.set())
        try:
            if await is_over.wait(self._timeout_s):
                return task_outcome(name, task)
            stack = coroutine_location(task.get_coro()).removeprefix("somewhere")
            task.cancel()
            await is_over.wait(_CANCEL_GRACE_S)
        finally:
            if not task.done():
                task.cancel()
        stack = late_calls[0].stack if late_calls else stack
        if not task.done():
            late = {one: of for one, of in self._late_tasks.items() if not one.done()}
            self._late_tasks = {**late, task: name}  # whole, as /health reads it in another thread
            self._publish(events.HandlerAbandoned(name, self._timeout_s, stack))
        return CallOutcome(error=handler_timeout_error(name, self._timeout_s, stack))

    def give_up(self, thread: ThreadCall[Any], late_call: LateCall) -> None:
        """Leave a thread to itself: nothing can stop it without harm, and nobody waits for it."""
        late = {one: of for one, of in self._late_threads.items() if one.is_alive}
        self._late_threads = {**late, thread: late_call.handler}
        self._publish(
            events.HandlerAbandoned(late_call.handler, late_call.timeout_s, late_call.stack)
        )

    async def close(self) -> None:
        """Cancel the calls under way."""
        await self._tasks.close(0, wait_for_cancelled_s=_CANCEL_GRACE_S)

    async def _call_in_middleware(self, call: HandlerCall, late_calls: list[LateCall]) -> Any:
        proceed: Callable[[], Awaitable[Any]] = partial(self._run_call, call, late_calls)
        if call.chat is not None:
            for middleware in reversed(self._app.middleware):
                proceed = partial(middleware, call.chat, proceed)
        # delivery rule 28: whatever it sends has the same keys when it is repeated
        with Deed(call.deed):
            return await proceed()

    async def _run_call(self, call: HandlerCall, late_calls: list[LateCall]) -> Any:
        """Await a call, or make it in a thread; one that is given up is added to `late_calls`."""
        if not call.sync:
            return await call.run()
        started_at = monotonic()
        thread = ThreadCall(call_app, call.handler.name, call.run)
        own_timeout = asyncio.timeout(call.timeout_s)
        try:
            async with own_timeout:
                outcome = await asyncio.wrap_future(thread.future)
        except (TimeoutError, asyncio.CancelledError) as error:
            if not thread.is_alive:
                raise
            timeout_s = call.timeout_s if own_timeout.expired() else None
            late_calls.append(thread.late_call(call.handler.name, timeout_s or self._timeout_s))
            self.give_up(thread, late_calls[-1])
            if not own_timeout.expired():
                raise
            raise timeout_error(call, late_calls[-1]) from error
        finally:
            if monotonic() - started_at < _SLOW_HANDLER_S / 5:
                del self._slow_calls[call.handler.name]
        if outcome.error is not None:
            raise outcome.error
        return outcome.value


def _late_text(names: list[str], of: str) -> str:
    return f"{len(names)} {of} do not come back from {', '.join(sorted(set(names)))}"
