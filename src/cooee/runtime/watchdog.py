"""The watchdog: logs the line that blocks an event loop, and has the claims checked."""

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
_TROUBLE_AFTER_S = 10.0  # and before /health fails for it


class Watchdog:
    """A thread that watches the event loop of the app's code.

    A handler that computes for seconds, or calls something that blocks, holds up the turns of
    everybody: it is named, with its line, while it still does so. Each second in which the loop
    runs, it calls `on_beat` there.

    Args:
        loop: the loop to watch; the running one by default.
        thread_id: the loop's thread; this one by default.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None = None, thread_id: int | None = None
    ) -> None:
        self._stopped = threading.Event()
        self._last_beat_at = monotonic()
        self._loop = loop or asyncio.get_running_loop()
        self._loop_thread_id = thread_id or threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="cooee-watchdog", daemon=True)

    def start(
        self,
        on_beat: Callable[[], None] = lambda: None,
        on_stuck: Callable[[str], None] = lambda _: None,
        stuck_after_s: float = float("inf"),
    ) -> None:
        """Begin to watch.

        Args:
            on_beat: called in the loop, each second in which the loop runs.
            on_stuck: called once, in the watchdog's thread, with words on a loop that does not run.
            stuck_after_s: seconds after which `on_stuck` is called.
        """
        self._on_beat, self._on_stuck, self._stuck_after_s = on_beat, on_stuck, stuck_after_s
        self._last_beat_at = monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join(timeout=2)

    @property
    def is_blocked(self) -> bool:
        """Tell whether the loop stands still."""
        return self._blocked_s > 2 * _BLOCKED_AFTER_S

    @property
    def trouble(self) -> str:
        """The line that has blocked the loop for long; "" while the loop runs."""
        return self._words if self._blocked_s > _TROUBLE_AFTER_S else ""

    @property
    def _blocked_s(self) -> float:
        return monotonic() - self._last_beat_at

    @property
    def _words(self) -> str:
        return f"the event loop of the app stands still for {self._blocked_s:.0f} s, {self._where}"

    @property
    def _where(self) -> str:
        frame = sys._current_frames().get(self._loop_thread_id)  # noqa: SLF001 -- its only name
        return f"at {_frame_location(frame)}"

    def _watch(self) -> None:
        was_blocked = is_stuck = False
        while not self._stopped.wait(_BLOCKED_AFTER_S):
            if self.is_blocked and not was_blocked:
                at = self._where.removeprefix("at ")
                log_event("loop-blocked", logging.ERROR, seconds=round(self._blocked_s, 1), at=at)
            was_blocked = self.is_blocked
            if self._blocked_s > self._stuck_after_s and not is_stuck:
                is_stuck = True
                self._on_stuck(self._words)
            try:
                self._loop.call_soon_threadsafe(self._record_beat)
            except RuntimeError:  # the loop is closed
                return

    def _record_beat(self) -> None:
        self._last_beat_at = monotonic()
        self._on_beat()


def _frame_location(frame: FrameType | None) -> str:
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
