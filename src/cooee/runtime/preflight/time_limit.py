"""Interrupts a replay that takes too long, so that no handler holds up all others."""

from __future__ import annotations

import faulthandler
import signal
from types import FrameType

from cooee.clocks.clock import monotonic
from cooee.runtime.preflight.app_frames import AppFrame, current_frames

_INTERRUPT_EVERY_S = 1.0  # seconds between two tries to interrupt a handler that catches everything
_STDERR_FD = 2
_REARM_AFTER_S = 1.0  # seconds after which faulthandler's timer is set again


class TimedOut(BaseException):
    """A handler took too long; a BaseException, so that no `except Exception` stops it."""

    def __init__(self, frames: tuple[AppFrame, ...]) -> None:
        super().__init__("It took too long.")
        self.frames = frames


class TimeLimit:
    """Interrupts a handler after some seconds, and then every second until it gives in.

    A handler that catches even `TimedOut`, or that is busy outside of Python, ends the process
    after ten times as long, with status 1 and its lines on standard error. Signals need the main
    thread.
    """

    def __init__(self, seconds: float = 5.0) -> None:
        self.seconds = seconds
        self._armed_at = 0.0
        self._is_running = False
        signal.signal(signal.SIGALRM, self._on_alarm)

    def start(self) -> None:
        """Start the timer before a handler runs."""
        now = monotonic()
        if now - self._armed_at > _REARM_AFTER_S:
            self._armed_at = now
            faulthandler.dump_traceback_later(10 * self.seconds, exit=True, file=_STDERR_FD)
        self._is_running = True
        signal.setitimer(signal.ITIMER_REAL, self.seconds, _INTERRUPT_EVERY_S)

    def stop(self) -> None:
        """Stop the timer after a handler has returned or raised."""
        self._is_running = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def cancel(self) -> None:
        """Cancel the last resort, which would end the process."""
        faulthandler.cancel_dump_traceback_later()

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_running:
            raise TimedOut(tuple(current_frames(2)))
