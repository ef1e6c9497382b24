"""Lines of standard input, whether a terminal, a pipe, a file or none."""

from __future__ import annotations

import asyncio
import os
import threading

_CHUNK_BYTES = 65_536


class StdinLines:
    """The lines of a file descriptor, read in a thread, for any kind of file.

    The thread reads past Python's own buffers: a thread that waits in those would keep the
    process from ending.

    Args:
        descriptor: the file descriptor; None has no lines.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        if descriptor is None:
            self._lines.put_nowait(None)
        else:
            thread = threading.Thread(target=self._read_forever, args=(descriptor,), daemon=True)
            thread.start()

    async def next_line(self) -> str | None:
        """Return the next line without its end; None, now and ever after, at the end."""
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
        return line

    def close(self) -> None:
        """End the lines, also for a waiting caller."""
        self._lines.put_nowait(None)

    def _read_forever(self, descriptor: int) -> None:
        rest = b""
        while chunk := _read_chunk(descriptor):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._add_line(_decode_line(line))
        if rest:
            self._add_line(_decode_line(rest))
        self._add_line(None)

    def _add_line(self, line: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
        except RuntimeError:  # the loop has ended, and nobody listens any more
            return


def _read_chunk(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except OSError:  # a terminal that was closed
        return b""


def _decode_line(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").removesuffix("\r")
