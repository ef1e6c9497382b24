"""An app inside somebody else's ASGI server."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from cooee.clocks.clock import RealClock
from cooee.core.app.app import App
from cooee.core.errors import CooeeError
from cooee.net.http_client import Network, Receive, Scope, Send
from cooee.net.ssrf_guard import Guard
from cooee.runtime.inbound.media import Cloakroom
from cooee.runtime.inbound.media_storage import Shelf
from cooee.runtime.log import tell
from cooee.runtime.redaction import Discretion
from cooee.runtime.service import Service
from cooee.runtime.settings import Settings, read
from cooee.storage.sqlite.store import SQLite


@asynccontextmanager
async def opened(
    app: App[Any, Any], settings: Settings, discretion: Discretion | None = None
) -> AsyncIterator[Service]:
    """An app at work with the settings given, open and not yet connected."""
    clock = RealClock()
    cloakroom = _cloakroom(settings, clock)
    store = await SQLite.open(settings.database, now=clock.now)
    service = Service(
        app,
        settings.make_provider(),
        store,
        Network(clock),
        clock,
        public_url=settings.public_url,
        keep=settings.keep,
        poll_interval=settings.poll_interval,
        shared=True,
        cloakroom=cloakroom,
        discretion=discretion or Discretion(settings.secrets),
        send_token=settings.send_token,
    )
    async with service:
        yield service


def _cloakroom(settings: Settings, clock: RealClock) -> Cloakroom:
    guard, largest = Guard(settings.media_trusted), settings.media_largest
    network = Network(clock, largest=largest, guard=guard)
    return Cloakroom(network, guard, Shelf(settings.media), largest)


class Mount:
    """What `App.asgi()` returns: the app's webhooks and /health, below any path.

    The settings are read from the environment when its lifespan begins.
    """

    def __init__(self, app: App[Any, Any]) -> None:
        self._app = app
        self._service: Service | None = None

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Run the app meanwhile; to be handed to the outer application."""
        return self._lifespan()

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        async with opened(self._app, read(os.environ)) as service:
            self._service = service
            connecting = asyncio.create_task(_connect(service))
            try:
                yield
            finally:
                self._service = None
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._service is None:
            await _unstarted(scope, send)
        else:
            await self._service.web(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """The ASGI lifespan, for a server that runs this app alone."""
        await receive()
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


async def _connect(service: Service) -> None:
    """Connect beside the outer application, which runs on whatever comes of it."""
    try:
        await service.connect()
    except CooeeError as error:
        tell("not-connected", logging.ERROR, error=str(error))


async def _unstarted(scope: Scope, send: Send) -> None:
    if scope["type"] == "http":
        words = b"cooee is mounted but not started: hand app.lifespan to the outer application.\n"
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": words})
