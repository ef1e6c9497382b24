"""Service: the life of an app at work: start, connect, run and stop, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Self

from msgspec.structs import asdict

from cooee.clocks.clock import Clock, WakeUp
from cooee.clocks.loop_calls import call_in_loop
from cooee.core.app.app import App
from cooee.core.backoff import Backoff
from cooee.core.error_text import error_text
from cooee.core.errors import (
    AppUnresponsive,
    CooeeError,
    DatabaseLost,
    PermanentFailure,
    StoreUnavailable,
    Unauthorized,
)
from cooee.net.http_client import ASGIApp, Transport
from cooee.providers import Provider, Subscription
from cooee.runtime import wiring
from cooee.runtime.app_loop import AppLoop
from cooee.runtime.event_log import write_event_to_log
from cooee.runtime.events import Events
from cooee.runtime.inbound.media import erase_forgotten_media
from cooee.runtime.inbound.poller import Poller
from cooee.runtime.log import error_location, log_event
from cooee.runtime.opt_outs import WordNotes, prepare_opt_out_words, sync_opt_outs
from cooee.runtime.provider_session import ProviderSession
from cooee.runtime.roles import Role
from cooee.runtime.start_hook import call_start_hook
from cooee.runtime.task_group import TaskGroup
from cooee.runtime.turns.app_version import CodeVersion
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.deploys import begin_code_version, retire_dialogues
from cooee.runtime.turns.places import CLAIM_TIMEOUT_S
from cooee.runtime.turns.unknown_dialogues import unknown_dialogue_notes
from cooee.runtime.watchdog import Watchdog
from cooee.runtime.web.health_only import health_only
from cooee.runtime.web.webhook_urls import WebhookURLs
from cooee.runtime.wiring import Parts, Resources, ServiceOptions, make_context, wire
from cooee.storage import Store

_DAY_S = 86_400
_BACKFILL_INTERVAL_S = 300.0  # between two polls for texts that no push could bring
_READ_FIRST = timedelta(minutes=1)  # at most, until timers run though nothing could be read
_MAX_COUNTED = 10_000  # of each kind, for /health
_SHARED_STORE_POLL_S = 1.0  # between two looks for what other processes wrote
_MIN_HISTORY = timedelta(days=35)  # provider ids are kept at least so long, against duplicates
_START_HOOK_WAIT_S = 1.0  # for start hooks that raise at once; others go on by themselves
_CONNECT_BACKOFF = Backoff.doubling(1, 60)


class Service:
    """An app at work: ``async with Service(...) as service``.

    `open` starts to answer what is stored, `connect` gets our number and starts to send and poll,
    `close` ends the turns and attempts under way. Entering the context opens, leaving it closes;
    the server of the webhooks starts between open and connect.

    Args:
        app: the app to run.
        provider: the provider's adapter.
        store: the conversations; closed at the end.
        transport: carries requests to the provider; closed at the end.
        clock: the clock that every part sleeps on.
        options: how to run.
    """

    def __init__(
        self,
        app: App[Any, Any],
        provider: Provider,
        store: Store,
        transport: Transport,
        clock: Clock,
        *,
        options: ServiceOptions | None = None,
    ) -> None:
        self.app, self.provider, self.store, self.clock = app, provider, store, clock
        self.options = options or ServiceOptions()
        self.events = Events([write_event_to_log])
        self._word_notes, self._dialogue_notes = WordNotes(provider), list[str]()
        self.parts: Parts
        self._tasks, edge = TaskGroup(clock, "service"), asyncio.get_running_loop()
        self._app_loop = app_loop = AppLoop(self.options.app_thread)
        outside = (provider, store, transport, clock)
        self._resources = Resources(
            app, *outside, self.options, self.events, self._tasks, edge, app_loop
        )
        self._stopping: WakeUp = clock.create_wake_up()
        self._poller: Poller | None = None
        self._watchdog = Watchdog(app_loop.loop, app_loop.thread_id)
        self._start_hooks: list[asyncio.Task[None]] = []
        self._failure: asyncio.Future[CooeeError] = edge.create_future()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def notes(self) -> Sequence[str]:
        """Sentences for the app's developer; a question may add one as it is asked."""
        return [*self._word_notes.notes, *self._dialogue_notes]

    @property
    def endpoints(self) -> ASGIApp:
        """The webhooks, /health and /send, as an ASGI app; without the role web, /health alone."""
        is_web = Role.WEB in self.options.roles
        return self._endpoints if is_web else health_only(self._endpoints)

    @property
    def session(self) -> ProviderSession:
        """The session with the provider."""
        return self.parts.session

    @property
    def context(self) -> TurnContext:
        """The context that all turns share."""
        return self.parts.context

    @property
    def subscription(self) -> Subscription | None:
        """Our number at the provider, once connected."""
        return self.session.subscription

    @property
    def is_polling(self) -> bool:
        """Say whether polls bring the texts, and not only texts that no push could bring."""
        return self._poller is not None and not (self.subscription and self.subscription.push_url)

    async def open(self) -> None:
        """Start to answer what is stored, and be ready for webhooks.

        Raises:
            DefinitionError: the app leaves people no keyword to opt out with.
            SettingError: the provider signs nothing, and our public URL shows its secret.
        """
        # Whatever may refuse the app comes first: its services have not been entered yet.
        self._webhook_urls = WebhookURLs(self.store, self.provider, self.options.public_url)
        await self._reload_webhook_secrets()
        opt_out_words, self._word_notes = prepare_opt_out_words(self.app, self.provider)
        code_version = CodeVersion(self.app)
        if Role.WORKER in self.options.roles:
            await begin_code_version(self.store, code_version())
        self._dialogue_notes = list(await unknown_dialogue_notes(self.app, self.store))
        context = make_context(
            self._resources,
            await self._enter_services(),
            opt_out_words,
            code_version,
            on_question=self._word_notes.add_question,
        )
        self.parts, self._endpoints = wire(
            self._resources, self._webhook_urls, context, opt_out_words, self.health
        )
        if self.options.shared:
            self.store.listen(wiring.make_listener(self._resources, self._wake_all))
        if self.options.media_config is not None:
            await erase_forgotten_media(self.store, self.options.media_config.storage)
        if self.provider.features.polling is not None:
            # replay rule 11: an answer that waits at the provider is read before its time-out ends
            self.parts.worker.timer_hold.begin(_READ_FIRST)
        self._watch_app_loop()
        if Role.WORKER in self.options.roles:
            self._tasks.keep_running("worker", lambda: self._app_loop.run(self.parts.worker.run))
            on_due, here = self.parts.worker.wake, (self.app, self.store, self.clock)
            self._tasks.start(retire_dialogues(*here, code_version(), on_due))
        self._tasks.keep_running("maintenance", self._run_maintenance)
        self.app.outbox = self.parts.outbox

    async def connect(self) -> None:
        """Get our number, then send and poll and call the start hooks; now, or once it works.

        Raises:
            PermanentFailure: the provider refuses for good: wrong credentials, say.
        """
        try:
            await self.session.login()
            await self._on_subscribed(await self.session.subscribe())
        except (PermanentFailure, Unauthorized):
            raise
        except CooeeError as error:
            log_event("not-connected", logging.WARNING, error=str(error))
            self._tasks.keep_running("connection", self._retry_connect)

    async def close(self, grace: float = 8) -> None:
        """Start nothing new, end what is under way within `grace` seconds, close the store."""
        is_app_lost = isinstance(self.failure, AppUnresponsive)
        if self._poller is not None:
            self._poller.stop()
        self.parts.worker.stop()
        self.parts.senders.stop()
        self.session.stop()
        self._stopping.set()
        if self.parts.media_fetcher is not None:
            await self.parts.media_fetcher.close()
        await self._tasks.close(0 if is_app_lost else grace)
        if self.app.outbox is self.parts.outbox:
            self.app.outbox = None
        is_blocked = self._watchdog.is_blocked
        self._watchdog.stop()
        try:
            if not await self._app_loop.exit(timeout_s=0 if is_blocked else None):
                log_event("services-not-left", logging.ERROR)
        finally:  # the app's lifespan may raise: the database is closed all the same
            await self._resources.transport.close()
            # delivery rule 20: an unclean exit, so that the next start counts the attempt
            if not is_app_lost:
                await self.store.close()

    async def until_started(self) -> None:
        """Wait for the start hooks; no longer than a moment for those that go on.

        Raises:
            StartFailed: one of them raised.
        """
        if self._start_hooks:
            await asyncio.wait(self._start_hooks, timeout=_START_HOOK_WAIT_S)
        if self.failure is not None:
            raise self.failure

    @property
    def failure(self) -> CooeeError | None:
        """Why this process cannot go on; None while it can."""
        return self._failure.result() if self._failure.done() else None

    async def until_failed(self) -> CooeeError:
        """Wait until this process cannot go on; return the error for people.

        A start hook raised, or the database or the app's event loop is lost.
        """
        return await asyncio.shield(self._failure)

    async def health(self) -> tuple[bool, Mapping[str, Any]]:
        """Say whether all is well, with details of polling, sending, handlers and the database."""
        database, counts = "ok", {}
        try:
            counts = asdict(await self.store.counts(up_to=_MAX_COUNTED))
        except CooeeError as error:
            database = str(error)
        polling = "off" if self._poller is None else self._poller.trouble or "ok"
        trouble = self.parts.senders.trouble or self.session.trouble
        sending = trouble or "ok" if self.parts.our_number.is_connected else "not connected"
        # delivery rule 10: a thread that was given up is named
        troubles = (self._watchdog.trouble, self.parts.worker.trouble)
        handlers = "; ".join(filter(None, troubles)) or "ok"
        tasks = "; ".join(filter(None, [str(self.failure or ""), self._tasks.trouble])) or "ok"
        report: dict[str, Any] = {"polling": polling, "sending": sending, "handlers": handlers}
        report |= {"tasks": tasks, "database": database, "counts": counts}
        is_ok = polling in {"ok", "off"} and sending == handlers == tasks == database == "ok"
        return is_ok, report

    async def _enter_services(self) -> Any:
        lifespan = self.app.services_lifespan
        return None if lifespan is None else await self._app_loop.enter(lifespan)

    def _watch_app_loop(self) -> None:
        """Check the worker's claims; where the app's loop is lost, let the process end."""
        check_places = self.parts.worker.check_places
        if self.options.app_thread is None:  # then nothing is left that could end the process
            self._watchdog.start(check_places)
            return
        edge = self._resources.edge

        def lose_app_loop(words: str) -> None:
            call_in_loop(edge, self._lose_app_loop, words)

        # delivery rule 20: a loop that stands still ends no claim
        self._watchdog.start(check_places, lose_app_loop, CLAIM_TIMEOUT_S)
        self.options.app_thread.ended.add_done_callback(
            lambda ended: lose_app_loop(_end_of_loop(ended.result()))
        )

    def _lose_app_loop(self, words: str) -> None:
        if not self._failure.done() and not self._tasks.is_cancelling:
            log_event("app-unresponsive", logging.CRITICAL, words=words)
            self._failure.set_result(
                AppUnresponsive(
                    f"Nobody is answered any more: {words}. The process ends, to be started again."
                )
            )

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
        await self.store.add_our_number(subscription.number)
        numbers_with_unsent = await self.store.numbers_with_unsent()
        for note in subscription.notes:
            log_event("subscription", logging.WARNING, note=note)
        is_pushed = subscription.push_url is not None
        log_event("connected", pushed=is_pushed, private={"ours": subscription.number})
        self.parts.our_number.set_connected()
        for number in dict.fromkeys([subscription.number, *numbers_with_unsent]):
            self.parts.senders.start(number)
        self._start_polling(subscription.number, is_pushed=is_pushed)
        self._tasks.start(self._sync_opt_outs())
        self._tasks.keep_running("subscription", self.session.keep_subscribed)
        hooks = self.app.start_hooks if Role.WORKER in self.options.roles else ()
        self._start_hooks = [self._tasks.start(self._run_start_hook(hook)) for hook in hooks]

    async def _run_start_hook(self, start_hook: Callable[[], Any]) -> None:
        failure = await self._app_loop.run(partial(call_start_hook, start_hook))
        if failure is not None and not self._tasks.is_cancelling:
            words = error_location(failure.__cause__ or failure)
            log_event("on-start-failed", logging.ERROR, error=words)
            self._fail(failure)

    def _fail(self, error: CooeeError) -> None:
        if not self._failure.done():
            self._failure.set_result(error)

    def _start_polling(self, ours: str, *, is_pushed: bool) -> None:
        features = self.provider.features
        if features.polling is None or (is_pushed and not features.backfill):
            self.parts.worker.timer_hold.release()
            return
        if Role.POLLER in self.options.roles:
            interval = _BACKFILL_INTERVAL_S if is_pushed else self.options.poll_interval
            self._poller = wiring.make_poller(self._resources, self.parts, ours, interval)
            self._tasks.keep_running("poller", self._poller.run)
        if Role.WORKER in self.options.roles:
            outside = (self._resources, self.parts, ours, self._stopping)
            self._tasks.keep_running("timers", wiring.make_timer_release(*outside))

    async def _reload_webhook_secrets(self) -> bool:
        """Read the secrets of our webhook URLs; say whether the newest has changed."""
        has_new_secret = await self._webhook_urls.reload()
        for secret in self._webhook_urls.secrets:
            self.options.redactor.add_secret(secret)
        return has_new_secret

    async def _run_maintenance(self) -> None:
        """Notice what other processes wrote, and forget each day what is too old to matter."""
        shared = self.options.shared
        # A shared store was idle for who knows how long: prune at once.
        pause, elapsed = (_SHARED_STORE_POLL_S, float(_DAY_S)) if shared else (float(_DAY_S), 0.0)
        while not await self._stopping.wait(pause):
            elapsed += pause
            try:
                if shared and await self.store.changed_externally():
                    await self._on_external_change()
                if elapsed >= _DAY_S:
                    elapsed = 0.0
                    await self._prune()
            except DatabaseLost as error:  # storage rule 15
                log_event("database-lost", logging.CRITICAL, error=str(error))
                self._fail(error)
                return
            except StoreUnavailable as error:
                log_event("store-unavailable", logging.ERROR, error=str(error), during="tick")
        self._stopping.set()

    def _wake_all(self) -> None:
        self.parts.worker.wake()
        self.parts.senders.wake_all()

    async def _on_external_change(self) -> None:
        self._wake_all()
        if self.parts.our_number.is_connected:  # another process may send for a number new to us
            for ours in await self.store.numbers_with_unsent():
                self.parts.senders.start(ours)
        if await self._reload_webhook_secrets():
            self.session.set_webhook(self._webhook_urls.url)

    async def _prune(self) -> None:
        # Not before the provider can repeat a text no more: its id is what refuses a duplicate.
        history = max(self.provider.features.replay_window, _MIN_HISTORY)
        await self.store.prune(self.clock.now() - history)
        await self._sync_opt_outs()

    async def _sync_opt_outs(self) -> None:
        ours = self.parts.our_number.known()
        if Role.SENDER in self.options.roles and ours:
            await sync_opt_outs(self.session, self.store, ours, self.events)


def _end_of_loop(error: BaseException | None) -> str:
    return f"the event loop of the app has ended by {'' if error is None else error_text(error)}"
