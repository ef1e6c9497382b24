"""Runs the newest sound version of an app, and reloads the app after a save."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from cooee.phone.app_process import AppProcess
from cooee.phone.ipc_messages import AppBroken, AppError, AppLoaded, AppStarted

SpawnApp: TypeAlias = Callable[[], Awaitable[AppProcess]]
_MAX_CRASHES = 10  # of one version in a row, after which it is not started again
_MAX_HALF_SAVED_CHECKS = 50  # checks of a missing file, after which it counts as removed

AppPhase = Literal["starting", "playing", "reloading", "broken"]


class AppStatus(msgspec.Struct, frozen=True):
    """The state of the app: starting, running, reloading, or broken by an error.

    `version` counts the versions that started; with an error, the last of them still answers.
    """

    phase: AppPhase = "starting"
    version: int = 0
    error: AppError | None = None
    started: AppStarted | None = None


class Reloader:
    """Hands the database over from a version of an app to the next.

    A new version has to be loaded before the old one is stopped. The old one stays in memory
    until the new one has started, and starts again where the new one fails. A text that comes
    meanwhile waits in the simulator, on the socket or in the database.

    Args:
        spawn: starts a process of the app with its files as they are now.
        offset: returns the seconds that the clock is ahead.
        app_file: the app's own file, watched from the beginning; None for a module.
        on_status: called with each new status.
    """

    def __init__(
        self,
        spawn: SpawnApp,
        offset: Callable[[], float],
        app_file: Path | None,
        on_status: Callable[[AppStatus], None],
    ) -> None:
        self.status = AppStatus()
        self._spawn, self._offset, self._on_status = spawn, offset, on_status
        self._files = {app_file} if app_file is not None else set[Path]()
        self._known_times: dict[Path, int] = {}
        self._current: AppProcess | None = None
        self._crash_count = 0
        self._lock = asyncio.Lock()

    async def run(self, stop_event: asyncio.Event) -> None:
        """Load, run and watch the app until `stop_event`; then end its process."""
        try:
            while not stop_event.is_set():
                async with self._lock:
                    retry_at_once = await self._load_version()
                if not retry_at_once:
                    await self._wait_for_change(stop_event)
        finally:
            if self._current is not None:
                await self._current.close()

    async def advance_clock(self, seconds: float) -> None:
        """Advance the app's clock."""
        async with self._lock:
            if self._current is not None:
                await self._current.advance_clock(seconds)

    def show_failure(self, error: AppError) -> None:
        """Show why the running version cannot go on; the next save loads another."""
        self._update_status(phase="broken", error=error)

    async def _load_version(self) -> bool:
        """Load and start the app from disk; return whether to try again at once.

        A text may end the process each time it is answered, until the text is set aside.
        """
        if self.status.version:
            self._update_status(phase="reloading", error=None)
        # Before the load, not after: a file saved during the load is a change.
        self._known_times = self._modified_times()
        new = await self._spawn()
        loaded = await new.wait_until_loaded()
        self._watch_files(loaded)
        outcome = loaded if isinstance(loaded, AppBroken) else await self._hand_over(new)
        if isinstance(outcome, AppBroken):
            await new.close()
            self._update_status(phase="broken", error=outcome.error)
            self._crash_count += 1
            return (
                outcome.process_died and self._current is None and self._crash_count < _MAX_CRASHES
            )
        self._crash_count = 0
        version = self.status.version + 1
        self._update_status(phase="playing", version=version, started=outcome, error=None)
        return False

    async def _hand_over(self, new: AppProcess) -> AppStarted | AppBroken:
        """Start the new version in place of the old, and after a failure the old version again."""
        # storage rule 10: one process owns the file, so the old version stops first.
        old = self._current
        if old is not None:
            await old.stop_app()
        outcome = await new.start_app(self._offset())
        if isinstance(outcome, AppStarted):
            self._current = new
            if old is not None:
                await old.close()
        elif old is not None:
            await old.start_app(self._offset())
        return outcome

    # What is watched

    def _watch_files(self, answer: AppLoaded | AppBroken) -> None:
        files = {Path(file) for file in answer.files if file}
        self._files |= {file for file in files if file.is_file()}
        self._known_times = self._modified_times() | self._known_times

    def _modified_times(self) -> dict[Path, int]:
        return {file: _modified_ns(file) for file in self._files}

    async def _wait_for_change(self, stop_event: asyncio.Event) -> None:
        """Wait until a file is saved, or the app's process has ended by itself."""
        process_ended = self._current.ended if self._current is not None else asyncio.Event()
        tasks = [
            asyncio.ensure_future(awaitable)
            for awaitable in (self._wait_for_save(), process_ended.wait(), stop_event.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if process_ended.is_set() and not stop_event.is_set():
                self._current = None
                await asyncio.sleep(0.2)  # one that dies at once must not keep us busy
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for_save(self) -> None:
        """Wait until a file is saved: the system wakes this task, and the file's time decides."""
        from watchfiles import awatch  # noqa: PLC0415 -- the page is there before it is needed

        stop = asyncio.Event()
        folders = {file.parent for file in self._files}
        watch = awatch(
            *folders,
            recursive=False,
            debounce=100,
            step=10,
            rust_timeout=1_000,
            yield_on_timeout=True,
            stop_event=stop,
            ignore_permission_denied=True,
        )
        try:
            while self._modified_times() == self._known_times:
                await anext(watch)
            for _ in range(_MAX_HALF_SAVED_CHECKS):  # an editor may move the old file away first
                if all(self._modified_times().values()):
                    break
                await asyncio.sleep(0.02)
        finally:
            stop.set()
            with contextlib.suppress(Exception):
                await watch.aclose()

    def _update_status(self, **changes: object) -> None:
        self.status = msgspec.structs.replace(self.status, **changes)
        self._on_status(self.status)


def _modified_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:  # between two halves of a save
        return 0
