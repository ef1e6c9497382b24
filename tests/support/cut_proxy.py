"""CutProxy: a network between a client and a PostgreSQL server, which loses what a test wants lost."""

from __future__ import annotations

import asyncio
from typing import Self
from urllib.parse import parse_qs, urlsplit


class CutProxy:
    """Forwards connections to a server, until it is told to break one.

    Attributes:
        lose_answer_to: the next request with these bytes reaches the server, and its answer is lost
            with the connection.
        delay_request: the connection breaks at the next request with these bytes, which reaches the
            server when `may_arrive` is set.
        lose_request: the next request with these bytes is lost with the connection.
        is_down: whether new connections are broken at once.
        connection_count: how many connections there have been.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.lose_answer_to = self.lose_request = self.delay_request = b""
        self.may_arrive = asyncio.Event()
        self.is_down = False
        self.connection_count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Return the URL of the server's database, by way of this network."""
        port = self._server.sockets[0].getsockname()[1]
        user = self._target.netloc.rpartition("@")[0] or "cooee"
        return f"postgresql://{user}@127.0.0.1:{port}{self._target.path}?sslmode=disable"

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._target.query).get("host", [""])[0]
        port = self._target.port or 5432
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        return await asyncio.open_connection(self._target.hostname or "127.0.0.1", port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        self.connection_count += 1
        if self.is_down:
            writer.close()
            return
        from_server, to_server = await self._connect()
        answers = asyncio.create_task(_pump(from_server, writer))
        try:
            while data := await reader.read(65536):
                if self.lose_request and self.lose_request in data:
                    self.lose_request = b""
                    return
                if self.delay_request and self.delay_request in data:
                    self.delay_request = b""
                    writer.close()
                    await self.may_arrive.wait()
                    to_server.write(data)
                    await asyncio.wait([answers])
                    return
                if self.lose_answer_to and self.lose_answer_to in data:
                    self.lose_answer_to = b""
                    answers.cancel()
                    await asyncio.wait([answers])
                    to_server.write(data)
                    await from_server.read(1)  # the server has answered
                    return
                to_server.write(data)
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            for end in (writer, to_server):
                end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()
