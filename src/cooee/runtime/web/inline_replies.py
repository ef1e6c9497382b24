"""Replies that travel in the webhook's own response, which waits for the turn of its text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from cooee.clocks.clock import Clock, WakeUp
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Response
from cooee.core.messages import Inbound, Outbound, Status
from cooee.net.http_client import Receive
from cooee.providers import RepliesInWebhook
from cooee.runtime.events import (
    AdapterFailed,
    AttemptRecorded,
    AttemptStarted,
    Events,
    InlineReplyRefused,
)
from cooee.runtime.outbound.senders import Senders
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.store_retry import retry_until_available
from cooee.runtime.web.awaited_turns import AwaitedTurn, AwaitedTurns
from cooee.storage import AttemptResult, Store


class WebhookAnswer(msgspec.Struct, frozen=True):
    """A response to a webhook, and the texts that go out in the response."""

    response: Response
    replies: Sequence[Outbound] = ()


class InlineReplies:
    """Gives replies to the webhook that brought their text, where the provider takes replies so.

    A webhook is known here from before its text is stored, since the turn may be over before the
    webhook goes on. Its replies are taken in the commit of the turn (`FirstAttempts`). Replies that
    no webhook waits for any more are queued, and sent as usual.

    A response with replies is an attempt: recorded before a byte leaves, and of unknown outcome
    from then on, since nothing says that the response arrived. A receipt or a look-up settles it.

    Args:
        session: the session with the provider.
        store: the outbox.
        clock: the clock that webhooks wait on.
        start_task: starts a task that ends before the service does.
        senders: the senders of this process.
        runs_turns: whether this process runs turns; else no webhook waits for one.
        events: told of each attempt.
    """

    def __init__(
        self,
        session: ProviderSession,
        store: Store,
        clock: Clock,
        *,
        start_task: Callable[[Coroutine[Any, Any, None]], object],
        senders: Senders,
        runs_turns: bool = True,
        events: Events,
    ) -> None:
        self._session, self._store, self._clock = session, store, clock
        self._start_task, self._senders, self._events = start_task, senders, events
        self.awaited_turns = AwaitedTurns(clock, self._start_returning)
        provider = session.provider  # asked once: a protocol's check of an instance is slow
        self._answering_provider = provider if isinstance(provider, RepliesInWebhook) else None
        self._answer_within = provider.features.reply_within if runs_turns else None

    def receipts_arrived(self) -> None:
        """Tell the senders: a receipt may settle the attempt that a later text waits for."""
        if self._answer_within is not None:
            self._senders.note_settled()

    @contextmanager
    def awaiting_turn(self, texts: Sequence[Inbound]) -> Iterator[AwaitedTurn | None]:
        """Expect the turn of a webhook's text, from before the text is stored.

        Args:
            texts: the webhook's texts.

        Yields:
            the turn; None where the webhook does not wait: it has several texts, one without a
            `provider_id`, or one that another webhook brings at this moment.
        """
        provider_id = texts[0].provider_id if len(texts) == 1 else ""
        answers_here = self._answering_provider is not None and self._answer_within is not None
        is_awaited = answers_here and provider_id != ""
        turn = self.awaited_turns.expect(provider_id) if is_awaited else None
        try:
            yield turn
        finally:
            if turn is not None:
                self.awaited_turns.leave(turn)

    async def answer(
        self,
        plain_response: Response,
        texts: Sequence[Inbound],
        receive: Receive,
        turn: AwaitedTurn | None,
    ) -> WebhookAnswer:
        """Return the response to a webhook, with the replies to its text if they come in time.

        Args:
            plain_response: the response without replies.
            texts: the webhook's texts that will have a turn.
            receive: tells when the provider hangs up.
            turn: what `awaiting_turn` has yielded.
        """
        provider = self._answering_provider
        if turn is None or not texts or provider is None:
            return WebhookAnswer(plain_response)
        replies = await self._take_replies(turn, receive)
        if not replies:
            return WebhookAnswer(plain_response)
        try:
            return WebhookAnswer(provider.webhook_response(replies), replies)
        except ProviderFailure as failure:
            self._events.publish(InlineReplyRefused(replies, failure.message))
        except Exception as error:  # the adapter's own mistake, and nothing has gone out yet
            self._events.publish(AdapterFailed(replies[0], error))
        await self._return_to_outbox(replies)
        return WebhookAnswer(plain_response)

    @contextmanager
    def recording_attempt(self, answer: WebhookAnswer) -> Iterator[None]:
        """Record the replies of a response as of unknown outcome once the response was sent."""
        problem = ""
        try:
            yield
        except BaseException:
            problem = "the caller hung up while it was answered"
            raise
        finally:
            if answer.replies:
                self._start_task(self._record_unknown(answer.replies, problem))

    async def _take_replies(self, turn: AwaitedTurn, receive: Receive) -> Sequence[Outbound]:
        """Return the replies to a text; none if they come too late or the provider hung up."""
        assert self._answer_within is not None
        timeout_s = self._answer_within.total_seconds()
        disconnect = asyncio.ensure_future(_wake_on_disconnect(receive, turn.wake_up))
        try:
            taken = await self.awaited_turns.replies(turn, timeout_s, disconnect.done)
        finally:
            disconnect.cancel()
        replies = [self._session.with_callback(outbound) for outbound in taken]
        # delivery rule 13: the attempts are recorded; now the response may go
        for outbound in replies:
            self._events.publish(AttemptStarted(outbound))
        return replies

    def _start_returning(self, replies: Sequence[Outbound]) -> None:
        self._start_task(self._return_to_outbox(replies))

    async def _return_to_outbox(self, replies: Sequence[Outbound]) -> None:
        now = self._clock.now()
        await retry_until_available(
            self._clock, "defer", lambda: self._store.defer([(one, now) for one in replies])
        )
        self._senders.wake_all()

    async def _record_unknown(self, replies: Sequence[Outbound], problem: str) -> None:
        now = self._clock.now()
        retry_at = now + self._session.unknown_grace
        # replay rule 16: a whole answer counts as taken, although nothing says that it arrived
        accepted_at = None if problem else now
        outcomes = [
            AttemptResult(
                outbound=one,
                status=Status.UNKNOWN,
                message=problem,
                retry_at=retry_at,
                accepted_at=accepted_at,
            )
            for one in replies
        ]
        await retry_until_available(
            self._clock, "record", lambda: self._store.record_results(outcomes)
        )
        for outbound in replies:
            recorded = AttemptRecorded(outbound, Status.UNKNOWN, problem, retry_at)
            self._events.publish(recorded)
        self._senders.note_settled()  # so that they look the outcome up, later


async def _wake_on_disconnect(receive: Receive, wake_up: WakeUp) -> None:
    """Wake up when the provider hangs up: after a whole request nothing but that can come."""
    await receive()
    wake_up.set()
