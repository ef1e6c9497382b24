"""`cooee preflight`: replays every open dialogue against the code on disk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cooee.cli.commands.preflight_report import PreflightReport
from cooee.cli.load_app import import_app
from cooee.cli.open_store import open_configured_store
from cooee.cli.options import AppArgument, JSONOption
from cooee.cli.output import show_json

if TYPE_CHECKING:
    from cooee.runtime.preflight.audit_hook import IOGuard


def preflight(
    app: AppArgument,
    *,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Fail also where somebody is asked anew, or it ends now."),
    ] = False,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Show the numbers of examples in full.")
    ] = False,
    json: JSONOption = False,
) -> None:
    """Replay every person's dialogue against the code on disk.

    Use it before a deploy. The report names the people who go on where they are, those asked a new
    question, those whose dialogue ends, and those whose dialogue breaks, with the line that breaks
    and its remedy.

    Nothing is written and nothing is sent: a replay is refused sockets, subprocesses and writing to
    files, the app's lifespan is not run, and a replay stops at a `once` that was not done before.
    The command may be used beside a running app.

    The exit status is 0 where every dialogue goes on, with or without a new question, 1 where a
    dialogue breaks or cannot be read, and 2 where the app cannot be loaded or there is no database.
    """
    from cooee.runtime.preflight.audit_hook import IOGuard

    io_guard = IOGuard()
    sys.dont_write_bytecode = True  # what a handler imports as it runs is not written either
    with io_guard.watch_loading():
        imported = import_app(app)
    report = asyncio.run(_replay_all(imported, io_guard))
    is_ok = report.is_ok(strict=strict)
    if json:
        show_json({"ok": is_ok, **report.as_json(numbers=numbers)})
    else:
        print("\n".join(report.lines(numbers=numbers)))
    for location in io_guard.opened_while_loading:
        explanation = "while the app is loaded; what dialogues do with it is not refused here."
        print(f"Note: {location}, {explanation}", file=sys.stderr)
    raise typer.Exit(int(not is_ok))


async def _replay_all(app: Any, io_guard: IOGuard) -> PreflightReport:
    from cooee.runtime.operations import iterate_dialogues
    from cooee.runtime.preflight.dry_run import DryRun

    report = PreflightReport()
    async with open_configured_store() as store:
        dry_run = DryRun(app, io_guard)
        with _progress_bar((await store.counts()).open_dialogues) as advance:
            async for stored in iterate_dialogues(store):
                report.add(stored, dry_run.run(stored))
                advance()
        dry_run.close()
    return report


@contextmanager
def _progress_bar(count: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar if standard error is a terminal; yield the bar's `advance`."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("Replaying", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=count)
        yield lambda: progress.advance(task)
