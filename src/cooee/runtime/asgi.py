"""`App.asgi()`: an app mounted in another ASGI app, with its settings from the environment."""

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
from cooee.core.http_messages import Response
from cooee.net.asgi import write_response
from cooee.net.http_client import HTTPClient, Receive, Scope, Send, load_client
from cooee.net.ssrf_guard import SSRFGuard
from cooee.runtime.app_loop import AppThread
from cooee.runtime.inbound.media import MediaConfig
from cooee.runtime.inbound.media_storage import MediaStorage
from cooee.runtime.log import log_event
from cooee.runtime.mounted_log import mounted_log, warn_of_access_logs
from cooee.runtime.redaction import Redactor
from cooee.runtime.roles import EVERY_ROLE, Role
from cooee.runtime.service import Service
from cooee.runtime.settings import Settings, read_settings
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import open_store


@asynccontextmanager
async def running_service(
    app: App[Any, Any],
    settings: Settings,
    redactor: Redactor | None = None,
    app_thread: AppThread | None = None,
    roles: frozenset[Role] = EVERY_ROLE,
) -> AsyncIterator[Service]:
    """Open a service with the given settings; it is not connected yet."""
    clock = RealClock()
    media_config = _make_media_config(settings, clock)
    store = await open_store(
        settings.database,
        now=clock.now,
        forget_key=settings.forget_key,
        correct_clock=clock.correct,
    )
    service = Service(
        app,
        settings.make_provider(),
        store,
        HTTPClient(clock, proxies=settings.proxies),
        clock,
        options=ServiceOptions(
            public_url=settings.public_url,
            keep_direction=settings.keep_direction,
            poll_interval=settings.poll_interval,
            shared=True,
            media_config=media_config,
            redactor=redactor or Redactor(settings.secrets),
            send_token=settings.send_token,
            concurrency=settings.concurrency,
            app_thread=app_thread,
            roles=roles,
        ),
    )
    async with _traced(service) if settings.tracing else service:
        yield service


@asynccontextmanager
async def _traced(service: Service) -> AsyncIterator[None]:
    """Open a service, and make spans of its texts until it has ended."""
    from cooee.runtime import tracing  # noqa: PLC0415 -- an extra, for those who trace

    outside = (service.store, service.clock, service.provider.name)
    texts = tracing.start_tracing(service.events, *outside)
    try:
        async with service:
            tracing.warn_if_unheard()  # the app's services may have set a provider
            yield
    finally:
        await texts.close()


def _make_media_config(settings: Settings, clock: RealClock) -> MediaConfig:
    guard, max_bytes = SSRFGuard(settings.media_trusted_hosts), settings.media_max_bytes
    network = HTTPClient(clock, max_bytes=max_bytes, guard=guard)
    return MediaConfig(network, guard, MediaStorage(settings.media_location), max_bytes)


class MountedApp:
    """The webhooks, /health and /send of an app, mounted below any path.

    The settings are read from the environment when its lifespan begins.
    """

    __module__ = "cooee"  # what `app.asgi()` returns

    def __init__(self, app: App[Any, Any]) -> None:
        self._app = app
        self._service: Service | None = None

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Run the app as long as the outer application runs; the outer application enters this."""
        return self._run_service()

    @asynccontextmanager
    async def _open_service(self) -> AsyncIterator[Service]:
        settings = read_settings(os.environ)
        redactor = Redactor(settings.secrets)
        log = mounted_log(settings.log_level, show_private=settings.log_private, redact=redactor)
        with log:
            async with running_service(self._app, settings, redactor) as service:
                if settings.public_url is not None:
                    warn_of_access_logs()
                yield service

    @asynccontextmanager
    async def _run_service(self) -> AsyncIterator[None]:
        async with self._open_service() as service:
            self._service = service
            connecting = asyncio.create_task(_connect_or_log(service))
            try:
                yield
            finally:
                self._service = None
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._serve_lifespan(receive, send)
        elif self._service is None:
            await _answer_not_started(scope, send)
        else:
            await self._service.endpoints(scope, receive, send)

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        """Answer the ASGI lifespan, for a server that runs this app alone."""
        await receive()
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


async def _connect_or_log(service: Service) -> None:
    """Connect, and log a failure: the outer application goes on without texts."""
    try:
        await asyncio.to_thread(load_client)  # else the first request would hold the host's loop
        await service.connect()
    except CooeeError as error:
        log_event("not-connected", logging.ERROR, error=str(error))


async def _answer_not_started(scope: Scope, send: Send) -> None:
    if scope["type"] == "http":
        message = b"cooee is mounted but not started: hand app.lifespan to the outer application.\n"
        await write_response(send, Response(status=503, body=message))
