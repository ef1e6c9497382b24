"""Keeps the newest version of an app at work that works: saving a file is enough."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from cooee.phone.app_process import AppProcess
from cooee.phone.ipc_messages import Broken, Loaded, Playing, Trouble

Start: TypeAlias = Callable[[], Awaitable[AppProcess]]
_DEATHS = 10  # of one version in a row, until it is left alone
_HALF_SAVED = 50  # looks at a file that is gone, until it is taken for removed

Mood = Literal["starting", "playing", "reloading", "broken"]


class Standing(msgspec.Struct, frozen=True):
    """How the app stands: at work, changing, or kept back by an error.

    `version` counts those that came to play; with a trouble, the last of them goes on answering.
    """

    mood: Mood = "starting"
    version: int = 0
    trouble: Trouble | None = None
    playing: Playing | None = None


class Reloading:
    """Hands the database over from one version of an app to the next.

    A new version has to be loaded before the old one is told to stop, and the old one is kept
    until the new one plays: if that cannot, the old one goes on. A text that comes meanwhile
    waits in the box, on the socket or in the database.

    Args:
        start: starts a process of the app as its file is now.
        offset: how far ahead the clock is.
        file: the app's own, which is watched from the beginning; None for a module.
        tell: called when the standing changes.
    """

    def __init__(
        self,
        start: Start,
        offset: Callable[[], float],
        file: Path | None,
        tell: Callable[[Standing], None],
    ) -> None:
        self.standing = Standing()
        self._start, self._offset, self._tell_of = start, offset, tell
        self._files = {file} if file is not None else set[Path]()
        self._seen: dict[Path, int] = {}
        self._playing: AppProcess | None = None
        self._deaths = 0
        self._under_way = asyncio.Lock()

    async def run(self, leave: asyncio.Event) -> None:
        """Load, play and watch until `leave`; then end the app."""
        try:
            while not leave.is_set():
                async with self._under_way:
                    again = await self._change()
                if not again:
                    await self._wait(leave)
        finally:
            if self._playing is not None:
                await self._playing.end()

    async def advance(self, seconds: float) -> None:
        """Move the app's clock."""
        async with self._under_way:
            if self._playing is not None:
                await self._playing.advance(seconds)

    async def _change(self) -> bool:
        """Try the app as it is on the disk now; whether to try at once again.

        A text may end the process each time it is answered, until it is set aside.
        """
        if self.standing.version:
            self._tell(mood="reloading", trouble=None)
        self._seen = self._times()
        new = await self._start()
        loaded = await new.loaded()
        self._remember(loaded)
        outcome = loaded if isinstance(loaded, Broken) else await self._hand_over(new)
        if isinstance(outcome, Broken):
            await new.end()
            self._tell(mood="broken", trouble=outcome.trouble)
            self._deaths += 1
            return outcome.died and self._playing is None and self._deaths < _DEATHS
        self._deaths = 0
        version = self.standing.version + 1
        self._tell(mood="playing", version=version, playing=outcome, trouble=None)
        return False

    async def _hand_over(self, new: AppProcess) -> Playing | Broken:
        """Have the new version play instead of the old one; if it cannot, the old one again."""
        old = self._playing
        if old is not None:
            await old.rest()
        outcome = await new.play(self._offset())
        if isinstance(outcome, Playing):
            self._playing = new
            if old is not None:
                await old.end()
        elif old is not None:
            await old.play(self._offset())
        return outcome

    # What is watched

    def _remember(self, outcome: Loaded | Broken) -> None:
        found = {Path(file) for file in outcome.files if file}
        self._files |= {file for file in found if file.is_file()}
        self._seen = self._times() | self._seen

    def _times(self) -> dict[Path, int]:
        return {file: _time(file) for file in self._files}

    async def _wait(self, leave: asyncio.Event) -> None:
        """Wait until a file has changed, or the app's process has ended by itself."""
        crash = self._playing.gone if self._playing is not None else asyncio.Event()
        waits = [asyncio.ensure_future(one) for one in (self._saved(), crash.wait(), leave.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if crash.is_set() and not leave.is_set():
                self._playing = None
                await asyncio.sleep(0.2)  # one that dies at once must not keep us busy
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _saved(self) -> None:
        """Wait for a change of a file: the system wakes us, and the file's own time decides."""
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
            while self._times() == self._seen:
                await anext(watch)
            for _ in range(_HALF_SAVED):  # an editor may move the old file away first
                if all(self._times().values()):
                    break
                await asyncio.sleep(0.02)
        finally:
            stop.set()
            with contextlib.suppress(Exception):
                await watch.aclose()

    def _tell(self, **changes: object) -> None:
        self.standing = msgspec.structs.replace(self.standing, **changes)
        self._tell_of(self.standing)


def _time(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:  # between two halves of a save
        return 0
