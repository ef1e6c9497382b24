"""The store named by COOEE_DATABASE, opened beside its owner process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cooee.core.errors import SettingError

if TYPE_CHECKING:
    from cooee.storage import Store


@asynccontextmanager
async def open_configured_store() -> AsyncIterator[Store]:
    """Open the store for one command; an app running on the same store is not disturbed.

    Raises:
        SettingError: there is no database yet, or COOEE_DATABASE names another.
    """
    from cooee.clocks.clock import RealClock
    from cooee.runtime.settings import read_database_url, read_forget_key
    from cooee.storage.dialects import describe_database, is_missing, open_store

    url = read_database_url(os.environ)
    if is_missing(url):
        raise SettingError(
            f"There is no database {describe_database(url)}. Run the app first (cooee run APP), or"
            " type:\n"
            "  export COOEE_DATABASE=sqlite:///…    # the file, or postgresql://…, the app runs on"
        )
    key = read_forget_key(os.environ)
    store = await open_store(url, now=RealClock().now, owner=False, forget_key=key)
    try:
        yield store
    finally:
        await store.close()
