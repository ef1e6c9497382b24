"""News of our texts: laid on them in the store, then told to the app."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.messages import Outbound, Receipt, Status
from cooee.runtime.log import error_location, log_event
from cooee.storage import Store


class ReceiptHandler:
    """Takes receipts, and calls the app's `on_delivered` and `on_failed` after the commit.

    The app hears at most once: what it does with the news is not part of any turn.
    """

    def __init__(self, app: App[Any, Any], store: Store) -> None:
        self._app, self._store = app, store

    async def apply(self, receipts: Sequence[Receipt]) -> None:
        """Store receipts; texts that became final by them are told of."""
        for outbound, status in await self._store.settle(receipts):
            log_event("receipt", logging.DEBUG, id=outbound.id, status=status.name.lower())
            handlers = (
                self._app.delivered_handlers
                if status is Status.DELIVERED
                else self._app.failed_handlers
            )
            await self._call_handlers(handlers, outbound)

    async def report_failure(self, outbound: Outbound) -> None:
        """Tell of a text that the provider refused."""
        await self._call_handlers(self._app.failed_handlers, outbound)

    async def _call_handlers(
        self, handlers: Sequence[Callable[[Outbound], Any]], outbound: Outbound
    ) -> None:
        for handler in handlers:
            try:
                if inspect.iscoroutinefunction(handler):
                    await handler(outbound)
                else:
                    await asyncio.get_running_loop().run_in_executor(None, handler, outbound)
            except Exception as error:  # the app's business must not stop ours
                log_event(
                    "news-handler-failed",
                    logging.ERROR,
                    id=outbound.id,
                    error=error_location(error),
                )
