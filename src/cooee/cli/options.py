"""Arguments and options of several commands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from cooee.core.errors import SettingError

AppArgument = Annotated[
    str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
]
DialogueArgument = Annotated[
    str, typer.Argument(metavar="DIALOGUE", help="Its name: that of its function, usually.")
]
PersonArgument = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A person's number, like +61….")
]
JSONOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
LimitOption = Annotated[int, typer.Option(help="How many at most; the last ones.", min=1)]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
OursOption = Annotated[
    str | None,
    typer.Option("--from", metavar="NUMBER", help="Our number, where there are several."),
]
KeyOption = Annotated[
    str | None,
    typer.Option(help="Makes it idempotent: once for each person and key.", metavar="WORD"),
]
AtOption = Annotated[
    str | None,
    typer.Option(help="Not before: 2026-01-31T09:00+10:00.", metavar="TIME"),
]


def parse_moment(typed: str) -> datetime:
    """Parse a moment with its offset.

    Raises:
        SettingError: the words are no moment, or have no offset.
    """
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise SettingError(f"{typed!r} is no time. Type it like 2026-01-31T09:00+10:00.") from None
    if moment.tzinfo is None:
        example = f"{moment.isoformat(timespec='minutes')}+10:00"
        raise SettingError(f"{typed!r} could be anywhere. Add the offset, like {example}.")
    return moment
