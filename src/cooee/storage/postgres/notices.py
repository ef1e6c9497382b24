"""Notices: one process hears that another stored work, soon, or at the next slow look."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from cooee.storage.postgres.database import Database
from cooee.storage.postgres.transaction import Connection

logger = logging.getLogger("cooee")

_CHANNEL = "cooee"
_PAUSE_S = 0.05  # between two notices: 20 a second at most
_SLOW_LOOK_S, _SLOW_LOOK_UNHEARD_S = 5.0, 1.0  # where notices come; and where none ever does
_RECONNECT_S = 1.0


class Notices:
    """Tells other processes of commits, and listens for theirs. Lives in the database's loop.

    A notice may be lost, and no LISTEN passes a pooler: so every few seconds a change is assumed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Callable[[], None]] = []
        self._to_send = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._has_news, self._looked_at = True, 0.0

    def start(self) -> None:
        """Begin to listen, and to send what `tell` asks for."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]

    async def stop(self) -> None:
        """Listen and send no more."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def add_listener(self, on_change: Callable[[], None]) -> None:
        """Call a function, in the database's thread, at each notice."""
        self._listeners.append(on_change)

    def tell(self) -> None:
        """Tell the other processes, soon, that this process stored work."""
        self._to_send.set()

    def hear(self) -> None:
        """Note that another process stored work, or freed it."""
        self._has_news = True
        for on_change in self._listeners:
            on_change()

    def take_news(self) -> bool:
        """Return whether another process may have stored work since the last call."""
        now = asyncio.get_running_loop().time()
        is_deaf = self._database.connections.address.behind_pgbouncer
        pause = _SLOW_LOOK_UNHEARD_S if is_deaf else _SLOW_LOOK_S
        has_news = self._has_news or now - self._looked_at >= pause
        if has_news:
            self._has_news, self._looked_at = False, now
        return has_news

    async def _send(self) -> None:
        # storage rule 24: NOTIFY within the transactions makes all commits wait for each other.
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            with contextlib.suppress(Exception):  # the slow look stands behind a lost notice
                connection = await self._database.connections.acquire()
                try:
                    await connection.execute(
                        "select pg_notify($1, $2)", _CHANNEL, str(self._database.worker)
                    )
                finally:
                    self._database.connections.release(connection)
            await asyncio.sleep(_PAUSE_S)

    async def _listen(self) -> None:
        if self._database.connections.address.behind_pgbouncer:
            return
        while True:
            with contextlib.suppress(Exception):  # the slow look stands behind a lost connection
                connection = await self._database.connections.connect()
                try:
                    await self._listen_on(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(_RECONNECT_S)

    async def _listen_on(self, connection: Connection) -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(_CHANNEL, self._receive)
        self.hear()  # of all that was missed before
        await ended.wait()

    def _receive(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload != str(self._database.worker):
            self.hear()
