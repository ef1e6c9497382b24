"""The poller: asks the provider for inbound texts and receipts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial

from cooee.clocks.clock import Clock, WakeUp
from cooee.core.backoff import Backoff
from cooee.core.errors import OutcomeUnknown, ProviderFailure, StoreUnavailable, TemporaryFailure
from cooee.core.http_messages import Flow
from cooee.providers import Credentials, PollResult
from cooee.runtime.events import Events, PollAnswerLost, PollFailed
from cooee.runtime.inbound.receiver import InboundReceiver
from cooee.runtime.log import error_location, log_event
from cooee.runtime.number_hold import NumberHold
from cooee.runtime.outbound.receipts import ReceiptHandler
from cooee.runtime.provider_session import ACCOUNT_STATUSES, ProviderSession
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.task_group import is_being_cancelled
from cooee.storage import Store

_MAX_PAUSE_S = 60.0  # seconds between two tries when everything fails


class Poller:
    """Polls one number while it holds the number. A poll's texts are stored before the next poll.

    Where reading removes (*pop*), an answer that never came may have held a text: such reads
    are counted in the store, and nothing can bring that text back.

    Args:
        ours: our number.
        hold: whether this process, of many, is the one that polls.
        caught_up: held once a poll left no text at the provider, for the other processes to know.
        account: the provider, logged in.
        store: keeps the cursor and the count.
        intake: where texts go.
        newsroom: where receipts go.
        clock: what to sleep on.
        interval: seconds to rest after an empty read.
        on_caught_up: called after each poll that left no text at the provider.
    """

    def __init__(
        self,
        ours: str,
        *,
        hold: NumberHold,
        caught_up: NumberHold,
        session: ProviderSession,
        store: Store,
        inbound_receiver: InboundReceiver,
        receipt_handler: ReceiptHandler,
        clock: Clock,
        interval: float,
        events: Events,
        on_caught_up: Callable[[], None],
    ) -> None:
        self.trouble = ""
        self.last_poll_at: datetime | None = None
        self._ours, self._session, self._store = ours, session, store
        self._hold, self._caught_up = hold, caught_up
        self._inbound_receiver, self._receipt_handler = inbound_receiver, receipt_handler
        self._clock, self._interval, self._events = clock, interval, events
        self._on_caught_up = on_caught_up
        self._caught_up_at: datetime | None = None
        self._wake_up: WakeUp = clock.create_wake_up()
        self._backoff = Backoff.doubling(max(interval, 0.1), _MAX_PAUSE_S)
        self._failures = 0
        self._stopping = False

    async def run(self) -> None:
        """Poll until `stop`."""
        async with AsyncExitStack() as holds:
            await holds.enter_async_context(self._hold.kept(self._wake_up.set))
            says_caught_up = False
            while not self._stopping:
                # delivery rule 29: a text that reading removes would come to two processes
                pause = await self._poll_with_backoff() if self._hold.is_held else None
                if self._caught_up_at is not None and not says_caught_up:
                    says_caught_up = True
                    await holds.enter_async_context(self._caught_up.kept(lambda: None))
                if pause != 0:
                    await self._wake_up.wait(pause)

    def stop(self) -> None:
        """Poll no more; the poll under way is still stored."""
        self._stopping = True
        self._wake_up.set()

    async def _poll_with_backoff(self) -> float:
        """Poll once; return the seconds until the next poll."""
        try:
            more = await self._poll_once()
        except ProviderFailure as failure:
            return await self._after_failure(failure)
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during="poll")
            return 1
        except BaseException as error:  # a poller that dies hears nobody
            if is_being_cancelled():
                raise
            log_event("poller-failed", logging.CRITICAL, error=error_location(error))
            return self._back_off(str(type(error).__name__))
        self._failures, self.trouble = 0, ""
        self.last_poll_at = self._clock.now()
        return 0 if more else self._interval

    async def _poll_once(self) -> bool:
        provider = self._session.provider
        cursor = (
            "" if provider.features.polling == "pop" else await self._store.get_cursor(self._ours)
        )
        began_at = self._clock.now()
        result = await self._session.call(partial(self._begin_poll, cursor))
        # delivery rule 1: stored first; only then may the provider forget the texts
        await self._store_result(result)
        if result.cursor != cursor:
            await self._store.set_cursor(self._ours, result.cursor)
        if result.confirm:
            await self._session.call(
                lambda credentials: provider.confirm(credentials, result.confirm)
            )
        if not result.more:
            self._caught_up_at = began_at
            self._on_caught_up()
        return result.more

    def _begin_poll(self, cursor: str, credentials: Credentials) -> Flow[PollResult]:
        # delivery rule 29: a login, or a standstill, may have taken longer than the hold lasts
        if not self._hold.is_held:
            raise TemporaryFailure("Nothing was read: another process may read this number.")
        return self._session.provider.poll(credentials, cursor)

    async def _store_result(self, result: PollResult) -> None:
        """Store a poll's texts, however long the database takes."""
        # delivery rule 2: where reading removes, the texts exist nowhere but here
        await retry_until_available(
            self._clock,
            "receive",
            lambda: self._inbound_receiver.receive(result.inbounds, unread_for=self._unread_for()),
            on_unavailable=self._set_trouble,
        )
        if result.receipts:
            await self._receipt_handler.apply(result.receipts)

    def _unread_for(self) -> timedelta:
        """Return how long a text may have waited for this poll; at a start, as long as any may."""
        if self._caught_up_at is None:
            return self._session.provider.features.replay_window
        return self._clock.now() - self._caught_up_at

    def _set_trouble(self, trouble: str) -> None:
        self.trouble = trouble

    async def _after_failure(self, failure: ProviderFailure) -> float:
        is_answer_lost = isinstance(failure, OutcomeUnknown)
        # delivery rule 2: the lost answer may have held texts, and nothing brings them back
        if is_answer_lost and self._session.provider.features.polling == "pop":
            await self._count_lost_read()
        retry_after = failure.retry_after if isinstance(failure, TemporaryFailure) else None
        if failure.status in ACCOUNT_STATUSES:  # once the account is mended, people wait for this
            retry_after = min(retry_after or 0.0, _MAX_PAUSE_S)
        pause = max(self._back_off(str(failure)), retry_after or 0.0)
        self._events.publish(PollFailed(self._ours, failure, failure.code, failure.status, pause))
        return pause

    async def _count_lost_read(self) -> None:
        self._events.publish(PollAnswerLost(self._ours))
        try:
            await self._store.count_lost_read(self._ours)
        except StoreUnavailable as error:
            log_event("store-unavailable", logging.ERROR, error=str(error), during="count")

    def _back_off(self, problem: str) -> float:
        self._failures += 1
        self.trouble = problem
        return self._backoff.pause_s(self._failures)
