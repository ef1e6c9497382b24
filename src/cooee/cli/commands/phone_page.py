"""The phone in the browser: opened, and kept until it is over."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import webbrowser
from pathlib import Path

from cooee.core.errors import SettingError
from cooee.net.http_server import listening, serving
from cooee.phone.page_server import Page
from cooee.phone.session import on_show

_PORT = 8410
_COMMAND = (sys.executable, "-m", "cooee.cli.phone_app_main")


async def show(
    app: str,
    provider: str,
    database: Path,
    poll_interval: float,
    leave: asyncio.Event,
    *,
    port: int | None,
    browser: bool,
) -> None:
    """Serve the page until `leave`.

    Raises:
        SettingError: the port is taken, there is no such app, or no such provider in the box.
    """
    on = on_show(
        app,
        command=_COMMAND,
        provider=provider,
        database=database,
        poll_interval=poll_interval,
        leave=leave,
    )
    with _door(port) as door:
        found = door.getsockname()[1]
        async with on as shown, serving(Page(shown, found), listener=door, grace=1):
            url = f"http://127.0.0.1:{found}/"
            print(f"The phone is at {url}  (Ctrl-C ends it)")
            print(f"Conversations are kept in {database}", flush=True)
            if browser and _has_screen():
                await asyncio.to_thread(webbrowser.open, url)
            await leave.wait()
            shown.board.close()


def _has_screen() -> bool:
    """Whether a browser has somewhere to open; else a text browser would take the terminal."""
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return sys.platform == "darwin" or named


def _door(port: int | None) -> socket.socket:
    """The port that was asked for; else the usual one, or any where that is taken."""
    if port is not None:
        return listening("127.0.0.1", port)
    try:
        return listening("127.0.0.1", _PORT)
    except SettingError:
        return listening("127.0.0.1", 0)
