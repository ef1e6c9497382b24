"""Turns played in threads: many in one, and a second thread for what a slow handler holds up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cooee.clocks.clock import monotonic
from cooee.runtime.turns.effects import ClaimFlow, HandlerCall
from cooee.runtime.turns.thread_interrupt import InterruptibleCall, dialogue_timeout_error
from cooee.storage import Checkpoint, ClaimResult


class TurnRunner:
    """A claim's turns, moved on by one hand at a time.

    A thread plays it until it ends or has to be awaited: then it is `idle`, and `step` is its
    Finish, or the Call or Jot to await; None where its lease was lost. A thread that takes too
    long can lose it.
    """

    def __init__(self, flow: ClaimFlow) -> None:
        self.step: HandlerCall | Checkpoint | ClaimResult | None = None
        self.idle = False
        self._running_call: tuple[InterruptibleCall, HandlerCall, float] | None = None
        self._flow = flow
        self._lock = threading.Lock()
        self._detached = False

    def run(
        self,
        may_run_here: Callable[[HandlerCall], bool],
        run_call: Callable[[HandlerCall, InterruptibleCall], Any],
    ) -> None:
        """Go on with every call that may be made `may_run_here`, in this thread."""
        self._advance(None, None)
        while (
            isinstance(call := self.step, HandlerCall) and may_run_here(call) and not self._detached
        ):
            interruptible = InterruptibleCall(call.run)
            self._running_call = (interruptible, call, monotonic())
            try:
                reply, error = run_call(call, interruptible), None
            except BaseException as caught:
                reply, error = None, as_exception(call, caught)
            self._running_call = None
            self._advance(reply, error)
        self.idle = True

    def reclaim(self) -> InterruptibleCall | None:
        """Take it from a thread that runs over its call's own limit; what still runs there.

        The call has failed by that, and `step` is what follows. None where no limit is over.
        """
        with self._lock:
            if self._detached or self._running_call is None:
                return None
            interruptible, call, started_at = self._running_call
            if call.timeout_s is None or monotonic() - started_at < call.timeout_s:
                return None
            self._detached = True
        self.advance(
            error=dialogue_timeout_error(
                call.handler.name, call.timeout_s, interruptible.current_line
            )
        )
        return interruptible

    def advance(
        self, reply: Any = None, error: Exception | None = None
    ) -> HandlerCall | Checkpoint | ClaimResult | None:
        """Go on from what was awaited, to the next call or to the end."""
        self.step = _next_step(self._flow, reply, error)
        return self.step

    def abandon(self, error: Exception) -> HandlerCall | Checkpoint | ClaimResult | None:
        """Take it from its thread, whose call has failed with `error`, whatever comes of it."""
        with self._lock:
            self._detached = True
            if isinstance(self.step, ClaimResult):
                return self.step
            return self.advance(error=error)

    def _advance(self, reply: Any, error: Exception | None) -> None:
        with self._lock:
            if not self._detached:
                self.advance(reply, error)


def run_all(
    queue: deque[TurnRunner],
    may_run_here: Callable[[HandlerCall], bool],
    run_call: Callable[[HandlerCall, InterruptibleCall], Any],
) -> None:
    """Play games in this thread until none is left; others may take from `queue` meanwhile."""
    while queue:
        try:
            runner = queue.popleft()
        except IndexError:  # another thread was quicker
            return
        runner.run(may_run_here, run_call)


def as_exception(call: HandlerCall, error: BaseException) -> Exception:
    """A handler's exception; one that would end the process ends only its turn."""
    if isinstance(error, Exception):
        return error
    return RuntimeError(f"{call.handler.name} raised {type(error).__name__}")


def _next_step(
    flow: ClaimFlow, reply: Any, error: Exception | None
) -> HandlerCall | Checkpoint | ClaimResult | None:
    try:
        return flow.send(reply) if error is None else flow.throw(error)
    except StopIteration as stop:
        finish: ClaimResult | None = stop.value
        return finish
