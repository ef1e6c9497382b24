"""`cooee run`: an app at work, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from cooee.cli.load_app import load
from cooee.cli.shutdown import until_told
from cooee.core.app.app import App

if TYPE_CHECKING:
    from cooee.runtime.redaction import Discretion
    from cooee.runtime.service import Service
    from cooee.runtime.settings import Settings


def run(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
    ],
) -> None:
    """Run an app: receive texts, answer them, send the answers.

    It is told what it needs by environment variables: COOEE_DATABASE, COOEE_PROVIDER,
    COOEE_PUBLIC_URL (texts are pushed to it; without it they are read), COOEE_SUBSCRIPTION,
    COOEE_HOST, COOEE_PORT, COOEE_POLL_INTERVAL, COOEE_SEND_TOKEN (others may have texts sent by
    POST /send), COOEE_MEDIA, COOEE_MEDIA_LARGEST, COOEE_MEDIA_TRUSTED, COOEE_LOG_LEVEL,
    COOEE_LOG_PRIVATE, and what the provider wants (see cooee providers). Each may be given as
    NAME_FILE too: the file that holds it.

    SIGTERM and Ctrl-C finish the turns under way and end it within 10 seconds.
    """
    from cooee.runtime.redaction import Discretion
    from cooee.runtime.settings import read

    settings = read(os.environ)
    loaded = load(app)
    discretion = Discretion(settings.secrets)
    log(settings.log_level, private=settings.log_private, discreet=discretion)
    until_told(lambda leave: _live(app, loaded, settings, discretion, leave))


def log(
    level: int | str, *, private: bool, discreet: Callable[[str], str] = lambda words: words
) -> None:
    """Write one line an event to standard error; from other libraries only what is wrong.

    Args:
        level: from which on.
        private: whether numbers and words are shown.
        discreet: covers what is never shown.
    """
    from cooee.runtime.log import Lines

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(private=private, discreet=discreet))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("cooee").setLevel(level)


async def _live(
    name: str,
    app: App[Any, Any],
    settings: Settings,
    discretion: Discretion,
    leave: asyncio.Event,
) -> None:
    """Open, serve, connect: a push that comes at once finds everything ready."""
    from cooee.net.http_server import serving
    from cooee.runtime.asgi import opened

    async with (
        opened(app, settings, discretion) as service,
        serving(service.web, host=settings.host, port=settings.port, grace=1) as port,
    ):
        if await _before(leave, service):
            print("\n".join(card(name, service, settings, port)), flush=True)
            await leave.wait()


async def _before(leave: asyncio.Event, service: Service) -> bool:
    """Connect, unless we are told to leave meanwhile."""
    connecting = asyncio.ensure_future(service.connect())
    leaving = asyncio.ensure_future(leave.wait())
    try:
        await asyncio.wait({connecting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
        return connecting.done()
    finally:
        connecting.cancel()
        leaving.cancel()
        await asyncio.gather(connecting, leaving, return_exceptions=True)


def card(name: str, service: Service, settings: Settings, port: int) -> list[str]:
    """What is connected, in lines for a person."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    subscription = service.subscription
    number = subscription.number if subscription else "not known yet: not connected, still trying"
    handlers = _handlers(service.app) or ["none: every text stays without an answer"]
    return [
        f"{name} is running. Ctrl-C ends it.",
        f"  number     {number}",
        f"  provider   {settings.provider.name}",
        f"  texts      {_direction(service, settings)}",
        f"  database   {settings.database}",
        f"  handlers   {handlers[0]}",
        *(f"             {line}" for line in handlers[1:]),
        *(f"  note       {note}" for note in service.notes),
        f"  listening  http://{host}:{port}/health",
    ]


def _direction(service: Service, settings: Settings) -> str:
    if service.reading:
        return f"read, every {settings.poll_interval:g} s while there are none"
    subscription = service.subscription
    url = subscription.pushes_to if subscription else settings.public_url
    if not url:
        return "read, as soon as we are connected"
    return f"pushed to {_masked(url)}"


def _masked(url: str) -> str:
    """A webhook's URL without the word in its path that keeps strangers out."""
    parts = urlsplit(url)
    host, first = parts.netloc.rpartition("@")[2], parts.path.split("/")[1:2]
    return "/".join([f"{parts.scheme}://{host}", *first, "…"])


def _handlers(app: App[Any, Any]) -> list[str]:
    words: dict[str, list[str]] = {}
    for route in app.routes:
        what = "anything else" if route.matcher is None else str(route.matcher)
        words.setdefault(route.handler.name, []).append(what)
    for dialogue in app.routes.dialogues:
        words.setdefault(dialogue.handler.name, ["(begun by the app)"])
    width = max((len(", ".join(what)) for what in words.values()), default=0)
    return [f"{', '.join(what):<{width}}  {name}" for name, what in words.items()]
