"""The terminal session: the simulator and an app in a single process, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from cooee.clocks.offset import OffsetClock
from cooee.core.app.app import App
from cooee.core.errors import NotRunning
from cooee.net.http_server import bind_socket
from cooee.phone.app_runner import run_app
from cooee.phone.inspector.consents import Consents
from cooee.phone.simulated_provider import ProviderConnection
from cooee.runtime.app_loop import AppThread
from cooee.runtime.events import Event, OptOutRecorded
from cooee.runtime.opt_outs import provider_words
from cooee.runtime.service import Service
from cooee.simulator import MobileNetwork, run_simulator
from cooee.storage import Store
from cooee.storage.dialects import default_media_location, open_store

_SOON_DUE = timedelta(seconds=1)


class TerminalSession:
    """A simulated network with its phones, and an app's service on a number of the network.

    Attributes:
        network: the simulated network.
        service: the app's service.
        port: the port of the simulated APIs, on loopback.
        our_number: the app's number.
        consent_news: the sender's number, and what the text did, of each text that changed its
            sender's consent.
    """

    def __init__(
        self,
        network: MobileNetwork,
        service: Service,
        clock: OffsetClock,
        *,
        port: int,
        texts_before: int,
        consents: Consents,
    ) -> None:
        self.network, self.service, self.port = network, service, port
        self._clock = clock
        subscription = service.subscription
        if subscription is None:
            raise NotRunning("The app could not connect to the simulator; the log says why.")
        self.our_number, self.is_pushed = subscription.number, subscription.push_url is not None
        self._texts_expected = texts_before
        self.consent_news: list[tuple[str, str]] = []
        self._consents = consents
        service.events.subscribe(self._on_event)

    def send_text(self, phone: str, text: str) -> None:
        """Send a text from a phone to the app."""
        self.network.send_from_phone(phone, self.our_number, text)
        self._texts_expected += 1

    def advance_clock(self, by: timedelta) -> None:
        """Advance the clock of both network and app."""
        self._clock.advance(by)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OptOutRecorded):
            words = self._consents.change(event.inbound, event.consent)
            if words:
                self.consent_news.append((event.inbound.sender, words))

    async def is_quiet(self) -> bool:
        """Say whether every text has arrived and is answered, and every reply is on its phone.

        A text that is due later (a retry, a reminder) does not count.
        """
        if (
            not self.network.is_idle
            or await _count_inbounds(self.service.store) < self._texts_expected
        ):
            return False
        counts, next_due = await self.service.store.counts(), await self.service.store.next_due()
        soon = self.service.clock.now() + _SOON_DUE
        turns_due = counts.pending if next_due.turn is None else next_due.turn <= soon
        sends_due = counts.queued and next_due.send is not None and next_due.send <= soon
        return not (turns_due or counts.sending or sends_due) and self.network.is_idle


@asynccontextmanager
async def run_terminal_session(
    app: App[Any, Any], app_thread: AppThread, connection: ProviderConnection, database: str
) -> AsyncIterator[TerminalSession]:
    """Run the simulator and an app.

    Args:
        app: the app that answers texts.
        app_thread: the thread of the app's code.
        connection: the provider's API between app and simulator, and its direction.
        database: the URL or path of the conversations.

    Raises:
        SettingError: the simulator does not play that provider.
        DatabaseInUse: another process runs on this database.
        StartFailed: a function below `@app.on_start` raised.
    """
    clock = OffsetClock()
    async with run_simulator(clock, port=0) as (simulator, port):
        store = await open_store(database, now=clock.now)
        clock.advance(await _time_ahead(store, clock))
        running_app = run_app(
            app,
            store,
            clock,
            connection=connection,
            simulator_url=f"http://127.0.0.1:{port}",
            webhook_socket=bind_socket("127.0.0.1", 0),
            media_location=default_media_location(database),
            app_thread=app_thread,
        )
        async with running_app as service:
            texts_before = await _count_inbounds(store)
            consents = Consents(connection.provider, provider_words(service.provider))
            consents.set_opted_out(await _opted_out_people(store))
            await service.connect()
            await service.until_started()
            yield TerminalSession(
                *(simulator.network, service, clock),
                port=port,
                texts_before=texts_before,
                consents=consents,
            )


async def _time_ahead(store: Store, clock: OffsetClock) -> timedelta:
    """Return how far the last text is in the future, after an earlier session's /wait."""
    conversations, now = await store.conversations(limit=1), clock.now()
    return max(
        timedelta(),
        *[one.last_text_at - now for one in conversations if one.last_text_at],
        timedelta(),
    )


async def _opted_out_people(store: Store) -> Sequence[str]:
    return [one.theirs for one in await store.conversations(limit=1_000) if one.opted_out]


async def _count_inbounds(store: Store) -> int:
    return sum(conversation.texts_in for conversation in await store.conversations(limit=1_000))
