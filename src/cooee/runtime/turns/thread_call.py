"""A call in a thread of its own: its stack can be read, and its thread given up."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import msgspec

from cooee.core.errors import DialogueError
from cooee.runtime.app_call import as_exception

T = TypeVar("T")

_MAX_FRAMES = 8  # of a stack that is stored as an error


class LateCall(msgspec.Struct, frozen=True):
    """A handler's call that took longer than its limit, and the lines where it then was."""

    handler: str
    timeout_s: float
    stack: str
    thread_id: int


class ThreadCall(Generic[T]):
    """A function that runs in a new daemon thread.

    Nothing stops a thread in the middle of somebody's code without harm (it may hold a lock, or
    be half-way through a payment), so a call that takes too long is given up: nobody waits for
    `future` any more, and the thread ends with its function, or with the process.
    """

    def __init__(self, function: Callable[..., T], *args: Any) -> None:
        self.future: Future[T] = Future()
        self._function, self._args = function, args
        self._thread = threading.Thread(target=self._run, name="cooee-handler", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """True while the function runs."""
        return self._thread.is_alive()

    @property
    def thread_id(self) -> int:
        """The thread's identity, as `threading.get_ident` returns it there."""
        return self._thread.ident or 0

    def late_call(self, handler: str, timeout_s: float) -> LateCall:
        """Return where the function is, now that its time is over."""
        return LateCall(handler, timeout_s, stack_of_thread(self.thread_id), self.thread_id)

    def _run(self) -> None:
        if self.future.set_running_or_notify_cancel():
            try:
                result = self._function(*self._args)
            except BaseException as error:
                # asyncio cannot hand on StopIteration, and CancelledError would pass for ours
                self.future.set_exception(as_exception("The call", error))
            else:
                self.future.set_result(result)


def stack_of_thread(thread_id: int) -> str:
    """Return where a thread is: "app.py:12 in reserve, called at app.py:30 in book".

    The innermost line comes first, without cooee's and the threading module's own; "" where the
    thread is over.
    """
    frame = sys._current_frames().get(thread_id)  # noqa: SLF001 -- its only name
    if frame is None:
        return ""
    lines = [
        f"{one.f_code.co_filename}:{number} in {one.f_code.co_name}"
        for one, number in traceback.walk_stack(frame)
        if not str(one.f_globals.get("__name__")).startswith(("cooee.", "threading"))
    ]
    return ", called at ".join(lines[:_MAX_FRAMES])


def handler_timeout_error(name: str, timeout_s: float, stack: str) -> TimeoutError:
    """Return the error of a handler that took too long."""
    return TimeoutError(f"{name} took longer than {timeout_s:g} seconds.{_describe_stack(stack)}")


def dialogue_timeout_error(name: str, timeout_s: float, stack: str) -> DialogueError:
    """Return the error of a dialogue that neither asks nor ends."""
    return DialogueError(
        f"{name} ran for {timeout_s:g} seconds without asking anything"
        f" ({stack or 'no line known'}). A dialogue is run anew for each text, so"
        " what takes long belongs into `await chat.once(…)`; and a loop has to ask, or to end."
    )


def _describe_stack(stack: str) -> str:
    return f" It was at {stack}." if stack else ""
