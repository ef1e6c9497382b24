"""The command `cooee`: every subcommand, and how errors are printed."""

from __future__ import annotations

import io
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cooee.cli.commands import (
    answers,
    backup,
    check,
    conversations,
    new,
    phone,
    preflight,
    providers,
    run,
    segments,
    send,
    simulator,
    start,
    waiting,
    webhook,
)
from cooee.core.errors import CooeeError, DefinitionError, SettingError

cli = typer.Typer(
    name="cooee",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is wrapped well, and needs no library to be loaded
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"cooee {version('cooee')}, Python {sys.version.partition(' ')[0]}")
        raise typer.Exit


@cli.callback()
def cooee(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Two-way text-message conversations: run an app, talk to it, look after it."""


for command in (
    new.new,
    phone.phone,
    run.run,
    send.send,
    start.start,
    conversations.conversations,
    conversations.show,
    conversations.retry,
    conversations.forget,
    waiting.waiting,
    answers.answers,
    preflight.preflight,
    backup.backup,
    webhook.webhook,
    simulator.simulator,
    providers.providers,
    segments.segments,
    check.check,
):
    cli.command()(command)


def main() -> None:
    """Run the typed command.

    An error is printed in words. The exit status is 2 where the command line, a setting or the
    app has to be written differently, and 1 for every other error.
    """
    _fill_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal with a small character set
    try:
        cli()
    except CooeeError as error:
        print(f"cooee: {error}", file=sys.stderr)
        is_usage_error = isinstance(error, SettingError | DefinitionError)
        raise SystemExit(2 if is_usage_error else 1) from None


def _fill_standard_streams() -> None:
    """Open each closed standard stream on /dev/null: else a database would get its descriptor."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free
