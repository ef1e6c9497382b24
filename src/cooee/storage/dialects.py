"""Database URLs: the store that a URL opens, and the file that it names.

This module is the one place that knows the dialects. A URL may hold a password: messages show
`describe_database`, and never the URL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from cooee.core.errors import SettingError
from cooee.storage.store import Store

_SQLITE = "sqlite:///"


def database_path(url: str) -> Path:
    """Return the absolute path of the file that a URL or a bare path names.

    Args:
        url: ``sqlite:///cooee.db``, ``sqlite:////srv/cooee.db`` (four slashes begin an absolute
            path) or a path.

    Raises:
        SettingError: the URL names no SQLite file.
    """
    scheme, colon, _ = url.partition("://")  # no more of the URL: it may hold a password
    if colon and scheme in {"postgres", "postgresql"}:
        raise SettingError("PostgreSQL is to come. Until then give a file: sqlite:///cooee.db")
    path = url.removeprefix(_SQLITE)
    if not path or (colon and path == url):
        named = f" ({scheme:.20}://…)" if colon else ""
        raise SettingError(f"The URL{named} names no database file. Give one: sqlite:///cooee.db")
    return absolute_path(path)


def absolute_path(path: str) -> Path:
    """Return the absolute path of a path that may begin with ``~``.

    Raises:
        SettingError: this user, or the named user, has no home folder.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        home = path.partition("/")[0]
        raise SettingError(
            f"{home} in {path} stands for a home folder, and this process knows none (HOME is not"
            " set). Write the whole path: sqlite:////srv/texts/cooee.db"
        ) from error


def describe_database(url: str) -> str:
    """Return a database's name for messages: its path, without any password.

    Raises:
        SettingError: the URL names no database.
    """
    return str(database_path(url))


def default_media_location(url: str) -> str:
    """Return the folder of media where no other is set: beside the database's file.

    Raises:
        SettingError: the URL names no database.
    """
    return f"{database_path(url)}-media"


def key_path(url: str) -> Path:
    """Return the file with the key of the forgotten people, which no copy of a database has.

    Raises:
        SettingError: the URL names no database.
    """
    path = database_path(url)
    return path.with_name(f"{path.name}.key")


async def open_store(url: str, *, now: Callable[[], datetime], owner: bool = True) -> Store:
    """Open the store of a database URL; a new database is made, an old schema brought up to date.

    Args:
        url: the database, as for `database_path`.
        now: the clock, in UTC.
        owner: whether this process is the one that answers and sends. Only one can be.

    Raises:
        SettingError: the URL names no database.
        DatabaseInUse: another process owns the database.
        SchemaTooNew: a newer cooee wrote the database.
        StorageError: the database cannot be opened.
    """
    from cooee.storage.sqlite.store import SQLite  # noqa: PLC0415 -- settings load no driver

    return await SQLite.open(database_path(url), now=now, owner=owner)


def check_ownership(url: str) -> None:
    """Check that no process owns a database, whose file need not be there yet.

    Raises:
        SettingError: the URL names no database.
        DatabaseInUse: a process owns the database.
        StorageError: the database's folder is missing, or cannot be written.
    """
    from cooee.storage.sqlite.ownership import OwnerLock  # noqa: PLC0415 -- as above

    OwnerLock(database_path(url)).close()


def find_database_problems(url: str) -> Sequence[str]:
    """Return sentences on how an existing database is kept: each a problem, with its remedy.

    Raises:
        SettingError: the URL names no database.
        StorageError: the database cannot be opened.
    """
    from cooee.storage.sqlite.database_file import find_problems  # noqa: PLC0415 -- as above

    return find_problems(database_path(url))
