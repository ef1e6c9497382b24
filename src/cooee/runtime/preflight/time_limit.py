"""How long one handler may take, so that none holds up all others."""

from __future__ import annotations

import faulthandler
import signal
from types import FrameType

from cooee.clocks.clock import stopwatch
from cooee.runtime.preflight.app_frames import Line, standing_at

_AGAIN = 1.0  # seconds between two tries to interrupt a handler that catches everything
_STDERR = 2
_BEAT = 1.0  # seconds after which the last resort is wound up anew


class Hung(BaseException):
    """Raised in the middle of a handler that took too long; no `except Exception` stops it."""

    def __init__(self, lines: tuple[Line, ...]) -> None:
        super().__init__("It took too long.")
        self.lines = lines


class Patience:
    """Interrupts a handler after some seconds, and then every second until it gives in.

    One that catches even that, or that is busy outside of Python, ends the process with the
    status 1 and its lines on standard error, ten times as late. It needs the main thread.
    """

    def __init__(self, seconds: float = 5.0) -> None:
        self.seconds = seconds
        self._wound = 0.0
        self._running = False
        signal.signal(signal.SIGALRM, self._ring)

    def begin(self) -> None:
        """A handler is about to run."""
        now = stopwatch()
        if now - self._wound > _BEAT:
            self._wound = now
            faulthandler.dump_traceback_later(10 * self.seconds, exit=True, file=_STDERR)
        self._running = True
        signal.setitimer(signal.ITIMER_REAL, self.seconds, _AGAIN)

    def end(self) -> None:
        """It has given control back; what it may raise last is `Hung`."""
        self._running = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def over(self) -> None:
        """Let the process take its time again."""
        faulthandler.cancel_dump_traceback_later()

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._running:
            raise Hung(tuple(standing_at(2)))
