"""Code that does not come back: where it is, and how it is made to."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from cooee.core.errors import DialogueError


class Runaway(BaseException):
    """Raised in the middle of code that took too long; no `except Exception` stops it."""


class Stretch:
    """A call in a thread that can be found and ended from outside."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._thread: int | None = None
        self._ended = False
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        """Make the call, here. Once it has returned or raised, no `Runaway` comes any more."""
        self._thread = threading.get_ident()
        try:
            return self._call()
        finally:
            while self._thread is not None:
                try:
                    self._let_go()
                except Runaway:
                    continue  # it came late, and does no harm here

    @property
    def line(self) -> str:
        """The file and line of the app's code where it is now; "" where it is over."""
        thread = self._thread
        frame = None if thread is None else sys._current_frames().get(thread)  # noqa: SLF001 -- its only name
        while frame is not None and _is_ours(frame):
            frame = frame.f_back
        return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"

    def end(self) -> bool:
        """Make it raise `Runaway` at its next line of Python, so that it burns no more time.

        False where it is over. Who catches everything has to be told again, and who is busy
        outside of Python (`time.sleep`) hears it when they come back.
        """
        with self._lock:
            if self._thread is None:
                return False
            self._ended = True
            _raise_in(self._thread, Runaway)
            return True

    def _let_go(self) -> None:
        with self._lock:
            if self._thread is not None and self._ended:
                _raise_in(self._thread, None)  # what was sent and has not arrived is taken back
            self._thread = None


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


def too_long(name: str, seconds: float, line: str) -> DialogueError:
    """What to say of a dialogue that neither asks nor ends."""
    return DialogueError(
        f"{name} ran for {seconds:g} seconds without asking anything ({line or 'no line known'})."
        " A dialogue is run anew for each text, so what takes long belongs into `await"
        " chat.once(…)`; and a loop has to ask, or to end."
    )


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("cooee.")
