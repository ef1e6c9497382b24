"""Receipts: stored first, then given to the app's hooks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeAlias

from cooee.core.app.app import App
from cooee.core.app.routes import handler_of
from cooee.core.messages import Outbound, Receipt, Status
from cooee.runtime.app_call import CallOutcome, await_app, call_app, task_outcome
from cooee.runtime.events import Events, ReceiptApplied, ReceiptHandlerFailed
from cooee.runtime.turns.context import HANDLER_TIMEOUT_S
from cooee.runtime.turns.thread_call import ThreadCall, handler_timeout_error
from cooee.storage import Store

_MAX_HOOKS_UNDER_WAY = 32

_HookCall: TypeAlias = tuple[Callable[[Outbound], Any], Outbound]
StartInAppLoop: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], object]
"""Starts a coroutine function in the loop of the app's code, and waits for nothing."""


class ReceiptHandler:
    """Takes receipts, and calls the app's `on_delivered` and `on_failed` after the commit.

    The app hears at most once: what it does with the news is not part of any turn, and neither a
    webhook nor a poll nor a sender waits for it (delivery rule 24). `on_refused` is called where
    a refusal is due, which is a turn (delivery rule 27).
    """

    def __init__(
        self,
        app: App[Any, Any],
        store: Store,
        events: Events,
        start_in_app_loop: StartInAppLoop,
        *,
        on_refused: Callable[[], None],
    ) -> None:
        self._app, self._store, self._events = app, store, events
        self._start_in_app_loop, self._on_refused = start_in_app_loop, on_refused
        self._slots = asyncio.Semaphore(_MAX_HOOKS_UNDER_WAY)

    async def apply(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts; have the app's hooks called for the texts that became final."""
        calls: list[_HookCall] = []
        # delivery rule 17: the store returns a text once, and only when its status is on disk
        for outbound, status in await self._store.apply_receipts(receipts):
            self._events.publish(ReceiptApplied(outbound, status))
            hooks = (
                self._app.delivered_handlers
                if status is Status.DELIVERED
                else self._app.failed_handlers
            )
            calls += [(hook, outbound) for hook in hooks]
            if status is Status.FAILED:
                self._on_refused()
        self._start_calls(calls)

    def report_failure(self, outbound: Outbound) -> None:
        """Have the app hear of a text that the provider refused."""
        self._on_refused()
        self._start_calls([(hook, outbound) for hook in self._app.failed_handlers])

    def _start_calls(self, calls: Sequence[_HookCall]) -> None:
        if calls:
            self._start_in_app_loop(partial(self._call_hooks, calls))

    async def _call_hooks(self, calls: Sequence[_HookCall]) -> None:
        for hook, outbound in calls:
            async with self._slots:
                error = (await _call_hook(hook, outbound)).error
            # delivery rule 17: the receipt is stored already; what the app raises undoes nothing
            if error is not None:
                self._events.publish(ReceiptHandlerFailed(outbound, error))


async def _call_hook(hook: Callable[[Outbound], Any], outbound: Outbound) -> CallOutcome:
    """Call one hook: a sync one in a thread, an async one in a task of its own; within its time."""
    name = handler_of(hook).name
    if inspect.iscoroutinefunction(hook):
        task = asyncio.get_running_loop().create_task(await_app(name, hook, outbound))
    else:
        task = asyncio.get_running_loop().create_task(_call_in_thread(name, hook, outbound))
    try:
        await asyncio.wait([task], timeout=HANDLER_TIMEOUT_S)
        if task.done():
            return task_outcome(name, task)
        return CallOutcome(error=handler_timeout_error(name, HANDLER_TIMEOUT_S, ""))
    finally:
        task.cancel()


async def _call_in_thread(
    name: str, hook: Callable[[Outbound], Any], outbound: Outbound
) -> CallOutcome:
    return await asyncio.wrap_future(ThreadCall(call_app, name, hook, outbound).future)
