"""HTTP in: serves an ASGI app on a port of this machine, with uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cooee.core.errors import SettingError
from cooee.net.http_client import HANG_UP_EXTENSION, ASGIApp, Receive, Scope, Send


@contextlib.asynccontextmanager
async def serve_app(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    grace: float = 5,
    header_timeout: float = 15,
    listener: socket.socket | None = None,
) -> AsyncIterator[int]:
    """Serve `app` while the context is open; yield the port (a free port where `port` is 0).

    On leaving, requests under way get `grace` seconds to end. Every request's scope carries the
    extension `HANG_UP_EXTENSION`, which drops the connection without a response. A client that
    takes longer than `header_timeout` seconds for a request's headers is disconnected.

    `listener` is a bound socket to serve on instead. It is closed on leaving; where another
    process holds it too, new clients wait for that process to serve.

    Raises:
        SettingError: the port is taken.
    """
    with listener or bind_socket(host, port) as listen_socket:
        config = uvicorn.Config(
            app,
            interface="asgi3",  # uvicorn's guess needs an async function, and any callable may come
            http=_connection_protocol(header_timeout),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # our public URL is a setting, and a peer's address its own
            server_header=False,
            timeout_graceful_shutdown=int(grace),
            timeout_keep_alive=30,
        )
        server = _SignalFreeServer(config)
        task = asyncio.get_running_loop().create_task(server.serve(sockets=[listen_socket]))
        try:
            while not server.started and not task.done():  # noqa: ASYNC110 -- uvicorn has no event for it
                await asyncio.sleep(0.005)
            yield listen_socket.getsockname()[1]
        finally:
            # uvicorn then waits for requests under way, `grace` seconds at most.
            server.should_exit = True
            await task


class _SignalFreeServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process's owner."""
        yield


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to a port, or to any free port for 0.

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
        reason = getattr(error, "strerror", None) or error
        message = (
            f"Cannot listen on {host}:{port} ({reason}). Choose another port, or another address."
        )
        raise SettingError(message) from error
    return listener


def _connection_protocol(header_timeout: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol class, extended to hang up and to time headers out.

    A client that has connected, or begun a request, gets `header_timeout` seconds for the headers.
    Bodies are timed by their readers.
    """

    class ConnectionProtocol(HttpToolsProtocol):
        _header_timer: asyncio.TimerHandle | None = None
        _awaits_headers = True

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
            # An error here, or in connection_lost, would leak the descriptor (tests count them).
            # A connection is known by its protocol: a peer that has reset it has no name any more.
            super().connection_made(transport)
            self.app = _with_hang_up(self.app, transport)
            self._time_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._awaits_headers = False
            self._time_headers()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._time_headers()

        def on_message_begin(self) -> None:
            self._awaits_headers = True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._awaits_headers = False
            self._time_headers()
            super().on_headers_complete()

        def _time_headers(self) -> None:
            """Keep a timer while headers are under way; those of one piece need none."""
            if self._awaits_headers and self._header_timer is None:
                self._header_timer = self.loop.call_later(header_timeout, self.transport.abort)
            elif not self._awaits_headers and self._header_timer is not None:
                self._header_timer.cancel()
                self._header_timer = None

    return ConnectionProtocol


def _with_hang_up(app: Any, connection: asyncio.Transport) -> Any:
    async def with_hang_up(scope: Scope, receive: Receive, send: Send) -> None:
        hung_up = False

        def hang_up() -> None:
            nonlocal hung_up
            hung_up = True
            connection.abort()

        scope.setdefault("extensions", {})[HANG_UP_EXTENSION] = hang_up
        await app(scope, receive, send)
        while hung_up and (await receive())["type"] != "http.disconnect":
            pass  # uvicorn counts a return without a response as an error until it knows

    return with_hang_up
