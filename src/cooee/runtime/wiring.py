"""The parts of a service, built from an app, a provider, a store, a transport and a clock.

Building starts nothing: `Service` starts and stops the parts, in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import msgspec

from cooee.clocks.clock import Clock, WakeUp
from cooee.clocks.loop_calls import call_in_loop, run_in_loop
from cooee.core.app.app import App
from cooee.core.app.offered_words import RESERVED_WORDS, plain_word
from cooee.core.app.opt_out import OptOutWords
from cooee.core.dialogue.waiting import Waiting
from cooee.net.http_client import Transport
from cooee.providers import Provider
from cooee.runtime.app_loop import AppLoop, AppThread
from cooee.runtime.events import Events
from cooee.runtime.inbound.media import MediaConfig, MediaFetcher, has_unfetched_media
from cooee.runtime.inbound.poller import Poller
from cooee.runtime.inbound.receiver import InboundReceiver
from cooee.runtime.log import log_event
from cooee.runtime.number_hold import NumberHold
from cooee.runtime.our_number import OurNumber
from cooee.runtime.outbound.backlog import Backlog
from cooee.runtime.outbound.concurrency import MAX_CONCURRENCY
from cooee.runtime.outbound.outbox import DurableOutbox
from cooee.runtime.outbound.quiet_hours import QuietHoursGate
from cooee.runtime.outbound.receipts import ReceiptHandler
from cooee.runtime.outbound.sender import Sender
from cooee.runtime.outbound.senders import Senders
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.redaction import Redactor
from cooee.runtime.roles import EVERY_ROLE, Role
from cooee.runtime.task_group import TaskGroup
from cooee.runtime.throttle import Throttle
from cooee.runtime.turns.app_version import CodeVersion
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.history import history_reader
from cooee.runtime.turns.newer_code import NewerCode
from cooee.runtime.turns.timer_hold import release_once_read
from cooee.runtime.turns.worker import Worker
from cooee.runtime.web.endpoints import HealthCheck, HTTPEndpoints
from cooee.runtime.web.first_attempts import FirstAttempts
from cooee.runtime.web.inline_replies import InlineReplies
from cooee.runtime.web.send_api import SendEndpoint
from cooee.runtime.web.webhook_urls import WebhookURLs
from cooee.storage import Claim, Store

_NEWS_PAUSE_S = 0.05  # between two wake-ups by other processes


class ServiceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a service runs.

    Args:
        public_url: the URL at which the provider reaches us; None polls instead.
        keep_direction: leave push or poll as it is at the provider.
        poll_interval: seconds to rest after a poll that brought nothing.
        shared: other processes may write to the store.
        media_config: how media are fetched before their turns, and where they are stored; None
            leaves media at the provider.
        redactor: masks secrets in logs and errors.
        send_token: the token that other processes show to POST /send and POST /start; "" refuses
            all of them.
        strict: run every turn of a dialogue twice and compare; for tests and development.
        concurrency: the most sends under way at once, per number; None leaves it to the provider.
        roles: the work that this process takes on; other processes do the rest.
        app_thread: the thread in whose event loop the app's code runs; None runs it in the loop
            that opens the service, beside all else.
    """

    public_url: str | None = None
    keep_direction: bool = False
    poll_interval: float = 1
    shared: bool = False
    media_config: MediaConfig | None = None
    redactor: Redactor = msgspec.field(default_factory=Redactor)
    send_token: str = ""
    strict: bool = False
    concurrency: int | None = None
    roles: frozenset[Role] = EVERY_ROLE
    app_thread: AppThread | None = None


class Resources(msgspec.Struct, frozen=True):
    """The things from which every part of one service is built.

    `edge` is the event loop that receives and sends, `app_loop` that of the app's code; they may
    be the same.
    """

    app: App[Any, Any]
    provider: Provider
    store: Store
    transport: Transport
    clock: Clock
    options: ServiceOptions
    events: Events
    tasks: TaskGroup
    edge: asyncio.AbstractEventLoop
    app_loop: AppLoop


class Parts(msgspec.Struct, frozen=True):
    """The parts of one service, wired to each other."""

    session: ProviderSession
    our_number: OurNumber
    context: TurnContext
    worker: Worker
    senders: Senders
    outbox: DurableOutbox
    inbound_receiver: InboundReceiver
    receipt_handler: ReceiptHandler
    backlog: Backlog
    media_fetcher: MediaFetcher | None


