"""`cooee start`: starts a dialogue with a person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cooee.cli.load_app import import_app
from cooee.cli.open_store import open_configured_store
from cooee.cli.options import (
    AppArgument,
    AtOption,
    DialogueArgument,
    KeyOption,
    OursOption,
    PersonArgument,
    parse_moment,
)
from cooee.clocks.clock import RealClock
from cooee.core.app.app import checked_key
from cooee.core.app.dialogue_start import find_dialogue
from cooee.core.app.typed_inputs import read_inputs
from cooee.core.errors import SettingError
from cooee.runtime.operations import choose_our_number, start_dialogue

if TYPE_CHECKING:
    from datetime import datetime

    from cooee.core.app.routes import Dialogue


def start(
    app: AppArgument,
    dialogue: DialogueArgument,
    to: PersonArgument,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="The dialogue's parameters."),
    ] = None,
    *,
    ours: OursOption = None,
    key: KeyOption = None,
    at: AtOption = None,
) -> None:
    """Start a dialogue with a person; a running app begins it within a second.

    The parameters of the dialogue are given as NAME=VALUE, like table=4 or when=2026-03-04T15:30;
    each is read as the type that the parameter has, lists and objects as JSON.

    With --key the dialogue is begun once for each person and key, however often this is run.
    Nothing is begun with a person who opted out, and the command fails.
    """
    moment = None if at is None else parse_moment(at)
    found = find_dialogue(import_app(app).routes, dialogue)
    values = read_inputs(found, _split_inputs(inputs or []))
    asyncio.run(_start(found, to, values, ours=ours, key=checked_key(key), at=moment))


async def _start(
    dialogue: Dialogue,
    to: str,
    inputs: Mapping[str, Any],
    *,
    ours: str | None,
    key: str | None,
    at: datetime | None,
) -> None:
    now = RealClock().now()
    async with open_configured_store() as store:
        sender = await choose_our_number(store, ours)
        theirs, id, is_new = await start_dialogue(
            store, dialogue, inputs, ours=sender, to=to, now=now, at=at, key=key
        )
    words = "Begun" if is_new else "Begun before, with this key,"
    print(f"{words} from {sender} with {theirs}: {id}")


def _split_inputs(typed: Sequence[str]) -> Mapping[str, str]:
    """Split each NAME=VALUE.

    Raises:
        SettingError: an input has no name, or two have the same.
    """
    inputs: dict[str, str] = {}
    for words in typed:
        name, equals, value = words.partition("=")
        if not equals or not name.isidentifier():
            raise SettingError(f"{words!r} is no input. Type its name and value, like table=4.")
        if name in inputs:
            raise SettingError(f"{name} is given twice: {inputs[name]!r} and {value!r}. Give one.")
        inputs[name] = value
    return inputs
