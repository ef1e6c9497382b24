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

from cooee.clocks.clock import Bell, Clock
from cooee.core.app.app import App
from cooee.core.app.opt_out import Words
from cooee.core.errors import CooeeError, PermanentFailure, StoreUnavailable, Unauthorized
from cooee.net.http_client import Transport
from cooee.providers import Provider, Subscription
from cooee.runtime import opt_outs as consent
from cooee.runtime.inbound.media import Cloakroom, Fetcher, sweep
from cooee.runtime.inbound.poller import Poller
from cooee.runtime.inbound.receiver import Intake
from cooee.runtime.log import blame, tell
from cooee.runtime.outbound.outbox import Outbox
from cooee.runtime.outbound.quiet_hours import Night
from cooee.runtime.outbound.receipts import Newsroom
from cooee.runtime.outbound.sender import Sender
from cooee.runtime.provider_session import Account
from cooee.runtime.redaction import Discretion
from cooee.runtime.task_group import Crew
from cooee.runtime.turns.app_version import program_of
from cooee.runtime.turns.context import Observer, Surroundings
from cooee.runtime.turns.history import recall
from cooee.runtime.turns.unknown_dialogues import orphans
from cooee.runtime.turns.worker import Worker
from cooee.runtime.watchdog import Watchdog
from cooee.runtime.web.endpoints import Web
from cooee.runtime.web.inline_replies import Callers
from cooee.runtime.web.send_api import Letters
from cooee.runtime.web.webhook_urls import Hooks
from cooee.storage import Claim, Store

