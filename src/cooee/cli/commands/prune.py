"""`cooee prune`: deletes what is older than a while."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer

from cooee.cli.open_store import open_configured_store
from cooee.cli.options import YesOption
from cooee.cli.output import ask_confirmation
from cooee.core.errors import SettingError

_MIN_AGE = timedelta(days=7)  # for so long the provider is asked what became of a text
_SPAN = re.compile(r"(\d{1,5}) *(d|days?|w|weeks?)", re.IGNORECASE)


def prune(
    *,
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="In days or weeks: 90d, 26w. At least 7d.")
    ],
    yes: YesOption = False,
) -> None:
    """Delete the texts that are older than some days.

    Deleted are handled texts and those of ours that nothing more is to happen to, their receipts
    and pictures, and the answers of ended dialogues. It goes on beside a running app, a few
    conversations at a time. Whatever waits stays, and so do people's state, opt-outs with the texts
    that prove them, and all keys: nothing comes in twice, and nothing with a key goes out twice.
    The file keeps its size, and new texts use the room.
    """
    age = parse_age(older_than)
    asyncio.run(_prune(age, yes=yes))


def parse_age(typed: str) -> timedelta:
    """Parse a number of days or weeks, such as ``90d``.

    Raises:
        SettingError: the words are no such number, or it is less than seven days.
    """
    found = _SPAN.fullmatch(typed.strip())
    if found is None:
        raise SettingError(f"{typed!r} is no time. Type days or weeks: --older-than 90d")
    count, unit = int(found[1]), found[2].lower()
    age = timedelta(weeks=count) if unit.startswith("w") else timedelta(days=count)
    if age < _MIN_AGE:
        raise SettingError(
            "Texts of the last seven days stay, since receipts may still come: --older-than 7d"
        )
    return age


async def _prune(age: timedelta, *, yes: bool) -> None:
    from cooee.clocks.clock import RealClock, monotonic
    from cooee.runtime.operations import erase_deleted_media, prune_history
    from cooee.runtime.settings import read_media_location

    clock = RealClock()
    before = clock.now() - age
    question = f"Delete every text from before {before:%Y-%m-%d}? This cannot be undone."
    if not yes and not ask_confirmation(question):
        return
    texts = dialogues = 0
    async with open_configured_store() as store:
        with _progress_bar() as show:
            began = monotonic()
            async for done in prune_history(store, before):
                texts, dialogues = texts + done.texts, dialogues + done.dialogues
                show(done.done)
                # As long a rest as the slice took: a running app gets at the database in between.
                await clock.sleep(monotonic() - began)
                began = monotonic()
        not_erased = await erase_deleted_media(store, read_media_location(os.environ))
    print(f"Deleted: {texts:,} texts, and the answers of {dialogues:,} dialogues.")
    if not_erased:
        print(f"Still to be erased, and tried again at the next start: {', '.join(not_erased)}")


@contextmanager
def _progress_bar() -> Iterator[Callable[[float], None]]:
    """Show a progress bar if standard error is a terminal; yield how to set its share."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = ("Pruning", BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda share: progress.update(task, completed=share)
