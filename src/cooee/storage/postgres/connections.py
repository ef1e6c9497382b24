"""Connections: a small pool, each connection set up so that our plans hold."""

from __future__ import annotations

import asyncio
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

import asyncpg
import msgspec

from cooee.core.errors import SettingError
from cooee.storage.postgres.transaction import Connection

SCHEMA = "cooee"
_CONNECT_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 2.0
_STATEMENT_TIMEOUT_S = 60.0
_CACHED_STATEMENTS = 512
_SETTINGS = {
    "search_path": SCHEMA,
    # storage rule 7: a plan made while the tables were empty would read whole tables for hours.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
}
_SESSION_SETTINGS = {
    "application_name": "cooee",
    "timezone": "UTC",
    "jit": "off",
    # A process that is stopped within a transaction lets go of its rows.
    "idle_in_transaction_session_timeout": "10s",
}


class ServerAddress(msgspec.Struct, frozen=True):
    """Where the server is, and how to speak to it.

    `behind_pgbouncer`: a pooler in transaction mode stands before the server, so that neither
    settings nor prepared statements nor LISTEN outlive a transaction.
    """

    dsn: str
    pool_size: int = 8
    behind_pgbouncer: bool = False


def read_address(url: str) -> ServerAddress:
    """Return the address in a URL: ``postgresql://…?pool_size=20&pgbouncer=1``.

    Raises:
        SettingError: a parameter has no sense.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    size, bouncer = query.pop("pool_size", "8"), query.pop("pgbouncer", "0")
    if not size.isdigit() or not 2 <= int(size) <= 1000 or bouncer not in {"0", "1"}:
        raise SettingError(
            "Give the database's URL with pool_size=2 to 1000 and pgbouncer=0 or 1, or without."
        )
    dsn = urlunsplit(parts._replace(query=urlencode(query)))
    return ServerAddress(dsn, int(size), bouncer == "1")


class Connections:
    """A pool of connections: the one used last is used first, and none is reset in between."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self._idle: list[Connection] = []
        self._numbers: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()
        self._places = asyncio.Semaphore(address.pool_size)
        self._urgent_place = asyncio.Semaphore(1)
        settings = "".join(f"; set local {name} = {value}" for name, value in _SETTINGS.items())
        self.begin_suffix = settings if address.behind_pgbouncer else ""

    async def acquire(self, *, is_urgent: bool = False) -> Connection:
        """Return a connection, new where all are in use and there is room.

        One connection more is kept for what is urgent, such as the heart-beat, which may not wait
        for slow verbs.
        """
        places = self._urgent_place if is_urgent else self._places
        await places.acquire()
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        try:
            return await self.connect()
        except BaseException:
            places.release()
            raise

    def release(self, connection: Connection, *, is_urgent: bool = False) -> None:
        """Take a connection back; a broken one is dropped."""
        (self._urgent_place if is_urgent else self._places).release()
        if not connection.is_closed():
            self._idle.append(connection)

    def number_of(self, connection: Connection) -> int:
        """Return the random number by which the database knows a connection."""
        return self._numbers.setdefault(connection, secrets.randbits(63))

    async def connect(self, *, statement_timeout_s: float = _STATEMENT_TIMEOUT_S) -> Connection:
        """Open a connection beside the pool."""
        bouncer = self.address.behind_pgbouncer
        connection: Connection = await asyncpg.connect(
            self.address.dsn,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=statement_timeout_s,
            statement_cache_size=0 if bouncer else _CACHED_STATEMENTS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings={} if bouncer else _SETTINGS | _SESSION_SETTINGS,
        )
        return connection

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=_CLOSE_TIMEOUT_S)
            except Exception:  # the server is away: it closes its own end
                connection.terminate()