_DAY = 86_400
_BACKFILL = 300.0  # seconds between two looks for what no push could bring


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
        observe: told of every turn as it is played; for development.
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
        keep: bool = False,
        poll_interval: float = 1,
        shared: bool = False,
        observe: Observer = lambda _: None,
        cloakroom: Cloakroom | None = None,
        discretion: Discretion | None = None,
        send_token: str = "",
        strict: bool = False,
    ) -> None:
        self.app, self.provider, self.store, self.clock = app, provider, store, clock
        self._transport, self._public_url, self._keep = transport, public_url, keep
        self._poll_interval, self._shared = poll_interval, shared
        self._observe, self._cloakroom = observe, cloakroom
        self._discretion = discretion or Discretion()
        self._outbox = Outbox(
            app,
            store,
            clock,
            ours=self._only_number,
            queued=lambda ours: self._sender(ours).bell.ring(),
            begun=self._begun,
        )
        self._letters = Letters(send_token, self._outbox, self._near)
        self._strict, self._program = strict, ""
        self._warned: set[str] = set()
        self._leaving: Bell = clock.bell()
        self._connected = asyncio.Event()
        self._senders: dict[str, Sender] = {}
        self._poller: Poller | None = None
        self._fetcher: Fetcher | None = None
        self.notes: Sequence[str] = ()
        self._crew = Crew(clock, "service")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def subscription(self) -> Subscription | None:
        """Our number at the company, once connected."""
        return self.account.subscription

    @property
    def reading(self) -> bool:
        """Whether texts are brought by reading, and not only what no push could bring."""
        pushed = self.subscription is not None and self.subscription.pushes_to is not None
        return self._poller is not None and not pushed

    async def open(self) -> None:
        """Start answering what is stored, and be ready for webhooks.

        Raises:
            DefinitionError: the app leaves people no word to opt out with.
            SettingError: our address is none that a provider who signs nothing can call safely.
        """
        self._hooks = Hooks(self.store, self.provider, self._public_url)
        await self._renew_hooks()
        self.account = Account(
            self.provider,
            self._transport,
            self.clock,
            hook=self._hooks.url,
            keep=self._keep,
            discretion=self._discretion,
        )
        self._newsroom = Newsroom(self.app, self.store)
        words, self.notes = consent.settle(self.app, self.provider)
        features, near = self.provider.features, self._near
        self._intake = Intake(features, words, self.store, self._came, near)
        callers = self._open_web()
        await self._renew_dialogues()
        self.around = self._surroundings(await self._services(), words)
        self._worker = Worker(
            self.around,
            self.store,
            self.clock,
            self._ring_senders,
            over=callers.over,
            sift=self._sift,
        )
        if self._cloakroom is not None:
            await sweep(self.store, self._cloakroom.shelf)
            ring = self._worker.bell.ring
            self._fetcher = Fetcher(self.account, self.store, self._cloakroom, self.clock, ring)
        self._watchdog = Watchdog()
        self._watchdog.start()
        self._crew.start(self._worker.run())
        self._crew.start(self._tick())
        self.app.outbox = self._outbox

    async def connect(self) -> None:
        """Make sure of our number, then send, read and start; at once or as soon as it works.

        Raises:
            PermanentFailure: the provider says no for good: wrong credentials, say.
        """
        try:
            await self.account.login()
            await self._begin(await self.account.subscribe())
        except (PermanentFailure, Unauthorized):
            raise
        except CooeeError as error:
            tell("not-connected", logging.WARNING, error=str(error))
            self._crew.start(self._connect_later())

    async def close(self, grace: float = 8) -> None:
        """Take nothing new, end what is under way within `grace` seconds, close the store."""
        if self._poller is not None:
            self._poller.stop()
        self._worker.stop()
        for sender in self._senders.values():
            sender.stop()
        self.account.leave()
        self._leaving.ring()
        if self._fetcher is not None:
            await self._fetcher.close()
        await self._crew.end(grace)
        if self.app.outbox is self._outbox:
            self.app.outbox = None
        self._watchdog.stop()
        await self._stack.aclose()
        await self._transport.close()
        await self.store.close()

    async def health(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether all is well, and the particulars of polling, sending and the database."""
        database, counts = "ok", {}
        try:
            census = await self.store.census()
            counts = {name: getattr(census, name) for name in census.__struct_fields__}
        except CooeeError as error:
            database = str(error)
        polling = "off" if self._poller is None else self._poller.trouble or "ok"
        troubles = [sender.trouble for sender in self._senders.values() if sender.trouble]
        sending = "not connected" if not self._connected.is_set() else "; ".join(troubles) or "ok"
        report = {"polling": polling, "sending": sending, "database": database, "counts": counts}
        return polling in {"ok", "off"} and sending == "ok" and database == "ok", report

    # The parts

    async def _connect_later(self) -> None:
        pause = 1.0
        while not await self._leaving.wait(pause):
            try:
                await self._begin(await self.account.subscribe())
            except CooeeError as error:
                tell("not-connected", logging.WARNING, error=str(error))
                pause = min(pause * 2, 60)
            else:
                return
        self._leaving.ring()

    async def _begin(self, subscription: Subscription) -> None:
        await self.store.keep_number(subscription.number)
        unsent = await self.store.numbers()
        for note in subscription.notes:
            tell("subscription", logging.WARNING, note=note)
        pushed = subscription.pushes_to is not None
        tell("connected", pushed=pushed, private={"ours": subscription.number})
        self._connected.set()
        for number in dict.fromkeys([subscription.number, *unsent]):
            self._sender(number)
        features = self.provider.features
        if features.polling is not None and (not pushed or features.backfill):
            self._poller = Poller(
                subscription.number,
                account=self.account,
                store=self.store,
                intake=self._intake,
                newsroom=self._newsroom,
                clock=self.clock,
                interval=_BACKFILL if pushed else self._poll_interval,
            )
            self._crew.start(self._poller.run())
        self._crew.start(consent.sync(self.account, self.store, subscription.number))
        self._crew.start(self.account.watch())
        for starter in self.app.starters:
            self._crew.start(_call(starter))

    def _open_web(self) -> Callers:
        """Be ready for webhooks; those that hold the line until their text is answered."""
        start, ring = self._crew.start, self._ring_senders
        callers = Callers(self.account, self.store, self.clock, start=start, ring=ring)
        self.web = Web(
            self.provider,
            hooks=self._hooks,
            public_url=self._public_url,
            intake=self._intake,
            newsroom=self._newsroom,
            callers=callers,
            clock=self.clock,
            health=self.health,
            letters=self._letters,
        )
        return callers

    async def _services(self) -> Any:
        if self.app.services is None:
            return None
        return await self._stack.enter_async_context(self.app.services())

    async def _renew_dialogues(self) -> None:
        """Try again what other code could not answer, and end the dialogues that were retired."""
        self._program = program_of(self.app)
        await self.store.renew(self._program, list(self.app.retired))
        self.notes = [*self.notes, *await orphans(self.app, self.store)]

    def _surroundings(self, services: Any, words: Words) -> Surroundings:
        return Surroundings(
            self.app,
            services,
            self.clock.now,
            partial(recall, self.store),
            self._observe,
            words,
            no_media="" if self.provider.features.media else self.provider.name,
            program=self._program,
            strict=self._strict,
            warn=self._warn,
        )

    async def _sift(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        return claims if self._fetcher is None else await self._fetcher.sift(claims)

    def _warn(self, words: str) -> None:
        """Log what a dialogue is warned of; each line of code once, however often it is run."""
        if words not in self._warned:
            self._warned.add(words)
            tell("dialogue-warning", logging.WARNING, words=words)

    async def _renew_hooks(self) -> bool:
        """Read the words in our webhooks' path; whether the company is to call another now."""
        renewed = await self._hooks.refresh()
        for word in self._hooks.words:
            self._discretion.learn(word)
        return renewed

    async def _only_number(self) -> str:
        """Our number: as the company says it or, while we cannot ask, as it was last time."""
        if self.subscription is None:
            known = await self.store.our_numbers()
            if len(known) == 1:
                return known[0]
            await self._connected.wait()
        return self._near()

    def _near(self) -> str:
        return self.subscription.number if self.subscription else ""

    def _sender(self, ours: str) -> Sender:
        """The sender of one of our numbers, started when it is first needed."""
        sender = self._senders.get(ours)
        if sender is None:
            sender = Sender(
                ours,
                account=self.account,
                store=self.store,
                newsroom=self._newsroom,
                clock=self.clock,
                policy=self.app.unknown,
                night=Night(self.app.quiet, ours),
            )
            self._senders[ours] = sender
            self._crew.start(sender.run())
        return sender

    def _came(self, ours: str) -> None:
        self._worker.bell.ring()
        if self._connected.is_set():
            self._sender(ours)

    def _begun(self) -> None:
        self._worker.bell.ring()

    def _ring_senders(self) -> None:
        for sender in self._senders.values():
            sender.bell.ring()

    async def _tick(self) -> None:
        """Notice what other processes wrote, and forget what no provider repeats any more."""
        pause, passed = (1.0, float(_DAY)) if self._shared else (float(_DAY), 0.0)
        while not await self._leaving.wait(pause):
            passed += pause
            try:
                if self._shared and await self.store.changed():
                    self._worker.bell.ring()
                    self._ring_senders()
                    if await self._renew_hooks():
                        self.account.move(self._hooks.url)
                if passed >= _DAY:
                    passed = 0.0
                    window = self.provider.features.replay_window
                    await self.store.prune(self.clock.now() - max(window, timedelta(days=35)))
                    if self._connected.is_set():
                        await consent.sync(self.account, self.store, self._near())
            except StoreUnavailable as error:
                tell("store-unavailable", logging.ERROR, error=str(error), during="tick")
        self._leaving.ring()


async def _call(starter: Callable[[], Any]) -> None:
    try:
        result = starter()
        if inspect.isawaitable(result):
            await result
    except Exception as error:  # an announcement that fails must not stop the answering
        tell("on-start-failed", logging.ERROR, error=blame(error))
