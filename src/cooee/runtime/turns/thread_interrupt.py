"""Code that does not come back: where it is, and how it is made to."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from cooee.core.errors import DialogueError


class HandlerTimeout(BaseException):
    """Raised in the middle of code that took too long; no `except Exception` stops it."""


class InterruptibleCall:
    """A call in a thread that can be found and ended from outside."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._thread_id: int | None = None
        self._interrupted = False
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        """Make the call, here. Once it has returned or raised, no `HandlerTimeout` comes any more."""
        self._thread_id = threading.get_ident()
        try:
            return self._call()
        finally:
            while self._thread_id is not None:
                try:
                    self._detach_thread()
                except HandlerTimeout:
                    continue  # it came late, and does no harm here

    @property
    def current_line(self) -> str:
        """The file and line of the app's code where it is now; "" where it is over."""
        thread_id = self._thread_id
        frame = None if thread_id is None else sys._current_frames().get(thread_id)  # noqa: SLF001 -- its only name
        while frame is not None and _is_cooee_frame(frame):
            frame = frame.f_back
        return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"

    def interrupt(self) -> bool:
        """Make it raise `HandlerTimeout` at its next line of Python, so that it burns no more time.

        False where it is over. Who catches everything has to be told again, and who is busy
        outside of Python (`time.sleep`) hears it when they come back.
        """
        with self._lock:
            if self._thread_id is None:
                return False
            self._interrupted = True
            _raise_in_thread(self._thread_id, HandlerTimeout)
            return True

    def _detach_thread(self) -> None:
        with self._lock:
            if self._thread_id is not None and self._interrupted:
                _raise_in_thread(
                    self._thread_id, None
                )  # what was sent and has not arrived is taken back
            self._thread_id = None


def _raise_in_thread(thread_id: int, error_type: type[BaseException] | None) -> None:
    exception = None if error_type is None else ctypes.py_object(error_type)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), exception)


def dialogue_timeout_error(name: str, seconds: float, line: str) -> DialogueError:
    """What to say of a dialogue that neither asks nor ends."""
    return DialogueError(
        f"{name} ran for {seconds:g} seconds without asking anything ({line or 'no line known'})."
        " A dialogue is run anew for each text, so what takes long belongs into `await"
        " chat.once(…)`; and a loop has to ask, or to end."
    )


def _is_cooee_frame(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("cooee.")
