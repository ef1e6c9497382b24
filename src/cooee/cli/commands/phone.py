"""`cooee phone`: runs an app beside the simulator, with a phone to text with."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cooee.cli.commands.run import NO_HANDLERS
from cooee.cli.load_app import import_app
from cooee.cli.log_setup import configure_logging
from cooee.cli.shutdown import run_until_signal
from cooee.core.app.app import App

if TYPE_CHECKING:
    from cooee.phone.phone_lock import TellPlace
    from cooee.phone.simulated_provider import ProviderConnection
    from cooee.phone.terminal.session import TerminalSession
    from cooee.runtime.app_loop import AppThread


def phone(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
    ],
    *,
    terminal: Annotated[
        bool, typer.Option("--terminal", help="A phone in this terminal, or in a pipe.")
    ] = False,
    provider: Annotated[
        str, typer.Option(help="The API between app and simulator; `cooee providers` lists them.")
    ] = "simulated",
    push: Annotated[
        bool | None,
        typer.Option("--push/--poll", help="Texts are pushed, or read; pushed if simulated."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Where conversations are kept; APP-phone.db by default.", metavar="FILE"),
    ] = None,
    poll_interval: Annotated[
        float, typer.Option(help="Seconds to rest after reading nothing.", min=0.05, max=3600)
    ] = 0.5,
    port: Annotated[
        int | None,
        typer.Option(help="Of the page, on loopback; 8410 by default, or any.", min=0, max=65535),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Try an app: text with it from made-up phones. Nothing leaves this machine.

    A page opens with two phones, and shows how the app answers each text. The simulator
    and the app speak the provider's API over real HTTP; the app runs in a process of its own,
    and saving its file is enough to go on with the new version.

    With --terminal the phone is in the terminal. Type a text to send it; /phone 2 goes on as a
    second person, and /wait 1h lets an hour pass. Lines from a pipe are sent one after the other,
    each when all is quiet; without any, START, TIME and STOP are played.

    Conversations are kept in a file of their own, so that the next time goes on from here.
    """
    from cooee.phone.simulated_provider import ProviderConnection, is_pushed_by_default
    from cooee.storage.dialects import check_ownership

    database = _phone_database(app, database)
    is_pushed = is_pushed_by_default(provider) if push is None else push
    connection = ProviderConnection(provider, is_pushed, poll_interval)
    configure_logging(logging.WARNING, private=True)
    with _lock(database) as tell_place:
        check_ownership(database)
        if terminal:
            tell_place(f"in a terminal (process {os.getpid()})")
            _open_terminal_phone(app, connection, database)
        from cooee.cli.commands.phone_page import serve_phone_page

        serve = partial(serve_phone_page, port=port, browser=browser, tell_place=tell_place)
        run_until_signal(lambda stop: serve(app, connection, database, stop))


def _lock(database: str) -> AbstractContextManager[TellPlace]:
    """Return the lock that keeps a second phone from a file; a server takes any number."""
    from cooee.phone.phone_lock import lock_phone
    from cooee.storage.dialects import database_path
    from cooee.storage.server_url import is_server

    return (
        nullcontext(lambda _: None) if is_server(database) else lock_phone(database_path(database))
    )


def _open_terminal_phone(app: str, connection: ProviderConnection, database: str) -> NoReturn:
    import uvloop

    from cooee.runtime.app_loop import AppThread

    app_thread = AppThread(uvloop.new_event_loop)  # delivery rule 24
    loaded = app_thread.call(lambda: import_app(app))
    run_until_signal(
        lambda leave: _run_terminal_phone(loaded, app_thread, connection, database, leave)
    )


def _phone_database(app: str, database: str | None) -> str:
    """Return the database's URL or path, if it opens a store."""
    from cooee.storage.dialects import describe_database

    if database is None:
        source = app.rpartition(":")[0] or app
        stem = Path(source).stem if source.endswith(".py") else source
        database = f"{stem}-phone.db"
    describe_database(database)  # raises for a URL of no known dialect, before anything starts
    return database


async def _run_terminal_phone(
    app: App[Any, Any],
    app_thread: AppThread,
    connection: ProviderConnection,
    database: str,
    stop: asyncio.Event,
) -> None:
    from cooee.phone.terminal.session import run_terminal_session
    from cooee.phone.terminal.terminal import run_terminal

    async with run_terminal_session(app, app_thread, connection, database) as session:
        print(_terminal_banner(session, connection.provider, database), file=sys.stderr, flush=True)
        failing = asyncio.ensure_future(session.service.until_failed())
        failing.add_done_callback(lambda _: stop.set())
        try:
            await run_terminal(session, stop)
            if session.service.failure is not None:
                raise session.service.failure
        finally:
            failing.cancel()


def _terminal_banner(session: TerminalSession, provider: str, database: str) -> str:
    from cooee.storage.dialects import describe_database

    direction = "pushes to it" if session.is_pushed else "is read by it"
    is_interactive = sys.stdin is not None and sys.stdin.isatty()
    lines = [
        f"The app has the number {session.our_number}; the simulator's {provider} {direction}.",
        f"Conversations are kept in {describe_database(database)}",
        "" if any(session.service.app.routes) else f"The app's handlers: {NO_HANDLERS}.",
        *(f"Note: {note}" for note in session.service.notes),
        "Type a text. /phone 2 is a second person, /wait 1h lets time pass, /help, /quit."
        if is_interactive
        else "",
    ]
    return "\n".join(line for line in lines if line)
