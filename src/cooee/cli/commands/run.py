"""`cooee run`: runs an app until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cooee.cli.load_app import import_app
from cooee.cli.options import AppArgument
from cooee.cli.shutdown import run_until_signal
from cooee.core.app.app import App

if TYPE_CHECKING:
    from cooee.runtime.app_loop import AppThread
    from cooee.runtime.redaction import Redactor
    from cooee.runtime.service import Service
    from cooee.runtime.settings import Settings


_HANG_TIMEOUT_S = 150.0  # seconds in which no thread can go on, as long as a claim may be stuck

NO_HANDLERS = "none, so every text stays without an answer: write one below @app.otherwise"


def run(
    app: AppArgument,
) -> None:
    """Run an app: receive texts, answer them, send the answers.

    Environment variables set it up: COOEE_DATABASE, COOEE_PROVIDER, COOEE_PUBLIC_URL (texts are
    pushed to this address; without it they are read), COOEE_SUBSCRIPTION, COOEE_HOST, COOEE_PORT,
    COOEE_POLL_INTERVAL, COOEE_CONCURRENCY (the most texts handed to the provider at once),
    COOEE_SEND_TOKEN (other programs may send texts by POST /send, and start dialogues by POST
    /start), COOEE_MEDIA, COOEE_MEDIA_LARGEST, COOEE_MEDIA_TRUSTED, COOEE_LOG_LEVEL,
    COOEE_LOG_PRIVATE, and the provider's own (see cooee providers). Each may be given as NAME_FILE
    too: the path of a file that holds the value.

    To try an app without a provider's account, type cooee phone APP.

    SIGTERM and Ctrl-C finish the turns under way and end it within 10 seconds.
    """
    import uvloop

    from cooee.runtime.app_loop import AppThread
    from cooee.runtime.redaction import Redactor
    from cooee.runtime.settings import read_settings

    settings = read_settings(os.environ)
    # delivery rule 24: the app is imported in the thread that runs it, as some libraries expect
    app_thread = AppThread(uvloop.new_event_loop)
    loaded = app_thread.call(lambda: import_app(app))
    redactor = Redactor(settings.secrets)
    configure_logging(settings.log_level, private=settings.log_private, redact=redactor)
    run_until_signal(
        lambda stop: _run_service(app, loaded, settings, redactor, stop, app_thread=app_thread)
    )


def configure_logging(
    level: int | str, *, private: bool, redact: Callable[[str], str] = lambda words: words
) -> None:
    """Log to standard error: a line for each event of cooee, and the warnings of libraries.

    Args:
        level: the lowest level of cooee's events to log.
        private: show people's numbers and texts.
        redact: masks secrets in each line.
    """
    from cooee.runtime.log import LogfmtFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogfmtFormatter(show_private=private, redact=redact))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("cooee").setLevel(level)


async def _run_service(
    name: str,
    app: App[Any, Any],
    settings: Settings,
    redactor: Redactor,
    stop: asyncio.Event,
    *,
    app_thread: AppThread,
) -> None:
    """Open, serve, connect, in this order: a push at once finds the service ready."""
    from cooee.net.http_server import serve_app
    from cooee.runtime.asgi import running_service

    async with (
        running_service(app, settings, redactor, app_thread) as service,
        serve_app(service.endpoints, host=settings.host, port=settings.port, grace=1) as port,
    ):
        ending = asyncio.ensure_future(_wait_for_end(stop, service))
        guarding = asyncio.ensure_future(_guard_against_hang())
        try:
            if await _connect_unless_ended(ending, service):
                # What the start made stays, and no collection has to look through it again.
                gc.collect()
                gc.freeze()
                print("\n".join(startup_banner(name, service, settings, port)), flush=True)
            await ending
        finally:
            ending.cancel()
            guarding.cancel()


async def _guard_against_hang() -> None:
    """End the process, with the stacks of its threads, where no thread of it can go on.

    A thread of C code does it, which needs no lock of the interpreter.
    """
    try:
        while True:
            # delivery rule 20: code in C that keeps the interpreter's lock stops this loop too
            faulthandler.dump_traceback_later(_HANG_TIMEOUT_S, exit=True)
            await asyncio.sleep(_HANG_TIMEOUT_S / 10)
    finally:
        faulthandler.cancel_dump_traceback_later()


async def _wait_for_end(stop: asyncio.Event, service: Service) -> None:
    """Return at the signal to stop.

    Raises:
        StartFailed: a function below `@app.on_start` raised.
        DatabaseLost: the database was removed or replaced.
        AppUnresponsive: the app's code holds its event loop, or has ended it.
    """
    stopping = asyncio.ensure_future(stop.wait())
    failing = asyncio.ensure_future(service.until_failed())
    try:
        await asyncio.wait({stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise failing.result()
    finally:
        stopping.cancel()
        failing.cancel()


async def _connect(service: Service) -> None:
    from cooee.net.http_client import load_client

    await asyncio.to_thread(load_client)  # else the first request would keep the webhooks waiting
    await service.connect()
    await service.until_started()


async def _connect_unless_ended(ending: asyncio.Future[None], service: Service) -> bool:
    """Connect, and call the start hooks; return False if the end comes first."""
    connecting = asyncio.ensure_future(_connect(service))
    try:
        await asyncio.wait({connecting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
        return connecting.done()
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)


def startup_banner(name: str, service: Service, settings: Settings, port: int) -> list[str]:
    """Return the lines of the start: the app, its number, its provider, its address."""
    from cooee.runtime.settings import misspelt_settings
    from cooee.storage.dialects import describe_database

    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    subscription = service.subscription
    number = (
        subscription.number
        if subscription
        else "not known yet: not connected, still trying (cooee check says why)"
    )
    handlers = _handler_lines(service.app) or [NO_HANDLERS]
    return [
        f"{name} is running. Ctrl-C ends it.",
        f"  number     {number}",
        f"  provider   {settings.provider.name}",
        f"  texts      {_describe_direction(service, settings)}",
        f"  database   {describe_database(settings.database)}",
        f"  handlers   {handlers[0]}",
        *(f"             {line}" for line in handlers[1:]),
        *(f"  note       {note}" for note in [*service.notes, *misspelt_settings(os.environ)]),
        f"  listening  http://{host}:{port}/health",
    ]


def _describe_direction(service: Service, settings: Settings) -> str:
    if service.is_polling:
        return f"read, every {settings.poll_interval:g} s while there are none"
    subscription = service.subscription
    url = subscription.push_url if subscription else settings.public_url
    if not url:
        return "read, as soon as we are connected"
    return f"pushed to {_mask_webhook_url(url)}"


def _mask_webhook_url(url: str) -> str:
    """Return a webhook's URL without the secret in its path."""
    parts = urlsplit(url)
    host, first = parts.netloc.rpartition("@")[2], parts.path.split("/")[1:2]
    return "/".join([f"{parts.scheme}://{host}", *first, "…"])


def _handler_lines(app: App[Any, Any]) -> list[str]:
    matchers: dict[str, list[str]] = {}
    for route in app.routes:
        what = "anything else" if route.matcher is None else str(route.matcher)
        matchers.setdefault(route.handler.name, []).append(what)
    for dialogue in app.routes.dialogues:
        matchers.setdefault(dialogue.handler.name, ["(begun by the app)"])
    width = max((len(", ".join(what)) for what in matchers.values()), default=0)
    return [f"{', '.join(what):<{width}}  {name}" for name, what in matchers.items()]