def make_context(
    resources: Resources,
    services: Any,
    opt_out_words: OptOutWords,
    code_version: CodeVersion,
    *,
    on_question: Callable[[str, Waiting], None],
) -> TurnContext:
    """Make the context that all turns of the service share."""
    provider, features = resources.provider, resources.provider.features
    return TurnContext(
        resources.app,
        services,
        resources.clock.now,
        partial(history_reader, resources.store),
        opt_out_words,
        RESERVED_WORDS.union(map(plain_word, features.opt_out_words | features.help_words)),
        provider_without_media="" if features.media else provider.name,
        max_text=features.max_text,
        code_version=code_version,
        strict=resources.options.strict,
        warn=_WarnOnce(),
        on_question=on_question,
        events=resources.events,
    )


def wire(
    resources: Resources,
    webhook_urls: WebhookURLs,
    context: TurnContext,
    opt_out_words: OptOutWords,
    check_health: HealthCheck,
) -> tuple[Parts, HTTPEndpoints]:
    """Build the parts, and the endpoints at which texts come in where no poller reads them."""
    session = _make_session(resources, webhook_urls)
    our_number = OurNumber(session, resources.store, resources.clock)

    def wake_worker() -> None:
        worker.wake()

    receipt_handler = _make_receipt_handler(resources, wake_worker)
    backlog = Backlog(resources.clock)
    resources.events.subscribe(backlog.hear_event)
    senders = _make_senders(resources, session, receipt_handler, backlog)
    inline_replies = _make_inline_replies(resources, session, senders)

    def announce_text(ours: str) -> None:
        if our_number.is_connected:
            senders.start(ours)

    media_fetcher = _make_media_fetcher(resources, session, wake_worker)
    first_attempts = FirstAttempts(
        resources.store, inline_replies.awaited_turns, senders, resources.tasks.start
    )
    worker = _make_worker(resources, context, first_attempts, media_fetcher)
    inbound_receiver = InboundReceiver(
        resources.provider.features,
        opt_out_words,
        resources.store,
        announce_text,
        our_number.known,
        clock=resources.clock,
        wake_worker=wake_worker,
        handed_claims=worker.handed_claims,
        start_task=resources.tasks.start,
        events=resources.events,
    )
    outbox = _make_outbox(resources, our_number, senders, wake_worker)
    parts = Parts(
        session,
        our_number,
        context,
        worker,
        senders,
        outbox,
        inbound_receiver,
        receipt_handler,
        backlog,
        media_fetcher,
    )
    return parts, _make_endpoints(resources, parts, webhook_urls, inline_replies, check_health)


def _make_outbox(
    resources: Resources, our_number: OurNumber, senders: Senders, wake_worker: Callable[[], None]
) -> DurableOutbox:
    return DurableOutbox(
        resources.app,
        resources.store,
        resources.clock,
        max_text=resources.provider.features.max_text,
        our_number=our_number.wait,
        on_queued=lambda ours: call_in_loop(resources.edge, senders.wake, ours),
        on_started=wake_worker,
        events=resources.events,
    )


def _make_endpoints(
    resources: Resources,
    parts: Parts,
    webhook_urls: WebhookURLs,
    inline_replies: InlineReplies,
    check_health: HealthCheck,
) -> HTTPEndpoints:
    return HTTPEndpoints(
        resources.provider,
        webhook_urls=webhook_urls,
        public_url=resources.options.public_url,
        inbound_receiver=parts.inbound_receiver,
        receipt_handler=parts.receipt_handler,
        inline_replies=inline_replies,
        backlog=parts.backlog,
        clock=resources.clock,
        check_health=check_health,
        send_endpoint=SendEndpoint(
            resources.options.send_token,
            resources.app.routes,
            parts.outbox,
            parts.our_number.known,
        ),
        events=resources.events,
    )


def _make_caught_up(resources: Resources, ours: str) -> NumberHold:
    """Make the hold that says, where a process has it: the number's poller has caught up."""
    return NumberHold(ours, "caught up", resources.store, resources.clock)


