"""A box and an app at work beside it, in one process, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from cooee.carrier import Carrier, Network, box
from cooee.core.app import App
from cooee.core.errors import NotRunning, SettingError
from cooee.providers import Provider, find
from cooee.runtime.service import Service
from cooee.storage import Store
from cooee.storage.sqlite import SQLite
from cooee.wire import http
from cooee.wire.clock import RealClock
from cooee.wire.http import Receive, Scope, Send
from cooee.wire.serve import serving

_PUSHED = frozenset({"simulated"})  # companies whose face calls the app; the others' are read
_SOON = timedelta(seconds=1)


class Stage:
    """What is on: the network with its phones, and the app as a service on one of its numbers.

    Attributes:
        network: the box's network.
        service: the app at work.
        port: where the box's APIs are, on loopback.
        ours: the app's number.
    """

    def __init__(self, network: Network, service: Service, port: int, arrived: int) -> None:
        self.network, self.service, self.port = network, service, port
        subscription = service.subscription
        if subscription is None:
            raise NotRunning("The app could not connect to the box; the log says why.")
        self.ours, self.pushed = subscription.number, subscription.pushes_to is not None
        self._texts = arrived

    def text(self, phone: str, words: str) -> None:
        """A phone texts the app."""
        self.network.text(phone, self.ours, words)
        self._texts += 1

    async def quiet(self) -> bool:
        """Whether every text has arrived and was answered, and every answer is on its phone.

        A text that waits for a later moment (a retry, a reminder) is not waited for.
        """
        if not self.network.idle or await _arrived(self.service.store) < self._texts:
            return False
        census, alarms = await self.service.store.census(), await self.service.store.alarms()
        soon = self.service.clock.now() + _SOON
        turning = census.pending and (alarms.turn is None or alarms.turn <= soon)
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
    clock = RealClock()
    async with box(clock, port=0) as (carrier, port), _doorway() as (door, door_port):
        store = await SQLite.open(database, now=clock.now)
        service = Service(
            app,
            _company(provider, carrier, port),
            store,
            http.Network(clock),
            clock,
            public_url=f"http://127.0.0.1:{door_port}" if provider in _PUSHED else None,
            poll_interval=poll_interval,
            shared=True,
        )
        async with service:
            door.opens_to = service
            before = await _arrived(store)
            await service.connect()
            yield Stage(carrier.network, service, port, before)


class _Door:
    """An address that is known before there is anybody behind it."""

    opens_to: Service | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.opens_to is not None, "the box learns of the address from the service"
        await self.opens_to.web(scope, receive, send)


@asynccontextmanager
async def _doorway() -> AsyncIterator[tuple[_Door, int]]:
    door = _Door()
    async with serving(door, grace=1) as port:
        yield door, port


def _company(name: str, carrier: Carrier, port: int) -> Provider:
    """The provider's adapter, told that its company is in the box."""
    company = find(name)
    prefixes = {face.name: face.prefix for face in carrier.faces}
    if name not in prefixes:
        raise SettingError(f"The box has no {name}. It has {' and '.join(sorted(prefixes))}.")
    base = f"http://127.0.0.1:{port}{prefixes[name]}"
    return company(_values(company, base))


def _values(company: type[Provider], base: str) -> Mapping[str, str]:
    """Settings that the box accepts: its own address, and any word for a secret."""
    return {
        setting.name: base if setting.name.endswith("_BASE_URL") else setting.default or "phone"
        for setting in company.settings
    }


async def _arrived(store: Store) -> int:
    return sum(thread.texts_in for thread in await store.threads(limit=1_000))
