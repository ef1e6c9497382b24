"""The database that the settings name, opened beside the process that owns it."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cooee.core.errors import SettingError
from cooee.core.phone_numbers import normalise_number

if TYPE_CHECKING:
    from cooee.storage import Store, Talk

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PAGE_SIZE = 500  # dialogues that are held at a time
_MAX_CONVERSATIONS = 1_000  # conversations that are looked through for the number used last


@asynccontextmanager
async def open_configured_store() -> AsyncIterator[Store]:
    """The store, for a look or a word; whoever runs on it runs on.

    Raises:
        SettingError: there is no database yet, or COOEE_DATABASE names another.
    """
    from cooee.clocks.clock import RealClock
    from cooee.runtime.settings import read_database_path
    from cooee.storage.sqlite.store import SQLite

    path = read_database_path(os.environ)
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


async def iterate_dialogues(
    store: Store, *, handler: str = "", include_ended: bool = False
) -> AsyncIterator[Talk]:
    """Dialogues, person by person, as they are kept; the arguments are `Store.dialogues`'s."""
    after = None
    while page := await store.dialogues(
        handler=handler, over=include_ended, after=after, limit=_PAGE_SIZE
    ):
        for stored in page:
            yield stored
        after = (page[-1].conversation, page[-1].dialogue.id)


async def our_numbers_by_use(store: Store) -> Sequence[str]:
    """Our numbers; the one used last comes first."""
    summaries = await store.threads(limit=_MAX_CONVERSATIONS)
    return list(dict.fromkeys([*(thread.ours for thread in summaries), *await store.our_numbers()]))


def parse_person_number(typed: str, near: str = "") -> str:
    """A person's number as it was typed, in its one international form.

    Args:
        words: what was typed.
        near: a number of ours, in whose country national forms are read.

    Raises:
        SettingError: it is no number, or cannot be told without a country.
    """
    number = normalise_number(typed, our_number=near)
    if _E164.fullmatch(number):
        return number
    raise SettingError(
        f"{typed!r} is not a person's number. Type it with its country, like +61491570156."
    )
