"""Arguments and options of several commands."""

from __future__ import annotations

from typing import Annotated

import typer

AppArgument = Annotated[
    str, typer.Argument(metavar="APP", help="A file, file.py:name, or module:name.")
]
PersonArgument = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A person's number, like +61….")
]
JSONOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
LimitOption = Annotated[int, typer.Option(help="How many at most; the last ones.", min=1)]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
