"""Serves the phone's page, and opens the browser on the page."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import webbrowser

from cooee.core.errors import SettingError
from cooee.net.http_server import bind_socket, serve_app
from cooee.phone.page_server import make_page_app
from cooee.phone.phone_lock import TellPlace
from cooee.phone.session import run_browser_session
from cooee.phone.simulated_provider import ProviderConnection
from cooee.storage.dialects import describe_database

_DEFAULT_PORT = 8410
_APP_COMMAND = (sys.executable, "-m", "cooee.cli.phone_app_process")


async def serve_phone_page(
    app: str,
    connection: ProviderConnection,
    database: str,
    stop: asyncio.Event,
    *,
    port: int | None,
    browser: bool,
    tell_place: TellPlace,
) -> None:
    """Serve the page until `stop`; `tell_place` is told its address.

    Raises:
        SettingError: the port is taken, or the simulator has no such app or provider.
    """
    opening = run_browser_session(
        app,
        command=_APP_COMMAND,
        connection=connection,
        database=database,
        stop_event=stop,
    )
    with _bind_page_socket(port) as listener:
        bound_port = listener.getsockname()[1]
        async with (
            opening as session,
            serve_app(make_page_app(session, bound_port), listener=listener, grace=1),
        ):
            url = f"http://127.0.0.1:{bound_port}/"
            tell_place(f"at {url} (process {os.getpid()})")
            print(f"The phone is at {url}  (Ctrl-C ends it)")
            print(f"Conversations are kept in {describe_database(database)}", flush=True)
            if browser and _has_display():
                await asyncio.to_thread(webbrowser.open, url)
            await stop.wait()
            session.feed.close()


def _has_display() -> bool:
    """Say whether there is a display; without a display, a text browser would take the terminal."""
    has_variable = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return sys.platform == "darwin" or has_variable


def _bind_page_socket(port: int | None) -> socket.socket:
    """Bind the wanted port, else the default port, else any free port."""
    if port is not None:
        return bind_socket("127.0.0.1", port)
    try:
        return bind_socket("127.0.0.1", _DEFAULT_PORT)
    except SettingError:
        return bind_socket("127.0.0.1", 0)
