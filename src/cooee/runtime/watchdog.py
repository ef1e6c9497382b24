"""The watchdog: logs the line that blocks the event loop, and has the claims checked."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from types import FrameType

from cooee.clocks.clock import monotonic
from cooee.runtime.log import log_event

_BLOCKED_AFTER_S = 1.0  # seconds the loop may stand still before it is worth a line


class Watchdog:
    """A thread that watches the loop it was started in.

    A handler that computes for seconds, or calls something that blocks, holds up everybody:
    it is named, with its line, while it still does so. Each second in which the loop runs, it
    calls `on_beat`.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._last_beat_at = monotonic()
        self._loop = asyncio.get_running_loop()
        self._loop_thread_id = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="cooee-watchdog", daemon=True)

    def start(self, on_beat: Callable[[], None] = lambda: None) -> None:
        """Begin to watch."""
        self._on_beat = on_beat
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join(timeout=2)

    def _watch(self) -> None:
        reported = False
        while not self._stopped.wait(_BLOCKED_AFTER_S):
            blocked_s = monotonic() - self._last_beat_at
            if blocked_s > 2 * _BLOCKED_AFTER_S and not reported:
                reported = True
                location = _frame_location(sys._current_frames().get(self._loop_thread_id))  # noqa: SLF001 -- its only name
                log_event("loop-blocked", logging.ERROR, seconds=round(blocked_s, 1), at=location)
            elif blocked_s <= 2 * _BLOCKED_AFTER_S:
                reported = False
            try:
                self._loop.call_soon_threadsafe(self._record_beat)
            except RuntimeError:  # the loop is closed
                return

    def _record_beat(self) -> None:
        self._last_beat_at = monotonic()
        self._on_beat()


def _frame_location(frame: FrameType | None) -> str:
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