def make_timer_release(
    resources: Resources, parts: Parts, ours: str, stopping: WakeUp
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Make the function that lets timers run once another process has polled all of a number."""
    caught_up = _make_caught_up(resources, ours)
    return partial(release_once_read, parts.worker.timer_hold, stopping, caught_up)


def make_listener(resources: Resources, on_news: Callable[[], None]) -> Callable[[], None]:
    """Make the function that a store calls, from any thread, when other processes stored work."""
    throttle = Throttle(on_news, _NEWS_PAUSE_S, resources.clock, resources.tasks.start)
    return lambda: call_in_loop(resources.edge, throttle.call)


def make_poller(resources: Resources, parts: Parts, ours: str, interval: float) -> Poller:
    """Make the poller of a number, which rests `interval` seconds after an empty poll."""
    return Poller(
        ours,
        hold=NumberHold(ours, "poller", resources.store, resources.clock),
        caught_up=_make_caught_up(resources, ours),
        session=parts.session,
        store=resources.store,
        inbound_receiver=parts.inbound_receiver,
        receipt_handler=parts.receipt_handler,
        clock=resources.clock,
        interval=interval,
        events=resources.events,
        on_caught_up=parts.worker.timer_hold.release,
    )


def _make_session(resources: Resources, webhook_urls: WebhookURLs) -> ProviderSession:
    return ProviderSession(
        resources.provider,
        resources.transport,
        resources.clock,
        webhook_base_url=webhook_urls.url,
        keep_direction=resources.options.keep_direction,
        redactor=resources.options.redactor,
    )


def _make_receipt_handler(resources: Resources, on_refused: Callable[[], None]) -> ReceiptHandler:
    def start_in_app_loop(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        resources.tasks.start(resources.app_loop.run(function))

    return ReceiptHandler(
        resources.app, resources.store, resources.events, start_in_app_loop, on_refused=on_refused
    )


def _make_senders(
    resources: Resources,
    session: ProviderSession,
    receipt_handler: ReceiptHandler,
    backlog: Backlog,
) -> Senders:
    allowed = resources.options.concurrency or resources.provider.features.concurrency

    def make_sender(ours: str) -> Sender:
        return Sender(
            ours,
            hold=NumberHold(ours, "sender", resources.store, resources.clock),
            session=session,
            store=resources.store,
            receipt_handler=receipt_handler,
            clock=resources.clock,
            policy=resources.app.unknown,
            quiet_hours=QuietHoursGate(resources.app.quiet_hours, ours),
            max_concurrency=allowed or MAX_CONCURRENCY,
            backlog=backlog,
            events=resources.events,
        )

    is_active = Role.SENDER in resources.options.roles
    return Senders(make_sender, resources.tasks.keep_running, is_active=is_active)


def _make_inline_replies(
    resources: Resources, session: ProviderSession, senders: Senders
) -> InlineReplies:
    return InlineReplies(
        session,
        resources.store,
        resources.clock,
        start_task=resources.tasks.start,
        senders=senders,
        runs_turns=Role.WORKER in resources.options.roles,
        events=resources.events,
    )


def _make_worker(
    resources: Resources,
    context: TurnContext,
    first_attempts: FirstAttempts,
    media_fetcher: MediaFetcher | None,
) -> Worker:
    # delivery rule 24: the worker runs in the loop of the app's code, and the others in the edge
    edge, newer_code = resources.edge, NewerCode(context, resources.store, resources.clock)

    async def prepare(claims: Sequence[Claim]) -> Sequence[Claim]:
        claims = await newer_code.hand_over(claims)
        if media_fetcher is None or not any(map(has_unfetched_media, claims)):
            return claims
        return await run_in_loop(edge, partial(media_fetcher.hold_back, claims))

    return Worker(
        context,
        resources.store,
        resources.clock,
        finish=first_attempts.finish,
        prepare=prepare,
    )


def _make_media_fetcher(
    resources: Resources, session: ProviderSession, on_fetched: Callable[[], None]
) -> MediaFetcher | None:
    config = resources.options.media_config
    if config is None:
        return None
    return MediaFetcher(
        session, resources.store, config, resources.clock, on_fetched, events=resources.events
    )


class _WarnOnce:
    """Logs each warning about a dialogue once, however often its line of code runs."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def __call__(self, message: str) -> None:
        if message not in self._logged:
            self._logged.add(message)
            log_event("dialogue-warning", logging.WARNING, words=message)
