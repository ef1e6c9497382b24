"""`cooee run --processes`: several processes of an app, on one port."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import nullcontext
from typing import NoReturn

from cooee.cli.log_setup import configure_logging
from cooee.cli.process_group import ProcessGroup
from cooee.cli.shutdown import run_until_signal
from cooee.runtime.settings import Settings


def run_processes(
    app: str, only: str, count: int, settings: Settings, *, is_listening: bool
) -> NoReturn:
    """Run an app in several processes until SIGTERM or SIGINT; SIGHUP replaces each by a new one.

    The processes accept from one listening socket. It stays open while each is replaced, so a
    request waits for the next process and is never refused.

    Raises:
        SettingError: the port is taken.
    """
    from cooee.net.http_server import bind_socket

    configure_logging(settings.log_level, private=settings.log_private)
    listener = bind_socket(settings.host, settings.port) if is_listening else None
    shared = [] if listener is None else [listener.fileno()]
    options = ["--only", only] if only else []
    options += [f"--listener={descriptor}" for descriptor in shared]

    def command(news: int) -> list[str]:
        return [sys.executable, "-P", "-m", "cooee", "run", app, f"--news={news}", *options]

    def show(banner: str) -> None:
        print(f"{banner}\n  processes  {count}", flush=True)

    async def work(stop: asyncio.Event) -> None:
        restart = asyncio.Event()
        if not sys.stdin.isatty():  # a terminal that is closed sends it too
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, restart.set)
        group = ProcessGroup(command, count, shared=shared, on_first_ready=show)
        if status := await group.run(stop, restart):
            raise SystemExit(status)

    with listener or nullcontext():
        run_until_signal(work)
