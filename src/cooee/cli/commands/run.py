"""`cooee run`: runs an app until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from cooee.cli.load_app import import_app
from cooee.cli.log_setup import configure_logging
from cooee.cli.options import AppArgument
from cooee.cli.process_group import END_OF_NEWS
from cooee.cli.shutdown import run_until_signal
from cooee.core.app.app import App
from cooee.runtime.roles import EVERY_ROLE, Role, parse_roles

if TYPE_CHECKING:
    from cooee.runtime.app_loop import AppThread
    from cooee.runtime.redaction import Redactor
    from cooee.runtime.service import Service
    from cooee.runtime.settings import Settings

_HANG_TIMEOUT_S = 150.0  # seconds in which no thread can go on, as long as a claim may be stuck

_COLLECTED_AFTER = 5_000  # objects that were made and not freed

NO_HANDLERS = "none, so every text stays without an answer: write one below @app.otherwise"


_ROLES_HELP = "The part of the work to do: web, worker, sender, poller, with commas."
_OnlyOption = Annotated[str, typer.Option(metavar="ROLES", help=_ROLES_HELP)]
_ProcessesOption = Annotated[
    int, typer.Option(min=1, max=1_000, help="How many processes; more need a PostgreSQL.")
]
_DescriptorOption = Annotated[int, typer.Option(hidden=True)]  # of `run_processes`


def run(
    app: AppArgument,
    *,
    only: _OnlyOption = "",
    processes: _ProcessesOption = 1,
    news: _DescriptorOption = -1,
    listener: _DescriptorOption = -1,
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

    Several processes, on one machine or on many, share a PostgreSQL. With --processes one command
    starts several on one port, and starts those again that end; SIGHUP replaces them one after the
    other by processes that load the app anew. With --only a process does a part of the work: it
    receives webhooks (web), runs turns and timers (worker), hands texts to the provider (sender),
    reads texts from it (poller). Without web it listens, for /health alone, only where COOEE_PORT
    is set.
    """
    import uvloop

    from cooee.runtime.app_loop import AppThread
    from cooee.runtime.redaction import Redactor
    from cooee.runtime.settings import read_settings
    from cooee.storage.dialects import check_processes

    roles, settings = parse_roles(only), read_settings(os.environ)
    if processes > 1 or roles != EVERY_ROLE:
        check_processes(settings.database)
    if processes > 1:
        from cooee.cli.commands.run_processes import run_processes

        run_processes(app, only, processes, settings, is_listening=listens(roles, os.environ))
    # delivery rule 24: the app is imported in the thread that runs it, as some libraries expect
    app_thread = AppThread(uvloop.new_event_loop)
    loaded = app_thread.call(lambda: import_app(app))
    redactor = Redactor(settings.secrets)
    configure_logging(settings.log_level, private=settings.log_private, redact=redactor)
    process = _Process(roles, app_thread, _socket_of(news), _socket_of(listener))
    run_until_signal(
        lambda stop: _run_service(app, loaded, settings, redactor, stop, process=process)
    )


def listens(roles: frozenset[Role], environment: Mapping[str, str]) -> bool:
    """Tell whether a process serves HTTP: webhooks, or /health alone where a port is set for it."""
    has_port = any(environment.get(name) for name in ("COOEE_PORT", "COOEE_PORT_FILE"))
    return Role.WEB in roles or has_port


class _Process(msgspec.Struct, frozen=True):
    """What a process takes on and has; in a group, the socket of its news and the listener."""

    roles: frozenset[Role]
    app_thread: AppThread
    news: socket.socket | None
    listener: socket.socket | None


def _socket_of(descriptor: int) -> socket.socket | None:
    return None if descriptor < 0 else socket.socket(fileno=descriptor)


