"""Webhooks that hold the line until their text is answered, and carry the replies themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec

from cooee.clocks.clock import Bell, Clock
from cooee.core.errors import ProviderFailure, StoreUnavailable
from cooee.core.http_messages import Response
from cooee.core.messages import Inbound, Outbound, Status
from cooee.net.http_client import Receive
from cooee.providers import Answerer
from cooee.runtime.log import blame, tell
from cooee.runtime.provider_session import Account
from cooee.runtime.store_retry import insist
from cooee.storage import Finish, Outcome, Store

_MOST = 10  # replies in one answer; more than that go the usual way, behind them

Line: TypeAlias = tuple[str, str, str]
"""Our number, theirs, and the company's id of the text."""


class Answer(msgspec.Struct, frozen=True):
    """What a caller is told, and the texts of ours that go out with it."""

    response: Response
    carries: Sequence[Outbound] = ()


class Callers:
    """Gives replies to the webhook that brought their text, where the company takes them so.

    Nothing is kept aside for a caller. Its replies are queued like any others; it is woken when
    their turn's commit has been asked for, before the sender is, and takes them by a statement
    of its own. What no caller takes, or takes in time, is sent as usual.

    An answer is an attempt like any other: recorded before a byte of it leaves, and of unknown
    end from then on, since nothing says that it arrived. A receipt settles it, or a look-up.

    Args:
        account: the company, and where it sends receipts.
        store: the outbox.
        clock: what callers wait on.
        start: starts a task that somebody ends before leaving.
        ring: wakes the senders.
    """

    def __init__(
        self,
        account: Account,
        store: Store,
        clock: Clock,
        *,
        start: Callable[[Coroutine[Any, Any, None]], object],
        ring: Callable[[], None],
    ) -> None:
        self._account, self._store, self._clock = account, store, clock
        self._start, self._ring = start, ring
        self._lines: dict[Line, Bell] = {}

    def over(self, finishes: Sequence[Finish]) -> None:
        """Wake the callers whose turns these are."""
        if not self._lines:
            return
        for claim in (finish.claim for finish in finishes):
            for pending in claim.texts:
                bell = self._lines.get((claim.ours, claim.theirs, pending.inbound.provider_id))
                if bell is not None:
                    bell.ring()

    def heard(self) -> None:
        """Wake the senders: a receipt came, and a text may have waited for a doubt to end."""
        if self._account.provider.features.answer_within is not None:
            self._ring()

    async def answer(self, plain: Response, texts: Sequence[Inbound], receive: Receive) -> Answer:
        """The answer to a webhook: the replies to its text, if they are there in time.

        Args:
            plain: what to say otherwise.
            texts: those that it brought and that will have a turn; with one, it may wait.
            receive: tells when the caller hangs up.
        """
        provider = self._account.provider
        within = provider.features.answer_within
        if within is None or len(texts) != 1 or not isinstance(provider, Answerer):
            return Answer(plain)
        replies = await self._replies(texts[0], receive, within.total_seconds())
        if not replies:
            return Answer(plain)
        try:
            return Answer(provider.answer(replies), replies)
        except ProviderFailure as failure:
            tell("answer-impossible", logging.INFO, id=replies[0].id, why=failure.message)
        except Exception as error:  # the adapter's own mistake, and nothing has gone out yet
            tell("provider-failed", logging.CRITICAL, id=replies[0].id, error=blame(error))
        await self._put_back(replies)
        return Answer(plain)

    @contextmanager
    def attempt(self, answer: Answer) -> Iterator[None]:
        """Give an answer meanwhile; what it carries is then in doubt until there is news."""
        words = ""
        try:
            yield
        except BaseException:
            words = "the caller hung up while it was answered"
            raise
        finally:
            if answer.carries:
                self._start(self._doubt(answer.carries, words))

    async def _replies(self, text: Inbound, receive: Receive, within: float) -> Sequence[Outbound]:
        """The replies to a text, taken; none where they come too late or nobody listens."""
        line, bell = (text.recipient, text.sender, text.provider_id), self._clock.bell()
        self._lines[line] = bell
        hanging_up = asyncio.ensure_future(_hang_up(receive, bell))
        try:
            if not await bell.wait(within) or hanging_up.done():
                return ()
            taken = await self._store.take_replies(text.recipient, text.sender, _MOST)
            replies = [self._account.addressed(one.outbound) for one in taken]
            if replies and hanging_up.done():
                await self._put_back(replies)
                return ()
        except StoreUnavailable as error:
            tell("store-unavailable", logging.ERROR, error=str(error), during="answer")
            return ()
        finally:
            del self._lines[line]
            hanging_up.cancel()
        return replies

    async def _put_back(self, replies: Sequence[Outbound]) -> None:
        now = self._clock.now()
        await insist(
            self._clock, "defer", lambda: self._store.defer([(one, now) for one in replies])
        )
        self._ring()

    async def _doubt(self, replies: Sequence[Outbound], words: str) -> None:
        until = self._clock.now() + self._account.first_doubt
        outcomes = [
            Outcome(outbound=one, status=Status.UNKNOWN, words=words, retry_at=until)
            for one in replies
        ]
        await insist(self._clock, "record", lambda: self._store.record(outcomes))
        self._ring()  # there is something to ask about, later


async def _hang_up(receive: Receive, bell: Bell) -> None:
    """Ring when the caller is gone: behind a request that is whole nothing else can come."""
    await receive()
    bell.ring()
