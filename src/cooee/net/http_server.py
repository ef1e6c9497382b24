"""HTTP in: serves an ASGI app on a port of this machine, with uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

import uvicorn

from cooee.core.errors import SettingError
from cooee.net.http_client import ASGIApp
from cooee.net.server_connection import ServerConnection


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
            http=partial(ServerConnection, header_timeout=header_timeout),  # type: ignore[arg-type]  # it only calls it
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # our public URL is a setting, and a peer's address its own
            server_header=False,
            timeout_graceful_shutdown=int(grace),
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


def bind_first_free(host: str, ports: Sequence[int]) -> socket.socket:
    """Return a socket bound to the first port that is free.

    Raises:
        SettingError: none is.
    """
    for port in ports[:-1]:
        with contextlib.suppress(SettingError):
            return bind_socket(host, port)
    return bind_socket(host, ports[-1])


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
