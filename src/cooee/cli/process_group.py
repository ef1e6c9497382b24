"""ProcessGroup: several processes of one command, started, watched, restarted and ended."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from cooee.core.backoff import Backoff
from cooee.runtime.log import log_event

END_OF_NEWS = b"\0"
_RESTART_BACKOFF = Backoff((0.1, 1, 5, 30))  # seconds until a process that ended starts again
_HEALTHY_S = 60.0  # a process that ran so long begins the pauses anew
_READY_WITHIN_S = 180.0  # from a restart on; else the old process stays
_END_WITHIN_S = 15.0  # from SIGTERM to SIGKILL


class Child:
    """A process of the group, and the socket by which it says that it is ready.

    The socket breaks when the group's process dies, and then the child ends as by SIGTERM.
    """

    def __init__(self, process: asyncio.subprocess.Process, news: socket.socket) -> None:
        self.process, self.is_wanted, self.started_at = process, True, time.monotonic()
        self._news = news
        self.ready = asyncio.ensure_future(self._read_news())

    async def _read_news(self) -> str | None:
        """Return what a child says once it is ready; None where it ended before."""
        loop, words = asyncio.get_running_loop(), b""
        while not words.endswith(END_OF_NEWS):
            try:
                chunk = await loop.sock_recv(self._news, 65_536)
            except OSError:
                chunk = b""
            if not chunk:
                return None
            words += chunk
        return words.removesuffix(END_OF_NEWS).decode(errors="replace")

    @property
    def is_ready(self) -> bool:
        """Tell whether the process has said that it is ready."""
        return self.ready.done() and not self.ready.cancelled() and self.ready.result() is not None

    async def end(self) -> int:
        """End the process by SIGTERM, or by SIGKILL where it takes too long; return its status."""
        self.is_wanted = False
        if self.process.returncode is None:
            self.process.terminate()
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()

    def close(self) -> None:
        """Close the socket of a process that has ended."""
        self.ready.cancel()
        self._news.close()


class ProcessGroup:
    """Keeps a number of processes running until it is stopped.

    Args:
        command: returns a child's command line, given the descriptor of its news.
        count: how many processes.
        shared: descriptors that every child inherits, such as a listening socket.
        on_first_ready: called with the news of the first process that is ready.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        count: int,
        *,
        shared: Sequence[int] = (),
        on_first_ready: Callable[[str], None] = print,
    ) -> None:
        self._command, self._count, self._shared = command, count, shared
        self._on_first_ready, self._was_ready = on_first_ready, False
        self._stopping = asyncio.Event()
        self._failed_status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.children: list[Child] = []
        self._watchers: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, restart: asyncio.Event) -> int:
        """Run until `stop`; replace the processes one after the other at each `restart`.

        Return the exit status: 0, or that of a process which ended before any was ready.
        """
        await asyncio.gather(*[self._start() for _ in range(self._count)])
        replacing = asyncio.ensure_future(self._replace_at(restart))
        ending: set[asyncio.Future[Any]] = {asyncio.ensure_future(stop.wait()), self._failed_status}
        try:
            await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            for future in (replacing, *ending - {self._failed_status}):
                future.cancel()
            await asyncio.gather(*[child.end() for child in list(self.children)])
            await asyncio.gather(*self._watchers)
        return self._failed_status.result() if self._failed_status.done() else 0

    async def _start(self, failures: int = 0) -> Child:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            inherited = (theirs.fileno(), *self._shared)
            process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno()), pass_fds=inherited
            )
        child = Child(process, ours)
        self.children.append(child)
        child.ready.add_done_callback(self._tell_first_ready)
        watcher = asyncio.ensure_future(self._watch(child, failures))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return child

    def _tell_first_ready(self, ready: asyncio.Future[str | None]) -> None:
        news = None if ready.cancelled() else ready.result()
        if news is not None and not self._was_ready:
            self._was_ready = True
            self._on_first_ready(news)

    async def _watch(self, child: Child, failures: int) -> None:
        """Start another process where a child ends by itself."""
        status = await child.process.wait()
        self.children.remove(child)
        child.close()
        if self._stopping.is_set() or not child.is_wanted:
            return
        if not self._was_ready:  # as a wrong setting does; the child has said why
            if not self._failed_status.done():
                self._failed_status.set_result(status if status > 0 else 1)
            return
        log_event("process-ended", logging.ERROR, pid=child.process.pid, status=status)
        has_run_long = time.monotonic() - child.started_at >= _HEALTHY_S
        failures = 1 if has_run_long else failures + 1
        if not await _is_set_within(self._stopping, _RESTART_BACKOFF.pause_s(failures)):
            await self._start(failures)

    async def _replace_at(self, restart: asyncio.Event) -> None:
        while True:
            await restart.wait()
            restart.clear()
            for child in list(self.children):
                if child.is_wanted and not await self._replace(child):
                    break

    async def _replace(self, child: Child) -> bool:
        """Replace a process by a new one that is ready; False where none gets ready."""
        new = await self._start()
        new.is_wanted = False  # until it is ready: one that fails is not started again
        await asyncio.wait({new.ready}, timeout=_READY_WITHIN_S)
        new.is_wanted = new.process.returncode is None and new.is_ready
        if not new.is_wanted:
            log_event("restart-given-up", logging.ERROR, pid=new.process.pid)
            await new.end()
            return False
        # one that ended meanwhile is being started again, by the new code
        await (child if child in self.children else new).end()
        return True


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
