"""Server URLs: the parts of a URL that names a PostgreSQL, and its name without the password."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from cooee.core.errors import SettingError

SERVER_EXAMPLE = "postgresql://cooee@db.example.com/cooee"
_SCHEMES = frozenset({"postgres", "postgresql"})
_HOST = re.compile(r"(\[[^]]+\]|[^:\[\]]*)(:\d+)?")


def is_server(url: str) -> bool:
    """Return whether a URL names a database server, which any number of processes may share."""
    scheme = url.partition("://")[0].lower()
    return "://" in url and scheme.partition("+")[0] in _SCHEMES


def describe_server(url: str) -> str:
    """Return a server's name for messages, with its database and without any password.

    Raises:
        SettingError: the URL names no database.
    """
    parts = parse_server_url(url)
    return f"PostgreSQL {_database(parts)} at {server_hosts(url)}"


def server_hosts(url: str) -> str:
    """Return the hosts of a server, with their ports.

    Raises:
        SettingError: the URL names no database.
    """
    parts = parse_server_url(url)
    hosts = parts.netloc.rpartition("@")[2] or "".join(parse_qs(parts.query).get("host", []))
    return hosts or "this machine"


def server_password(url: str) -> str:
    """Return the password in a URL; "" where there is none.

    Raises:
        SettingError: the URL names no database.
    """
    parts = parse_server_url(url)
    return unquote(parts.password or "") or "".join(parse_qs(parts.query).get("password", []))


def parse_server_url(url: str) -> SplitResult:
    """Return the parts of a server's URL.

    Raises:
        SettingError: the URL has a driver's name, no database's, or cannot be read.
    """
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise SettingError(f"Begin the URL with postgresql://, as in {SERVER_EXAMPLE}")
    parts = _parse_url(url)
    if parts is None:
        raise SettingError(
            "The URL of the PostgreSQL cannot be read. In a user's name or a password, each of"
            f" : / ? # [ ] @ % is written as its percent code. Like this: {SERVER_EXAMPLE}"
        )
    if not _database(parts) or "/" in _database(parts):
        raise SettingError(f"The URL names no database behind the host: {SERVER_EXAMPLE}")
    return parts


def _parse_url(url: str) -> SplitResult | None:
    """Return the parts of a URL, whose hosts may be several; None where they make no sense."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return parts if all(map(_HOST.fullmatch, hosts)) and "@" not in parts.path else None


def _database(parts: SplitResult) -> str:
    return unquote(parts.path.removeprefix("/")) or "".join(parse_qs(parts.query).get("dbname", []))
