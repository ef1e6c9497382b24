"""The command `cooee`: every subcommand, and how errors are printed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from cooee.core.errors import CooeeError, DefinitionError, SettingError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "new": ("new", "Write a small app and its test into a new folder."),
    "phone": (
        "phone",
        "Try an app: text with it from made-up phones. Nothing leaves this machine.",
    ),
    "run": ("run", "Run an app: receive texts, answer them, send the answers."),
    "send": ("send", "Queue a text in the database; a running app sends the text within a second."),
    "start": ("start", "Start a dialogue with a person; a running app begins it within a second."),
    "conversations": ("conversations", "List conversations, the latest first."),
    "show": ("conversations", "Show the conversation with a person, and the state of each text."),
    "retry": ("conversations", "Try again the texts and dialogues that were set aside."),
    "forget": (
        "conversations",
        "Erase a person: their texts, their pictures, their state and their number.",
    ),
    "waiting": ("waiting", "Show each open dialogue's question, and the people who are asked."),
    "answers": ("answers", "Print people's answers to a dialogue, as CSV."),
    "preflight": ("preflight", "Replay every person's dialogue against the code on disk."),
    "prune": ("prune", "Delete the texts that are older than some days."),
    "copy": ("copy", "Copy a database into another one: from a file to a server, or back."),
    "backup": ("backup", "Copy the database, even while the app runs."),
    "webhook": ("webhook", "Show the URL of the provider's calls."),
    "simulator": (
        "simulator",
        "Run a simulated mobile network, with the providers' HTTP APIs and phones to text with.",
    ),
    "providers": ("providers", "List the providers, and the settings each needs."),
    "segments": ("segments", "Show how many segments a text is billed as."),
    "check": ("check", "Check an app's settings, provider, database and keywords."),
}
"""Each command's module in `cooee.cli.commands`, and the first line of its help."""


_WITHOUT_DATABASE = frozenset({"new", "simulator", "providers", "segments"})
_WITH_ITS_OWN = frozenset({"phone", "copy"})  # whose database is never the app's


def load_command(name: str) -> Callable[..., None]:
    """Import a command, and return its function."""
    module, _ = COMMANDS[name]
    command: Callable[..., None] = getattr(import_module(f"cooee.cli.commands.{module}"), name)
    return command


class _CommandGroup(TyperGroup):
    """The commands, each imported when it is called: the help of all of them needs none."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        names: Any = dict.fromkeys(COMMANDS)  # it suggests one of them for a mistyped one
        self.commands = names

    def get_command(self, _: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = _make_command(cmd_name, load_command(cmd_name))
        if cmd_name not in _WITHOUT_DATABASE | _WITH_ITS_OWN:
            command.params += _make_command(cmd_name, _options_of_a_database).params
        return command

    def format_commands(self, _: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _make_command(name: str, function: Callable[..., None]) -> Any:
    return get_command_from_info(
        CommandInfo(name, callback=function), pretty_exceptions_short=True, rich_markup_mode=None
    )


def _use_database(typed: str | None) -> None:
    if typed is not None:
        os.environ.pop("COOEE_DATABASE_FILE", None)
        os.environ["COOEE_DATABASE"] = typed if "://" in typed else f"sqlite:///{typed}"


def _options_of_a_database(
    *,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="The database, in place of COOEE_DATABASE.",
            callback=_use_database,
            expose_value=False,
        ),
    ] = None,
) -> None:
    """Stand for no command: its option is that of every command with a database."""


cli = typer.Typer(
    name="cooee",
    cls=_CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is wrapped well, and needs no library to be loaded
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

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
