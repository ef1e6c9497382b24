"""HTTP in: an ASGI app on a port of this machine, for as long as it is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cooee.core.errors import SettingError
from cooee.net.http_client import ASGI, HANG_UP, Receive, Scope, Send


@contextlib.asynccontextmanager
async def serving(
    app: ASGI,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    grace: float = 5,
    slowest: float = 15,
    listener: socket.socket | None = None,
) -> AsyncIterator[int]:
    """Serve `app`; yields the port, which is a free one where `port` is 0.

    On leaving, requests under way get `grace` seconds to end. Every request's scope carries
    the extension `HANG_UP`, which drops the connection without an answer. Who takes longer than
    `slowest` seconds for a request's headers is hung up on.

    `listener` is a socket to serve on instead, bound already. It is closed on leaving; where
    another process holds it too, who calls meanwhile waits for that one to serve.

    Raises:
        SettingError: the port is taken.
    """
    with listener or listening(host, port) as held:
        connections: dict[Any, asyncio.Transport] = {}
        config = uvicorn.Config(
            _with_hang_up(app, connections),
            http=_protocol(connections, slowest),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # our public URL is a setting, and a peer's address its own
            server_header=False,
            timeout_graceful_shutdown=int(grace),
            timeout_keep_alive=30,
        )
        server = _Server(config)
        task = asyncio.get_running_loop().create_task(server.serve(sockets=[held]))
        try:
            while not server.started and not task.done():  # noqa: ASYNC110 -- uvicorn has no event for it
                await asyncio.sleep(0.005)
            yield held.getsockname()[1]
        finally:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever owns the process."""
        yield


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to a port; any free one where it is 0.

    Raises:
        SettingError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where TCP is named: else answers wait 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        words = f"Cannot listen on {host}:{port} ({why}). Choose another port."
        raise SettingError(words) from error
    return listener


def _protocol(connections: dict[Any, asyncio.Transport], slowest: float) -> type[asyncio.Protocol]:
    """The protocol of uvicorn, which remembers every client and drops those who dawdle.

    Who has connected, or begun a request, gets so many seconds to say who they are and what they
    want. Bodies are timed by whoever reads them.
    """

    class Remembering(HttpToolsProtocol):
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
            super().connection_made(transport)
            connections[transport.get_extra_info("peername")[:2]] = transport
            self._wait_for_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            connections.pop(self.transport.get_extra_info("peername")[:2], None)
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            self._wait_for_headers()
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._wait_no_more()
            super().on_headers_complete()

        def _wait_for_headers(self) -> None:
            self._wait_no_more()
            self._patience = self.loop.call_later(slowest, self.transport.abort)

        def _wait_no_more(self) -> None:
            if self._patience is not None:
                self._patience.cancel()

    return Remembering


def _with_hang_up(app: ASGI, connections: dict[Any, asyncio.Transport]) -> ASGI:
    async def with_hang_up(scope: Scope, receive: Receive, send: Send) -> None:
        hung_up = False

        def hang_up() -> None:
            nonlocal hung_up
            hung_up = True
            if connection := connections.get(tuple(scope["client"])):  # else it went by itself
                connection.abort()

        scope.setdefault("extensions", {})[HANG_UP] = hang_up
        await app(scope, receive, send)
        while hung_up and (await receive())["type"] != "http.disconnect":
            pass  # uvicorn counts a return without a response as an error until it knows

    return with_hang_up
