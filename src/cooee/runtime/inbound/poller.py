"""Brings texts by asking for them, for as long as we run."""

from __future__ import annotations

import logging
from datetime import datetime

from cooee.clocks.clock import Bell, Clock
from cooee.core.errors import OutcomeUnknown, ProviderFailure, StoreUnavailable, TemporaryFailure
from cooee.providers import News
from cooee.runtime.inbound.receiver import Intake
from cooee.runtime.log import blame, tell
from cooee.runtime.outbound.receipts import Newsroom
from cooee.runtime.provider_session import Account
from cooee.runtime.store_retry import insist
from cooee.storage import Store

_LONGEST_PAUSE = 60.0  # seconds between two tries when everything fails


class Poller:
    """Reads one number's texts. What was read is stored before the next is asked for.

    Where reading removes (*pop*), an answer that never came may have held a text: such reads
    are counted in the store, and nothing can bring that text back.

    Args:
        ours: our number.
        account: the provider, logged in.
        store: keeps the cursor and the count.
        intake: where texts go.
        newsroom: where receipts go.
        clock: what to sleep on.
        interval: seconds to rest after an empty read.
    """

    def __init__(
        self,
        ours: str,
        *,
        account: Account,
        store: Store,
        intake: Intake,
        newsroom: Newsroom,
        clock: Clock,
        interval: float,
    ) -> None:
        self.trouble = ""
        self.last_read: datetime | None = None
        self._ours, self._account, self._store = ours, account, store
        self._intake, self._newsroom = intake, newsroom
        self._clock, self._interval = clock, interval
        self._bell: Bell = clock.bell()
        self._failures = 0
        self._stopping = False

    async def run(self) -> None:
        """Read until `stop`."""
        while not self._stopping:
            pause = await self._read()
            if pause:
                await self._bell.wait(pause)

    def stop(self) -> None:
        """Read no more; what is being read is still stored."""
        self._stopping = True
        self._bell.ring()

    async def _read(self) -> float:
        """Read once; the seconds to rest."""
        try:
            more = await self._bring()
        except ProviderFailure as failure:
            return await self._failed(failure)
        except StoreUnavailable as error:
            tell("store-unavailable", logging.ERROR, error=str(error), during="poll")
            return 1
        except Exception as error:  # a poller that dies hears nobody
            tell("poller-failed", logging.CRITICAL, error=blame(error))
            return self._back_off(str(type(error).__name__))
        self._failures, self.trouble = 0, ""
        self.last_read = self._clock.now()
        return 0 if more else self._interval

    async def _bring(self) -> bool:
        provider = self._account.provider
        cursor = "" if provider.features.polling == "pop" else await self._store.cursor(self._ours)
        news = await self._account.ask(lambda credentials: provider.poll(credentials, cursor))
        await self._keep(news)
        if news.cursor != cursor:
            await self._store.advance(self._ours, news.cursor)
        if news.confirm:
            await self._account.ask(lambda credentials: provider.confirm(credentials, news.confirm))
        return news.more

    async def _keep(self, news: News) -> None:
        """Store what was read, however long the database takes: it may exist nowhere else."""
        await insist(
            self._clock, "receive", lambda: self._intake.receive(news.inbounds), heard=self._hear
        )
        if news.receipts:
            await self._newsroom.settle(news.receipts)

    def _hear(self, trouble: str) -> None:
        self.trouble = trouble

    async def _failed(self, failure: ProviderFailure) -> float:
        lost = isinstance(failure, OutcomeUnknown)
        if lost and self._account.provider.features.polling == "pop":
            await self._count_doubt()
        tell(
            "poll-failed",
            logging.WARNING,
            failure=type(failure).__name__,
            code=failure.code or None,
            status=failure.status or None,
            words=str(failure),
        )
        asked = failure.retry_after if isinstance(failure, TemporaryFailure) else None
        return max(self._back_off(str(failure)), asked or 0.0)

    async def _count_doubt(self) -> None:
        try:
            await self._store.doubt_read(self._ours)
        except StoreUnavailable as error:
            tell("doubtful-read-not-counted", logging.ERROR, error=str(error))

    def _back_off(self, words: str) -> float:
        self._failures += 1
        self.trouble = words
        doubled: float = max(self._interval, 0.1) * 2.0 ** min(self._failures - 1, 10)
        return min(doubled, _LONGEST_PAUSE)
