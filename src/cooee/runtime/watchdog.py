"""Notices that the event loop stands still, and says which line holds it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from types import FrameType

from cooee.clocks.clock import stopwatch
from cooee.runtime.log import tell

_PATIENCE = 1.0  # seconds the loop may stand still before it is worth a line


class Watchdog:
    """A thread that watches the loop it was started in.

    A handler that computes for seconds, or calls something that blocks, holds up everybody:
    it is named, with its line, while it still does so.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._beat = stopwatch()
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="cooee-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join(timeout=2)

    def _watch(self) -> None:
        told = False
        while not self._over.wait(_PATIENCE):
            late = stopwatch() - self._beat
            if late > 2 * _PATIENCE and not told:
                told = True
                where = _line(sys._current_frames().get(self._watched))  # noqa: SLF001 -- its only name
                tell("loop-blocked", logging.ERROR, seconds=round(late, 1), at=where)
            elif late <= 2 * _PATIENCE:
                told = False
            try:
                self._loop.call_soon_threadsafe(self._live)
            except RuntimeError:  # the loop is closed
                return

    def _live(self) -> None:
        self._beat = stopwatch()


def _line(frame: FrameType | None) -> str:
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
