"""Replies that travel in the webhook's own response, which waits for the turn of its text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import msgspec

from cooee.clocks.clock import Clock
from cooee.core.errors import ProviderFailure
from cooee.core.http_messages import Response
from cooee.core.messages import Inbound, Outbound, Status
from cooee.net.asgi import write_response
from cooee.net.http_client import Receive, Send
from cooee.providers import RepliesInWebhook
from cooee.runtime.events import (
    AdapterFailed,
    AttemptStarted,
    Events,
    InlineReplyRefused,
)
from cooee.runtime.outbound.result_recorder import ResultRecorder
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
        self._recorder = ResultRecorder(
            store, clock, events, lambda result, _: result, start_task=start_task
        )
        provider = session.provider  # asked once: a protocol's check of an instance is slow
        self._answering_provider = provider if isinstance(provider, RepliesInWebhook) else None
        self._answer_within = provider.features.reply_within if runs_turns else None

    def receipts_arrived(self) -> None:
        """Tell the senders: a receipt may settle the attempt that a later text waits for."""
        if self._answer_within is not None:
            self._senders.note_settled()

    def expect_turn(self, texts: Sequence[Inbound]) -> AwaitedTurn | None:
        """Expect the turn of a webhook's text, before the text is stored; `leave_turn` follows.

        None where the webhook does not wait: it has several texts, one without a `provider_id`,
        or one that another webhook brings at this moment.
        """
        provider_id = texts[0].provider_id if len(texts) == 1 else ""
        if self._answering_provider is None or self._answer_within is None or not provider_id:
            return None
        return self.awaited_turns.expect(provider_id)

    def leave_turn(self, turn: AwaitedTurn | None) -> None:
        """Expect a turn no more."""
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
            turn: what `expect_turn` has returned.
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

    async def write(self, send: Send, answer: WebhookAnswer) -> None:
        """Write a response; record its replies as of unknown outcome once it was sent."""
        problem = "the caller hung up while it was answered"
        try:
            await write_response(send, answer.response)
            problem = ""
        finally:
            for outbound in answer.replies:
                self._record_unknown(outbound, problem)

    async def _take_replies(self, turn: AwaitedTurn, receive: Receive) -> Sequence[Outbound]:
        """Return the replies to a text; none if they come too late or the provider hung up."""
        assert self._answer_within is not None
        timeout_s = self._answer_within.total_seconds()
        # after a whole request nothing comes but the provider's leaving
        leaving = asyncio.ensure_future(receive())
        wake_up = partial(_wake, turn)
        leaving.add_done_callback(wake_up)
        try:
            taken = await self.awaited_turns.replies(turn, timeout_s, leaving.done)
        finally:
            leaving.remove_done_callback(wake_up)
            leaving.cancel()
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

    def _record_unknown(self, outbound: Outbound, problem: str) -> None:
        now = self._clock.now()
        result = AttemptResult(
            outbound=outbound,
            status=Status.UNKNOWN,
            message=problem,
            retry_at=now + self._session.unknown_grace,
            # replay rule 16: a whole answer counts as taken, although nothing says that it arrived
            accepted_at=None if problem else now,
        )
        # so that the senders look the outcome up, later
        self._recorder.add(result, lambda _: self._senders.note_settled())


def _wake(turn: AwaitedTurn, _: object) -> None:
    turn.wake_up.set()
