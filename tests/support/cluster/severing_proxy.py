"""A proxy before a database that drops connections, refuses them, or loses the answer to a commit."""

import asyncio
import contextlib

COMMIT = b"commit\0"


class SeveringProxy:
    """Passes bytes both ways, until it is told to harm them.

    Attributes:
        port: the port on which it listens.
        is_down: no connection is made, and those that are there are cut.
    """

    def __init__(self, path):
        self._path, self._links = path, set()
        self.port, self.is_down, self.commits_to_lose, self.commits_lost = 0, False, 0, 0

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()
        self.cut()
        while self._links:
            await asyncio.sleep(0.01)

    def cut(self):
        """Cut each connection, in the middle of whatever it does."""
        for writer in list(self._links):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if self.is_down:
            writer.transport.abort()
            return
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            writer.transport.abort()
            return
        self._links |= {writer, back_writer}
        lost = asyncio.Event()
        await asyncio.gather(
            self._pass(reader, back_writer, self._watch(lost)),
            self._pass(back_reader, writer, lambda _: not lost.is_set()),
        )
        self._links -= {writer, back_writer}

    def _watch(self, lost):
        def watch(data):
            if self.commits_to_lose and COMMIT in data:
                self.commits_to_lose -= 1
                self.commits_lost += 1
                lost.set()
            return True

        return watch

    async def _pass(self, reader, writer, is_to_pass):
        with contextlib.suppress(OSError):
            while (data := await reader.read(65536)) and is_to_pass(data):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
