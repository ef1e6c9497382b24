"""An app at work beside a box, over real HTTP, on a socket of this machine."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from cooee.clocks.clock import Clock
from cooee.core.app.app import App
from cooee.net import http_client as http
from cooee.net.http_client import ASGI, Transport
from cooee.net.http_server import serving
from cooee.net.ssrf_guard import Guard
from cooee.phone.inspector.recorder import Observing
from cooee.phone.simulated_provider import in_the_box, is_pushed
from cooee.runtime.inbound.media import LARGEST, Cloakroom
from cooee.runtime.inbound.media_storage import Shelf
from cooee.runtime.service import Service
from cooee.storage.sqlite.store import SQLite


@asynccontextmanager
async def performing(
    app: App[Any, Any],
    store: SQLite,
    clock: Clock,
    *,
    provider: str,
    base: str,
    door: socket.socket,
    poll_interval: float,
    observing: Observing | None = None,
) -> AsyncIterator[Service]:
    """Put an app to work; it is open, and still to be connected.

    Args:
        app: what answers.
        store: where its conversations are; closed at the end.
        clock: the box's own, or one that shows the same time.
        provider: which company's API the two speak.
        base: the box's address.
        door: a bound socket, on which the box calls the app where that company pushes.
        poll_interval: seconds to rest after reading nothing.
        observing: who watches.

    Raises:
        SettingError: the box does not speak that company's API.
    """
    port = door.getsockname()[1]
    with door:
        try:
            transport: Transport = http.Network(clock)
            service = Service(
                app,
                in_the_box(provider, base),
                store,
                transport if observing is None else observing.overhear(transport),
                clock,
                public_url=f"http://127.0.0.1:{port}" if is_pushed(provider) else None,
                poll_interval=poll_interval,
                shared=True,
                observe=(lambda _: None) if observing is None else observing.play,
                cloakroom=_cloakroom(store, clock, base),
                strict=True,
            )
            await service.open()
        except BaseException:
            await store.close()
            raise
        try:
            web: ASGI = service.web if observing is None else observing.attend(service.web)
            async with serving(web, listener=door, grace=1):
                yield service
        finally:
            await service.close()


def _cloakroom(store: SQLite, clock: Clock, base: str) -> Cloakroom:
    """Pictures lie beside the database; they may come from the box."""
    guard = Guard([urlsplit(base).netloc])
    network = http.Network(clock, largest=LARGEST, guard=guard)
    return Cloakroom(network, guard, Shelf(f"{store.path}-media"))
