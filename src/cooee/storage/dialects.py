"""Opens the store that a URL names: the one place that knows the dialects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cooee.core.errors import StorageError

if TYPE_CHECKING:
    from cooee.storage.store import Store

_SQLITE = "sqlite:///"


def database_path(url: str) -> Path:
    """Return the absolute path of a file that a URL (``sqlite:///cooee.db``) or a bare path names.

    Raises:
        StorageError: the URL names no SQLite file.
    """
    scheme, colon, _ = url.partition("://")  # no more of the URL: it may hold a password
    if colon and scheme in {"postgres", "postgresql"}:
        raise StorageError("PostgreSQL is to come. Until then give a file: sqlite:///cooee.db")
    path = url.removeprefix(_SQLITE)
    if not path or (colon and path == url):
        named = f" ({scheme:.20}://…)" if colon else ""
        raise StorageError(f"The URL{named} names no database file. Give one: sqlite:///cooee.db")
    return Path(path).expanduser().absolute()


async def open_store(url: str | Path, *, now: Callable[[], datetime], owner: bool = True) -> Store:
    """Open the store of a URL or path; `owner` says whether this process answers and sends.

    Raises:
        StorageError: the URL names no store, or its database cannot be opened.
    """
    from cooee.storage.sqlite.store import SQLite  # noqa: PLC0415 -- settings load no driver

    path = url if isinstance(url, Path) else database_path(url)
    return await SQLite.open(path, now=now, owner=owner)
