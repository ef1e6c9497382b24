"""One version of an app in a process of its own, as the page's process sees it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from cooee.phone.ipc_messages import (
    Advance,
    Advanced,
    Broken,
    Called,
    Exchanged,
    Loaded,
    News,
    Opened,
    Order,
    Over,
    Play,
    Playing,
    Report,
    Rest,
    Resting,
    Role,
    Stands,
    Step,
    Trouble,
    Wrote,
)

Told: TypeAlias = News | Stands | Opened

_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
_LONGEST = 12.0  # seconds that a process gets to answer an order, before it is killed
_LINE = 1 << 26  # bytes of a report


class AppProcess:
    """A process that has loaded an app, or could not.

    Attributes:
        gone: set once the process has ended, for whatever reason.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hear: Callable[[Told], None],
    ) -> None:
        self.gone = asyncio.Event()
        self._process, self._writer, self._hear = process, writer, hear
        self._answers: asyncio.Queue[Report | None] = asyncio.Queue()
        self._listening = asyncio.get_running_loop().create_task(self._listen(reader))

    @classmethod
    async def start(
        cls, command: Sequence[str], role: Role, hear: Callable[[Told], None]
    ) -> AppProcess:
        """Start a process.

        Args:
            command: what runs `actor.act`; the role is added to it.
            role: what it is to play; its channel is filled in here.
            hear: called with the news of texts.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            role = msgspec.structs.replace(role, channel=theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                *command,
                msgspec.json.encode(role).decode(),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), role.door),
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE)
        return cls(process, reader, writer, hear)

    async def loaded(self) -> Loaded | Broken:
        """What came of loading the app."""
        answer = await self._answer(None)
        return answer if isinstance(answer, Loaded | Broken) else _dead("while it was loaded")

    async def play(self, offset: float) -> Playing | Broken:
        """Have it take the database and answer."""
        answer = await self._ask(Play(offset))
        return answer if isinstance(answer, Playing | Broken) else _dead("as it started")

    async def rest(self) -> bool:
        """Have it let go of the database; False where it had to be killed."""
        return isinstance(await self._ask(Rest()), Resting)

    async def advance(self, seconds: float) -> bool:
        """Move its clock."""
        return isinstance(await self._ask(Advance(seconds), 2.0), Advanced)

    async def end(self) -> None:
        """End it, whatever it does; what is on disk is complete at every moment."""
        self._writer.close()
        try:
            async with asyncio.timeout(_LONGEST):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        await self._listening

    async def _ask(self, order: Order, seconds: float = _LONGEST) -> Report | None:
        if self.gone.is_set():
            return None
        self._writer.write(msgspec.json.encode(order) + b"\n")
        return await self._answer(seconds)

    async def _answer(self, seconds: float | None) -> Report | None:
        try:
            async with asyncio.timeout(seconds):
                return await self._answers.get()
        except TimeoutError:
            self._kill()
            await self._process.wait()
            return None

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                match _reports.decode(line):
                    case (
                        Step()
                        | Called()
                        | Over()
                        | Wrote()
                        | Exchanged()
                        | Stands()
                        | Opened() as news
                    ):
                        self._hear(news)
                    case answer:
                        self._answers.put_nowait(answer)
        await self._process.wait()
        self.gone.set()
        self._answers.put_nowait(None)


def _dead(when: str) -> Broken:
    words = f"The app's process ended {when}. What it wrote to the terminal says why."
    return Broken(Trouble(words), died=True)
