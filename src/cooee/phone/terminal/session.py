"""A box and an app at work beside it, in one process, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from cooee.clocks.offset import OffsetClock
from cooee.core.app.app import App
from cooee.core.errors import NotRunning
from cooee.net.http_server import listening
from cooee.phone.app_runner import performing
from cooee.runtime.service import Service
from cooee.simulator import Network, box
from cooee.storage import Store
from cooee.storage.sqlite.store import SQLite

_SOON = timedelta(seconds=1)


class Stage:
    """What is on: the network with its phones, and the app as a service on one of its numbers.

    Attributes:
        network: the box's network.
        service: the app at work.
        port: where the box's APIs are, on loopback.
        ours: the app's number.
    """

    def __init__(
        self, network: Network, service: Service, clock: OffsetClock, port: int, arrived: int
    ) -> None:
        self.network, self.service, self.port = network, service, port
        self._clock = clock
        subscription = service.subscription
        if subscription is None:
            raise NotRunning("The app could not connect to the box; the log says why.")
        self.ours, self.pushed = subscription.number, subscription.pushes_to is not None
        self._texts = arrived

    def text(self, phone: str, words: str) -> None:
        """A phone texts the app."""
        self.network.text(phone, self.ours, words)
        self._texts += 1

    def advance(self, by: timedelta) -> None:
        """Let time pass, for network and app at once."""
        self._clock.advance(by)

    async def quiet(self) -> bool:
        """Whether every text has arrived and was answered, and every answer is on its phone.

        A text that waits for a later moment (a retry, a reminder) is not waited for.
        """
        if not self.network.idle or await _arrived(self.service.store) < self._texts:
            return False
        census, alarms = await self.service.store.census(), await self.service.store.alarms()
        soon = self.service.clock.now() + _SOON
        turning = census.pending if alarms.turn is None else alarms.turn <= soon
        leaving = census.queued and alarms.send is not None and alarms.send <= soon
        return not (turning or census.sending or leaving) and self.network.idle


@asynccontextmanager
async def staged(
    app: App[Any, Any], *, provider: str, database: Path, poll_interval: float
) -> AsyncIterator[Stage]:
    """Put an app to work beside a box.

    Args:
        app: what answers.
        provider: which company's API the two speak; *simulated* pushes, the others are read.
        database: the file where the conversations stay.
        poll_interval: seconds to rest after reading nothing.

    Raises:
        SettingError: the box does not speak that company's API.
        DatabaseInUse: another process runs on this file.
    """
    clock = OffsetClock()
    async with box(clock, port=0) as (carrier, port):
        store = await SQLite.open(database, now=clock.now)
        clock.advance(await _ahead(store, clock))
        work = performing(
            app,
            store,
            clock,
            provider=provider,
            base=f"http://127.0.0.1:{port}",
            door=listening("127.0.0.1", 0),
            poll_interval=poll_interval,
        )
        async with work as service:
            before = await _arrived(store)
            await service.connect()
            yield Stage(carrier.network, service, clock, port, before)


async def _ahead(store: Store, clock: OffsetClock) -> timedelta:
    """How far the last text is in the future: somebody let time pass, and it does not go back."""
    threads, now = await store.threads(limit=1), clock.now()
    return max(timedelta(), *[one.last_at - now for one in threads if one.last_at], timedelta())


async def _arrived(store: Store) -> int:
    return sum(thread.texts_in for thread in await store.threads(limit=1_000))
