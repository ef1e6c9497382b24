"""How long one handler may take, so that none holds up all others."""

from __future__ import annotations

import faulthandler
import signal
from types import FrameType

from cooee.clocks.clock import monotonic
from cooee.runtime.preflight.app_frames import AppFrame, current_frames

_INTERRUPT_EVERY_S = 1.0  # seconds between two tries to interrupt a handler that catches everything
_STDERR_FD = 2
_REARM_AFTER_S = 1.0  # seconds after which the last resort is wound up anew


class TimedOut(BaseException):
    """Raised in the middle of a handler that took too long; no `except Exception` stops it."""

    def __init__(self, frames: tuple[AppFrame, ...]) -> None:
        super().__init__("It took too long.")
        self.frames = frames


class TimeLimit:
    """Interrupts a handler after some seconds, and then every second until it gives in.

    One that catches even that, or that is busy outside of Python, ends the process with the
    status 1 and its lines on standard error, ten times as late. It needs the main thread.
    """

    def __init__(self, seconds: float = 5.0) -> None:
        self.seconds = seconds
        self._armed_at = 0.0
        self._is_running = False
        signal.signal(signal.SIGALRM, self._on_alarm)

    def start(self) -> None:
        """A handler is about to run."""
        now = monotonic()
        if now - self._armed_at > _REARM_AFTER_S:
            self._armed_at = now
            faulthandler.dump_traceback_later(10 * self.seconds, exit=True, file=_STDERR_FD)
        self._is_running = True
        signal.setitimer(signal.ITIMER_REAL, self.seconds, _INTERRUPT_EVERY_S)

    def stop(self) -> None:
        """It has given control back; what it may raise last is `TimedOut`."""
        self._is_running = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def cancel(self) -> None:
        """Let the process take its time again."""
        faulthandler.cancel_dump_traceback_later()

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_running:
            raise TimedOut(tuple(current_frames(2)))
