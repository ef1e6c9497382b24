"""Runs an app beside the simulator, over real HTTP on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from cooee.clocks.clock import Clock
from cooee.core.app.app import App
from cooee.net import http_client as http
from cooee.net.http_client import ASGIApp, Transport
from cooee.net.http_server import serve_app
from cooee.net.ssrf_guard import SSRFGuard
from cooee.phone.inspector.recorder import Recorder
from cooee.phone.simulated_provider import ProviderConnection, make_simulated_provider
from cooee.runtime.app_loop import AppThread
from cooee.runtime.inbound.media import MAX_MEDIA_BYTES, MediaConfig
from cooee.runtime.inbound.media_storage import MediaStorage
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage import Store


@asynccontextmanager
async def run_app(
    app: App[Any, Any],
    store: Store,
    clock: Clock,
    *,
    connection: ProviderConnection,
    simulator_url: str,
    webhook_socket: socket.socket,
    media_location: str,
    app_thread: AppThread,
    recorder: Recorder | None = None,
) -> AsyncIterator[Service]:
    """Open an app's service, unconnected, and close the service on leaving.

    Args:
        app: the app that answers texts.
        store: the store of the app's conversations; closed on leaving.
        clock: the simulator's clock, or one that shows the same time.
        connection: the provider's API between app and simulator, and its direction.
        simulator_url: the simulator's address.
        webhook_socket: a bound socket for the simulator's webhook requests.
        media_location: the folder of the media of texts.
        app_thread: the thread of the app's code.
        recorder: records the service's events and HTTP exchanges.

    Raises:
        SettingError: the simulator does not play that provider.
    """
    webhook_url = f"http://127.0.0.1:{webhook_socket.getsockname()[1]}"
    options = ServiceOptions(
        public_url=webhook_url if connection.is_pushed else None,
        poll_interval=connection.poll_interval,
        shared=True,
        media_config=_simulator_media_config(media_location, clock, simulator_url),
        strict=True,
        app_thread=app_thread,
    )
    with webhook_socket:
        try:
            provider = make_simulated_provider(connection.provider, simulator_url)
            transport: Transport = http.HTTPClient(clock)
            transport = transport if recorder is None else recorder.wrap_transport(transport)
            service = Service(app, provider, store, transport, clock, options=options)
            if recorder is not None:
                service.events.subscribe(recorder.on_event)
            await service.open()
        except BaseException:
            await store.close()
            raise
        served: ASGIApp = service.endpoints
        try:
            served = served if recorder is None else recorder.wrap_app(served)
            async with serve_app(served, listener=webhook_socket, grace=1):
                yield service
        finally:
            await service.close()


def _simulator_media_config(media_location: str, clock: Clock, simulator_url: str) -> MediaConfig:
    """Return the settings of media, with the simulator's hosts trusted."""
    guard = SSRFGuard([urlsplit(simulator_url).netloc])
    network = http.HTTPClient(clock, max_bytes=MAX_MEDIA_BYTES, guard=guard)
    return MediaConfig(network, guard, MediaStorage(media_location))
