"""Database URLs: the store that a URL opens, and the file or the server that it names.

This module is the one place that knows the dialects. A URL may hold a password: messages show
`describe_database`, and never the URL.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

from cooee.core.errors import SettingError, StorageError
from cooee.storage.columns import to_millis
from cooee.storage.forget_key import find_setting_problem, parse_forget_key
from cooee.storage.server_url import (
    SERVER_EXAMPLE,
    describe_server,
    is_server,
    parse_server_url,
    server_password,
)
from cooee.storage.store import Store
from cooee.storage.tables import RowStore

_SQLITE = "sqlite:///"
_ONE_OWNER = (
    f"A file has one process. Several processes share a PostgreSQL: COOEE_DATABASE={SERVER_EXAMPLE}"
)


def check_database_url(url: str) -> None:
    """Check that a URL or a bare path names a database, without looking for it.

    Raises:
        SettingError: the URL names no database that cooee knows.
    """
    if is_server(url):
        parse_server_url(url)
    else:
        database_path(url)


def check_processes(url: str) -> None:
    """Check that several processes may answer and send on a database.

    Raises:
        SettingError: one process owns the database.
    """
    if not is_server(url):
        raise SettingError(_ONE_OWNER)


def database_path(url: str) -> Path:
    """Return the absolute path of the file that a URL or a bare path names.

    Args:
        url: ``sqlite:///cooee.db``, ``sqlite:////srv/cooee.db`` (four slashes begin an absolute
            path) or a path.

    Raises:
        SettingError: the URL names no SQLite file.
    """
    if is_server(url):
        raise SettingError("A file is needed here, and no server: sqlite:///cooee.db")
    scheme, colon, _ = url.partition("://")  # no more of the URL: it may hold a password
    path = url.removeprefix(_SQLITE)
    if not path or (colon and path == url):
        named = f" ({scheme:.20}://…)" if colon else ""
        raise SettingError(
            f"The URL{named} names no database. Give a file, sqlite:///cooee.db, or a server,"
            f" {SERVER_EXAMPLE}"
        )
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
    """Return a database's name for messages: its path or its server, without any password.

    Raises:
        SettingError: the URL names no database.
    """
    if not is_server(url):
        return str(database_path(url))
    return describe_server(url)


def database_password(url: str) -> str:
    """Return the password in a URL, which no log may show; "" where there is none.

    Raises:
        SettingError: the URL names no database.
    """
    return server_password(url) if is_server(url) else ""


def default_media_location(url: str) -> str:
    """Return the folder of media where no other is set.

    It lies beside the database's file; beside no file, it is ``cooee-media`` in the working folder.

    Raises:
        SettingError: the URL names no database.
    """
    check_database_url(url)
    return str(absolute_path("cooee-media")) if is_server(url) else f"{database_path(url)}-media"


def key_path(url: str) -> Path:
    """Return the file with the key of the forgotten people, which no copy of a database has.

    Raises:
        SettingError: the URL names no database.
    """
    path = database_path(url)
    return path.with_name(f"{path.name}.key")


def is_missing(url: str) -> bool:
    """Return whether a database is a file that is not there yet.

    Raises:
        SettingError: the URL names no database.
    """
    return not is_server(url) and not database_path(url).exists()


async def open_store(
    url: str,
    *,
    now: Callable[[], datetime],
    owner: bool = True,
    forget_key: str = "",
    correct_clock: Callable[[timedelta], None] | None = None,
) -> Store:
    """Open the store of a database URL; a new database is made, an old schema brought up to date.

    Args:
        url: the database: a server, or a file as for `database_path`.
        now: the clock, in UTC.
        owner: whether this process answers and sends. Only one process can on a file.
        forget_key: the key to forgotten people's opt-outs on a server, as 64 hex digits. A file has
            a key of its own beside it.
        correct_clock: is told by how much the clock is to be put forward, where a server's clock
            differs from it by more than a second; the processes of a server share its clock.

    Raises:
        SettingError: the URL names no database, or the driver of the server is not installed.
        DatabaseInUse: another process owns the database.
        SchemaTooNew: a newer cooee wrote the database.
        StorageError: the database cannot be opened.
    """
    if is_server(url):
        parse_server_url(url)
        check_driver()
        key = parse_forget_key(forget_key)
        from cooee.storage.postgres.store import PostgreSQL  # noqa: PLC0415 -- as below

        return await PostgreSQL.open(
            url, now=now, owner=owner, forget_key=key, correct_clock=correct_clock
        )
    from cooee.storage.sqlite.store import SQLite  # noqa: PLC0415 -- settings load no driver

    return await SQLite.open(database_path(url), now=now, owner=owner)


async def open_rows(url: str, *, now: Callable[[], datetime], is_source: bool) -> RowStore:
    """Open the rows of a database, to be copied (`is_source`) or to be copied into.

    Raises:
        SettingError: the URL names no database, or the driver of the server is not installed.
        DatabaseInUse: an app runs on the database.
        StorageError: the database cannot be opened.
    """
    millis = to_millis(now())
    if is_server(url):
        parse_server_url(url)
        check_driver()
        from cooee.storage.postgres.row_store import PostgresRows  # noqa: PLC0415 -- as above

        return await PostgresRows.open(url, millis)
    from cooee.storage.sqlite.row_store import SQLiteRows  # noqa: PLC0415 -- as above

    return SQLiteRows(database_path(url), millis, is_source=is_source)


def copy_forget_key(source: str, target: str, check: int, forget_key: str) -> str:
    """Keep the key of the forgotten people for a copy; return what is to be typed for it, or "".

    Args:
        source: the URL of the database that was copied.
        target: the URL of the copy.
        check: the number by which the database knows its key.
        forget_key: the setting of this process, as for `open_store`.

    Raises:
        StorageError: the key is missing, or it is another database's.
    """
    from cooee.storage.sqlite.key_file import KeyFile, find_key_problem  # noqa: PLC0415 -- as above

    setting, file = parse_forget_key(forget_key), None
    problem = setting_problem = find_setting_problem(setting, check)
    if not is_server(source):
        file = KeyFile(database_path(source))
        problem = find_key_problem(file, check)
    if problem:
        raise StorageError(problem)
    if not is_server(target):
        KeyFile(database_path(target)).keep(setting.value if file is None else file.read())
    elif file is not None and setting_problem:
        read = f"print(open({str(file.path)!r}, 'rb').read().hex())"
        return f"export COOEE_FORGET_KEY=$(python3 -c {shlex.quote(read)})"
    return ""


def check_driver() -> None:
    """Check that the driver of a server is installed.

    Raises:
        SettingError: it is not; the message says what to type.
    """
    if find_spec("asyncpg") is None:
        raise SettingError("PostgreSQL needs a driver. Type: pip install 'cooee[postgres]'")


def check_ownership(url: str) -> None:
    """Check that no process owns a database, whose file need not be there yet.

    A server has no owner.

    Raises:
        SettingError: the URL names no database.
        DatabaseInUse: a process owns the database.
        StorageError: the database's folder is missing, or cannot be written.
    """
    if is_server(url):
        return
    from cooee.storage.sqlite.ownership import OwnerLock  # noqa: PLC0415 -- as above

    OwnerLock(database_path(url)).close()


async def find_database_problems(url: str, *, forget_key: str = "") -> Sequence[str]:
    """Return sentences on how an existing database is kept: each a problem, with its remedy.

    Raises:
        SettingError: the URL names no database.
        StorageError: the database cannot be opened.
    """
    if is_server(url):
        from cooee.storage.postgres import connections, problems  # noqa: PLC0415 -- as above

        address = connections.read_address(url)
        return await problems.find_problems(address, parse_forget_key(forget_key))
    from cooee.storage.sqlite.database_file import find_problems  # noqa: PLC0415 -- as above

    return find_problems(database_path(url))
