"""The database that the settings name, opened beside the process that owns it."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cooee.core.errors import SettingError
from cooee.core.phone_numbers import normalise

if TYPE_CHECKING:
    from cooee.storage import Store, Talk

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PAGE = 500  # dialogues that are held at a time
_MANY = 1_000  # conversations that are looked through for the number used last


@asynccontextmanager
async def visited() -> AsyncIterator[Store]:
    """The store, for a look or a word; whoever runs on it runs on.

    Raises:
        SettingError: there is no database yet, or COOEE_DATABASE names another.
    """
    from cooee.clocks.clock import RealClock
    from cooee.runtime.settings import read_database
    from cooee.storage.sqlite.store import SQLite

    path = read_database(os.environ)
    if not path.is_file():
        raise SettingError(
            f"There is no database {path}. Run the app first (cooee run APP), or type:\n"
            "  export COOEE_DATABASE=sqlite:///…    # the file the app runs on"
        )
    store = await SQLite.open(path, now=RealClock().now, owner=False)
    try:
        yield store
    finally:
        await store.close()


async def dialogues(store: Store, *, handler: str = "", over: bool = False) -> AsyncIterator[Talk]:
    """Dialogues, person by person, as they are kept; the arguments are `Store.dialogues`'s."""
    after = None
    while page := await store.dialogues(handler=handler, over=over, after=after, limit=_PAGE):
        for talk in page:
            yield talk
        after = (page[-1].conversation, page[-1].dialogue.id)


async def our_numbers(store: Store) -> Sequence[str]:
    """Our numbers; the one used last comes first."""
    threads = await store.threads(limit=_MANY)
    return list(dict.fromkeys([*(thread.ours for thread in threads), *await store.our_numbers()]))


def number(words: str, near: str = "") -> str:
    """A person's number as it was typed, in its one international form.

    Args:
        words: what was typed.
        near: a number of ours, in whose country national forms are read.

    Raises:
        SettingError: it is no number, or cannot be told without a country.
    """
    found = normalise(words, near=near)
    if _E164.fullmatch(found):
        return found
    raise SettingError(
        f"{words!r} is not a person's number. Type it with its country, like +61491570156."
    )