async def _run_service(
    name: str,
    app: App[Any, Any],
    settings: Settings,
    redactor: Redactor,
    stop: asyncio.Event,
    *,
    process: _Process,
) -> None:
    """Open, serve, connect, in this order: a push at once finds the service ready."""
    from cooee.runtime.asgi import running_service

    async with (
        running_service(app, settings, redactor, process.app_thread, process.roles) as service,
        _serve(service, settings, process) as port,
        _serve_metrics(service, settings, process),
    ):
        ending = asyncio.ensure_future(_wait_for_end(stop, service, process.news))
        guarding = asyncio.ensure_future(_guard_against_hang())
        try:
            if await _connect_unless_ended(ending, service):
                _settle_collector()
                banner = "\n".join(startup_banner(name, service, settings, port))
                if process.news is None:
                    print(banner, flush=True)
                else:
                    process.news.sendall(banner.encode() + END_OF_NEWS)
            await ending
        finally:
            ending.cancel()
            guarding.cancel()


@asynccontextmanager
async def _serve(
    service: Service, settings: Settings, process: _Process
) -> AsyncIterator[int | None]:
    """Serve HTTP, where this process does; yield the port."""
    from cooee.net.http_server import serve_app

    if not listens(process.roles, os.environ):
        yield None
        return
    serving = serve_app(
        service.endpoints,
        host=settings.host,
        port=settings.port,
        grace=1,
        listener=process.listener,
    )
    async with serving as port:
        yield port


def _settle_collector() -> None:
    """Leave what the start made to no further collection, and collect less often.

    A turn leaves no cycles behind, so at Python's own threshold a collection every ten texts
    would look through the texts under way, and find nothing.
    """
    gc.collect()
    gc.freeze()
    first, *others = gc.get_threshold()
    if 0 < first < _COLLECTED_AFTER:  # else the app has chosen
        gc.set_threshold(_COLLECTED_AFTER, *others)


@asynccontextmanager
async def _serve_metrics(
    service: Service, settings: Settings, process: _Process
) -> AsyncIterator[None]:
    """Serve metrics, where a port is set for them: the first free one, in a group of processes."""
    if settings.metrics_port is None:
        yield
        return
    from cooee.net.http_server import bind_first_free, serve_app
    from cooee.runtime.metrics import Metrics, MetricsEndpoint

    metrics = Metrics(service.clock.now)
    service.events.subscribe(metrics.on_event)
    endpoint = MetricsEndpoint(metrics, service.store, service.clock.now)
    ports = range(settings.metrics_port, settings.metrics_port + (64 if process.news else 1))
    async with serve_app(endpoint, grace=1, listener=bind_first_free(settings.host, ports)):
        yield


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


async def _wait_for_end(stop: asyncio.Event, service: Service, news: socket.socket | None) -> None:
    """Return at the signal to stop, or at the end of the process that started this one.

    Raises:
        StartFailed: a function below `@app.on_start` raised.
        DatabaseLost: the database was removed or replaced.
        AppUnresponsive: the app's code holds its event loop, or has ended it.
    """
    stopping = asyncio.ensure_future(stop.wait())
    failing = asyncio.ensure_future(service.until_failed())
    orphaned = asyncio.ensure_future(_until_closed(news))
    ending: set[asyncio.Future[Any]] = {stopping, failing, orphaned}
    try:
        await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise failing.result()
    finally:
        for future in ending:
            future.cancel()


async def _until_closed(news: socket.socket | None) -> None:
    """Wait until the group's process has closed its end of the news, or died."""
    if news is None:
        await asyncio.Event().wait()
        return
    news.setblocking(False)
    with suppress(OSError):
        await asyncio.get_running_loop().sock_recv(news, 1)


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


def startup_banner(name: str, service: Service, settings: Settings, port: int | None) -> list[str]:
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
        *_role_lines(service.options.roles),
        f"  listening  http://{host}:{port}/health" if port is not None else "  listening  nowhere",
    ]


def _role_lines(roles: frozenset[Role]) -> list[str]:
    if roles == EVERY_ROLE:
        return []
    return [f"  only       {', '.join(role for role in Role if role in roles)}"]


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
