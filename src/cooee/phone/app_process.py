"""Drives the process of a version of an app, from the page's process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from cooee.phone.ipc_messages import (
    AdvanceClock,
    AppBroken,
    AppCommand,
    AppError,
    AppFailed,
    AppLoaded,
    AppMessage,
    AppNotes,
    AppStarted,
    AppStopped,
    ClockAdvanced,
    DatabaseOpened,
    DialogueStates,
    StartApp,
    StartArgs,
    StopApp,
    TimelineRecord,
    decode_message,
)

UnaskedMessage: TypeAlias = TimelineRecord | DialogueStates | DatabaseOpened | AppFailed | AppNotes

_COMMAND_TIMEOUT_S = 12.0  # after which a process that does not answer a command is killed
_MAX_MESSAGE_BYTES = 1 << 26


class AppProcess:
    """The process of a version of an app.

    Attributes:
        ended: set once the process has ended, for whatever reason.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_message: Callable[[UnaskedMessage], None],
    ) -> None:
        self.ended = asyncio.Event()
        self._process, self._writer, self._on_message = process, writer, on_message
        self._answers: asyncio.Queue[AppMessage | None] = asyncio.Queue()
        self._reading = asyncio.get_running_loop().create_task(self._read_messages(reader))

    @classmethod
    async def spawn(
        cls, command: Sequence[str], args: StartArgs, on_message: Callable[[UnaskedMessage], None]
    ) -> AppProcess:
        """Start a process.

        Args:
            command: runs `run_app_process`; the arguments are added to it as JSON.
            args: the arguments of the process; `channel_fd` is filled in here.
            on_message: takes each message that answers no command.
        """
        our_end, app_end = socket.socketpair()
        with app_end:
            args = msgspec.structs.replace(args, channel_fd=app_end.fileno())
            process = await asyncio.create_subprocess_exec(
                *command,
                msgspec.json.encode(args).decode(),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(app_end.fileno(), args.webhook_fd),
            )
        reader, writer = await asyncio.open_connection(sock=our_end, limit=_MAX_MESSAGE_BYTES)
        return cls(process, reader, writer, on_message)

    async def wait_until_loaded(self) -> AppLoaded | AppBroken:
        """Wait until the app is loaded, or has failed to load."""
        answer = await self._next_answer(None)
        return (
            answer
            if isinstance(answer, AppLoaded | AppBroken)
            else _process_died("while it was loaded")
        )

    async def start_app(self, offset: float) -> AppStarted | AppBroken:
        """Have the app open the database and answer texts."""
        answer = await self._send_command(StartApp(offset))
        return (
            answer if isinstance(answer, AppStarted | AppBroken) else _process_died("as it started")
        )

    async def stop_app(self) -> bool:
        """Have the app close the database; return False where the process had to be killed."""
        return isinstance(await self._send_command(StopApp()), AppStopped)

    async def advance_clock(self, seconds: float) -> bool:
        """Advance the app's clock; return False where the process had to be killed."""
        return isinstance(await self._send_command(AdvanceClock(seconds), 2.0), ClockAdvanced)

    async def close(self) -> None:
        """End the process, by force if need be: the database is complete at every moment."""
        self._writer.close()
        try:
            async with asyncio.timeout(_COMMAND_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._kill()
            await self._process.wait()
        await self._reading

    async def _send_command(
        self, command: AppCommand, timeout_s: float = _COMMAND_TIMEOUT_S
    ) -> AppMessage | None:
        if self.ended.is_set():
            return None
        self._writer.write(msgspec.json.encode(command) + b"\n")
        return await self._next_answer(timeout_s)

    async def _next_answer(self, timeout_s: float | None) -> AppMessage | None:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._answers.get()
        except TimeoutError:
            self._kill()
            await self._process.wait()
            return None

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def _read_messages(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                match decode_message(line):
                    case (
                        AppLoaded()
                        | AppBroken()
                        | AppStarted()
                        | AppStopped()
                        | ClockAdvanced() as answer
                    ):
                        self._answers.put_nowait(answer)
                    case message:
                        self._on_message(message)
        await self._process.wait()
        self.ended.set()
        self._answers.put_nowait(None)


def _process_died(when: str) -> AppBroken:
    message = f"The app's process ended {when}. What it wrote to the terminal says why."
    return AppBroken(AppError(message), process_died=True)
