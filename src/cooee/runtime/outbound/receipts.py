"""Receipts: stored first, then given to the app's handlers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.routes import handler_of
from cooee.core.messages import Outbound, Receipt, Status
from cooee.runtime.app_call import CallOutcome, await_app, call_app, task_outcome
from cooee.runtime.events import Events, ReceiptApplied, ReceiptHandlerFailed
from cooee.storage import Store


class ReceiptHandler:
    """Takes receipts, and calls the app's `on_delivered` and `on_failed` after the commit.

    The app hears at most once: what it does with the news is not part of any turn.
    """

    def __init__(self, app: App[Any, Any], store: Store, events: Events) -> None:
        self._app, self._store, self._events = app, store, events

    async def apply(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts; call the app's handlers for the texts that became final."""
        # delivery rule 17: the store returns a text once, and only when its status is on disk
        for outbound, status in await self._store.apply_receipts(receipts):
            self._events.publish(ReceiptApplied(outbound, status))
            handlers = (
                self._app.delivered_handlers
                if status is Status.DELIVERED
                else self._app.failed_handlers
            )
            await self._call_handlers(handlers, outbound)

    async def report_failure(self, outbound: Outbound) -> None:
        """Call `on_failed` for a text that the provider refused."""
        await self._call_handlers(self._app.failed_handlers, outbound)

    async def _call_handlers(
        self, handlers: Sequence[Callable[[Outbound], Any]], outbound: Outbound
    ) -> None:
        for handler in handlers:
            error = (await _call_handler(handler, outbound)).error
            # delivery rule 17: the receipt is stored already; what the app raises undoes nothing
            if error is not None:
                self._events.publish(ReceiptHandlerFailed(outbound, error))


async def _call_handler(handler: Callable[[Outbound], Any], outbound: Outbound) -> CallOutcome:
    """Call one handler: a sync one in a thread, an async one in a task of its own."""
    name, loop = handler_of(handler).name, asyncio.get_running_loop()
    if not inspect.iscoroutinefunction(handler):
        return await loop.run_in_executor(None, call_app, name, handler, outbound)
    task = loop.create_task(await_app(name, handler, outbound))
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
    return task_outcome(name, task)
