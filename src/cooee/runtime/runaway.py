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
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        """Make the call, here."""
        self._thread = threading.get_ident()
        try:
            return self._call()
        finally:
            with self._lock:
                self._thread = None

    @property
    def line(self) -> str:
        """The file and line of the app's code where it is now; "" where it is over."""
        thread = self._thread
        frame = None if thread is None else sys._current_frames().get(thread)  # noqa: SLF001 -- its only name
        while frame is not None and _is_ours(frame):
            frame = frame.f_back
        return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"

    def end(self) -> None:
        """Make it raise `Runaway` at its next line of Python, so that it burns no more time."""
        with self._lock:
            if self._thread is not None:
                thread, error = ctypes.c_ulong(self._thread), ctypes.py_object(Runaway)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)


def too_long(name: str, seconds: float, line: str) -> DialogueError:
    """What to say of a dialogue that neither asks nor ends."""
    return DialogueError(
        f"{name} ran for {seconds:g} seconds without asking anything ({line or 'no line known'})."
        " A dialogue is run anew for each text, so what takes long belongs into `await"
        " chat.once(…)`; and a loop has to ask, or to end."
    )


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("cooee.")
