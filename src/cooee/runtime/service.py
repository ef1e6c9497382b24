"""Joins an app, a provider and a store, and runs them together."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any, Self

from cooee.clocks.clock import Clock, WakeUp
from cooee.core.app.app import App
from cooee.core.app.opt_out import OptOutWords
from cooee.core.backoff import Backoff
from cooee.core.errors import CooeeError, PermanentFailure, StoreUnavailable, Unauthorized
from cooee.net.http_client import Transport
from cooee.providers import Provider, Subscription
from cooee.runtime import opt_outs as consent
from cooee.runtime.event_log import write_event_to_log
from cooee.runtime.events import Events
from cooee.runtime.inbound.media import MediaConfig, MediaFetcher, erase_forgotten_media
from cooee.runtime.inbound.poller import Poller
from cooee.runtime.inbound.receiver import InboundReceiver
from cooee.runtime.log import error_location, log_event
from cooee.runtime.outbound.outbox import DurableOutbox
from cooee.runtime.outbound.quiet_hours import QuietHoursGate
from cooee.runtime.outbound.receipts import ReceiptHandler
from cooee.runtime.outbound.sender import Sender
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.redaction import Redactor
from cooee.runtime.task_group import TaskGroup
from cooee.runtime.turns.app_version import code_version_of
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.history import history_reader
from cooee.runtime.turns.unknown_dialogues import unknown_dialogue_notes
from cooee.runtime.turns.worker import Worker
from cooee.runtime.watchdog import Watchdog
from cooee.runtime.web.endpoints import HTTPEndpoints
from cooee.runtime.web.inline_replies import InlineReplies
from cooee.runtime.web.send_api import SendEndpoint
from cooee.runtime.web.webhook_urls import WebhookURLs
from cooee.storage import Claim, Store

_DAY_S = 86_400
_CONNECT_BACKOFF = Backoff.doubling(1, 60)
_BACKFILL_INTERVAL_S = 300.0  # seconds between two looks for what no push could bring


class Service:
    """An app at work: ``async with Service(...) as service``.

    `open` starts answering what is stored, `connect` makes sure of our number and starts
    sending and reading, `close` ends the turns and attempts under way. Entering the context
    does the first, leaving it the last: a webhook's server belongs between open and connect.

    Args:
        app: what to run.
        provider: the company.
        store: where everything is kept; closed at the end.
        transport: how requests reach the company; closed at the end.
        clock: what everything sleeps on.
        public_url: where the company reaches us; None reads instead.
        keep: leave the direction at the company as it is.
        poll_interval: seconds to rest after reading nothing.
        shared: whether other processes may write to the store.
        cloakroom: how pictures are fetched before their turns, and where they are kept; None
            leaves them where they lie.
        discretion: what no failure may say.
        send_token: what other processes show to POST /send; "" lets none send.
        strict: run every turn of a dialogue twice and compare; for tests and development.
    """

    def __init__(
        self,
        app: App[Any, Any],
        provider: Provider,
        store: Store,
        transport: Transport,
        clock: Clock,
        *,
        public_url: str | None = None,
        keep_direction: bool = False,
        poll_interval: float = 1,
        shared: bool = False,
        media_config: MediaConfig | None = None,
        redactor: Redactor | None = None,
        send_token: str = "",
        strict: bool = False,
    ) -> None:
        self.app, self.provider, self.store, self.clock = app, provider, store, clock
        self._transport, self._public_url, self._keep_direction = (
            transport,
            public_url,
            keep_direction,
        )
        self._poll_interval, self._shared = poll_interval, shared
        self._media_config = media_config
        self.events = Events([write_event_to_log])
        self._redactor = redactor or Redactor()
        self._outbox = DurableOutbox(
            app,
            store,
            clock,
            our_number=self._wait_for_our_number,
            on_queued=lambda ours: self._sender_of(ours).wake_up.set(),
            events=self.events,
            on_started=self._on_dialogue_started,
        )
        self._send_endpoint = SendEndpoint(send_token, self._outbox, self._our_number_or_empty)
        self._strict, self._code_version = strict, ""
        self._warnings_logged: set[str] = set()
        self._stopping: WakeUp = clock.create_wake_up()
        self._connected = asyncio.Event()
        self._senders: dict[str, Sender] = {}
        self._poller: Poller | None = None
        self._media_fetcher: MediaFetcher | None = None
        self.notes: Sequence[str] = ()
        self._task_group = TaskGroup(clock, "service")
        self._exit_stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def subscription(self) -> Subscription | None:
        """Our number at the company, once connected."""
        return self.session.subscription

    @property
    def is_polling(self) -> bool:
        """Whether texts are brought by reading, and not only what no push could bring."""
        pushed = self.subscription is not None and self.subscription.push_url is not None
        return self._poller is not None and not pushed

    async def open(self) -> None:
        """Start answering what is stored, and be ready for webhooks.

        Raises:
            DefinitionError: the app leaves people no word to opt out with.
            SettingError: our address is none that a provider who signs nothing can call safely.
        """
        self._webhook_urls = WebhookURLs(self.store, self.provider, self._public_url)
        await self._reload_webhook_secrets()
        self.session = ProviderSession(
            self.provider,
            self._transport,
            self.clock,
            webhook_base_url=self._webhook_urls.url,
            keep_direction=self._keep_direction,
            redactor=self._redactor,
        )
        self._receipt_handler = ReceiptHandler(self.app, self.store, self.events)
        opt_out_words, self.notes = consent.prepare_opt_out_words(self.app, self.provider)
        features, our_number = self.provider.features, self._our_number_or_empty
        self._inbound_receiver = InboundReceiver(
            features,
            opt_out_words,
            self.store,
            self._on_inbound_stored,
            our_number,
            events=self.events,
        )
        inline_replies = self._make_endpoints()
        await self._prepare_dialogues()
        self.context = self._make_context(await self._enter_services(), opt_out_words)
        self._worker = Worker(
            self.context,
            self.store,
            self.clock,
            self._wake_senders,
            on_finish=inline_replies.turns_finished,
            prepare=self._hold_back_media,
        )
        if self._media_config is not None:
            await erase_forgotten_media(self.store, self._media_config.storage)
            wake_worker = self._worker.wake_up.set
            self._media_fetcher = MediaFetcher(
                self.session,
                self.store,
                self._media_config,
                self.clock,
                wake_worker,
                events=self.events,
            )
        self._watchdog = Watchdog()
        self._watchdog.start()
        self._task_group.start(self._worker.run())
        self._task_group.start(self._run_maintenance())
        self.app.outbox = self._outbox

    async def connect(self) -> None:
        """Make sure of our number, then send, read and start; at once or as soon as it works.

        Raises:
            PermanentFailure: the provider says no for good: wrong credentials, say.
        """
        try:
            await self.session.login()
            await self._on_subscribed(await self.session.subscribe())
        except (PermanentFailure, Unauthorized):
            raise
        except CooeeError as error:
            log_event("not-connected", logging.WARNING, error=str(error))
            self._task_group.start(self._retry_connect())

    async def close(self, grace: float = 8) -> None:
        """Take nothing new, end what is under way within `grace` seconds, close the store."""
        if self._poller is not None:
            self._poller.stop()
        self._worker.stop()
        for sender in self._senders.values():
            sender.stop()
        self.session.stop()
        self._stopping.set()
        if self._media_fetcher is not None:
            await self._media_fetcher.close()
        await self._task_group.close(grace)
        if self.app.outbox is self._outbox:
            self.app.outbox = None
        self._watchdog.stop()
        await self._exit_stack.aclose()
        await self._transport.close()
        await self.store.close()

    async def health(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether all is well, and the particulars of polling, sending and the database."""
        database, counts = "ok", {}
        try:
            stored_counts = await self.store.census()
            counts = {
                name: getattr(stored_counts, name) for name in stored_counts.__struct_fields__
            }
        except CooeeError as error:
            database = str(error)
        polling = "off" if self._poller is None else self._poller.trouble or "ok"
        troubles = [sender.trouble for sender in self._senders.values() if sender.trouble]
        sending = "not connected" if not self._connected.is_set() else "; ".join(troubles) or "ok"
        report = {"polling": polling, "sending": sending, "database": database, "counts": counts}
        return polling in {"ok", "off"} and sending == "ok" and database == "ok", report

    # The parts

    async def _retry_connect(self) -> None:
        attempts = 1
        while not await self._stopping.wait(_CONNECT_BACKOFF.pause_s(attempts)):
            try:
                await self._on_subscribed(await self.session.subscribe())
            except CooeeError as error:
                log_event("not-connected", logging.WARNING, error=str(error))
                attempts += 1
            else:
                return
        self._stopping.set()

    async def _on_subscribed(self, subscription: Subscription) -> None:
        await self.store.keep_number(subscription.number)
        unsent = await self.store.numbers()
        for note in subscription.notes:
            log_event("subscription", logging.WARNING, note=note)
        pushed = subscription.push_url is not None
        log_event("connected", pushed=pushed, private={"ours": subscription.number})
        self._connected.set()
        for number in dict.fromkeys([subscription.number, *unsent]):
            self._sender_of(number)
        features = self.provider.features
        if features.polling is not None and (not pushed or features.backfill):
            self._poller = Poller(
                subscription.number,
                session=self.session,
                store=self.store,
                inbound_receiver=self._inbound_receiver,
                receipt_handler=self._receipt_handler,
                clock=self.clock,
                interval=_BACKFILL_INTERVAL_S if pushed else self._poll_interval,
                events=self.events,
            )
            self._task_group.start(self._poller.run())
        self._task_group.start(consent.sync_opt_outs(self.session, self.store, subscription.number))
        self._task_group.start(self.session.keep_subscribed())
        for start_hook in self.app.start_hooks:
            self._task_group.start(_call_start_hook(start_hook))

    def _make_endpoints(self) -> InlineReplies:
        """Be ready for webhooks; those that hold the line until their text is answered."""
        start_task, wake_senders = self._task_group.start, self._wake_senders
        inline_replies = InlineReplies(
            self.session,
            self.store,
            self.clock,
            start_task=start_task,
            wake_senders=wake_senders,
            events=self.events,
        )
        self.endpoints = HTTPEndpoints(
            self.provider,
            webhook_urls=self._webhook_urls,
            public_url=self._public_url,
            inbound_receiver=self._inbound_receiver,
            receipt_handler=self._receipt_handler,
            inline_replies=inline_replies,
            clock=self.clock,
            check_health=self.health,
            send_endpoint=self._send_endpoint,
            events=self.events,
        )
        return inline_replies

    async def _enter_services(self) -> Any:
        if self.app.services_lifespan is None:
            return None
        return await self._exit_stack.enter_async_context(self.app.services_lifespan())

    async def _prepare_dialogues(self) -> None:
        """Try again what other code could not answer, and end the dialogues that were retired."""
        self._code_version = code_version_of(self.app)
        await self.store.renew(self._code_version, list(self.app.retired_dialogues))
        self.notes = [*self.notes, *await unknown_dialogue_notes(self.app, self.store)]

    def _make_context(self, services: Any, opt_out_words: OptOutWords) -> TurnContext:
        return TurnContext(
            self.app,
            services,
            self.clock.now,
            partial(history_reader, self.store),
            opt_out_words,
            provider_without_media="" if self.provider.features.media else self.provider.name,
            code_version=self._code_version,
            strict=self._strict,
            warn=self._warn_once,
            events=self.events,
        )

    async def _hold_back_media(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        return (
            claims if self._media_fetcher is None else await self._media_fetcher.hold_back(claims)
        )

    def _warn_once(self, message: str) -> None:
        """Log what a dialogue is warned of; each line of code once, however often it is run."""
        if message not in self._warnings_logged:
            self._warnings_logged.add(message)
            log_event("dialogue-warning", logging.WARNING, words=message)

    async def _reload_webhook_secrets(self) -> bool:
        """Read the words in our webhooks' path; whether the company is to call another now."""
        has_new_secret = await self._webhook_urls.reload()
        for secret in self._webhook_urls.secrets:
            self._redactor.add_secret(secret)
        return has_new_secret

    async def _wait_for_our_number(self) -> str:
        """Our number: as the company says it or, while we cannot ask, as it was last time."""
        if self.subscription is None:
            known = await self.store.our_numbers()
            if len(known) == 1:
                return known[0]
            await self._connected.wait()
        return self._our_number_or_empty()

    def _our_number_or_empty(self) -> str:
        return self.subscription.number if self.subscription else ""

    def _sender_of(self, ours: str) -> Sender:
        """The sender of one of our numbers, started when it is first needed."""
        sender = self._senders.get(ours)
        if sender is None:
            sender = Sender(
                ours,
                session=self.session,
                store=self.store,
                receipt_handler=self._receipt_handler,
                clock=self.clock,
                policy=self.app.unknown,
                quiet_hours=QuietHoursGate(self.app.quiet_hours, ours),
                events=self.events,
            )
            self._senders[ours] = sender
            self._task_group.start(sender.run())
        return sender

    def _on_inbound_stored(self, ours: str) -> None:
        self._worker.wake_up.set()
        if self._connected.is_set():
            self._sender_of(ours)

    def _on_dialogue_started(self) -> None:
        self._worker.wake_up.set()

    def _wake_senders(self) -> None:
        for sender in self._senders.values():
            sender.wake_up.set()

    async def _run_maintenance(self) -> None:
        """Notice what other processes wrote, and forget what no provider repeats any more."""
        pause, elapsed = (1.0, float(_DAY_S)) if self._shared else (float(_DAY_S), 0.0)
        while not await self._stopping.wait(pause):
            elapsed += pause
            try:
                if self._shared and await self.store.changed():
                    self._worker.wake_up.set()
                    self._wake_senders()
                    if await self._reload_webhook_secrets():
                        self.session.set_webhook(self._webhook_urls.url)
                if elapsed >= _DAY_S:
                    elapsed = 0.0
                    window = self.provider.features.replay_window
                    await self.store.prune(self.clock.now() - max(window, timedelta(days=35)))
                    if self._connected.is_set():
                        await consent.sync_opt_outs(
                            self.session, self.store, self._our_number_or_empty()
                        )
            except StoreUnavailable as error:
                log_event("store-unavailable", logging.ERROR, error=str(error), during="tick")
        self._stopping.set()


async def _call_start_hook(start_hook: Callable[[], Any]) -> None:
    try:
        result = start_hook()
        if inspect.isawaitable(result):
            await result
    except Exception as error:  # an announcement that fails must not stop the answering
        log_event("on-start-failed", logging.ERROR, error=error_location(error))
