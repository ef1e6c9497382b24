"""Turns run in threads: many in one, and a second thread for those that a slow handler holds up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from cooee.clocks.clock import monotonic
from cooee.runtime.turns.effects import ClaimFlow, HandlerCall
from cooee.runtime.turns.thread_call import (
    LateCall,
    dialogue_timeout_error,
    handler_timeout_error,
    stack_of_thread,
)
from cooee.storage import Checkpoint, ClaimResult

Step: TypeAlias = HandlerCall | Checkpoint | ClaimResult | None
"""The next thing of a claim: a call, a checkpoint, its end; None where its lease was lost."""


class RunningCall(msgspec.Struct, frozen=True):
    """A handler's call under way in a thread, since `started_at` on the monotonic clock."""

    call: HandlerCall
    started_at: float
    thread_id: int


class TurnRunner:
    """Runs the turns of one claim; one thread at a time advances it.

    A thread runs it until it ends or has to be awaited: then it is `idle`, and `step` is its
    ClaimResult, or the call or checkpoint to await. A thread that takes too long loses it.
    """

    def __init__(self, flow: ClaimFlow) -> None:
        self.step: Step = None
        self.idle = False
        self._running: RunningCall | None = None
        self._flow = flow
        self._lock = threading.Lock()
        self._detached = False

    def run(
        self,
        may_run_here: Callable[[HandlerCall], bool],
        run_call: Callable[[HandlerCall], Any],
    ) -> bool:
        """Make every call that `may_run_here`, in this thread; return whether it may run others."""
        self._advance(None, None)
        while (
            isinstance(call := self.step, HandlerCall) and may_run_here(call) and not self._detached
        ):
            self._running = RunningCall(call, monotonic(), threading.get_ident())
            try:
                reply, error = run_call(call), None
            except BaseException as caught:
                reply, error = None, as_exception(call, caught)
            self._running = None
            self._advance(reply, error)
        self.idle = True
        return not self._detached

    def reclaim(self, handler_timeout_s: float) -> LateCall | None:
        """Take it from a thread whose call is over its limit; return that call.

        The call has failed, and `step` is what follows. The thread is given up: what its call
        returns is dropped, and it runs nothing else.
        """
        with self._lock:
            running = self._running
            if self._detached or running is None:
                return None
            call = running.call
            timeout_s = handler_timeout_s if call.timeout_s is None else call.timeout_s
            if monotonic() - running.started_at < timeout_s:
                return None
            stack = stack_of_thread(running.thread_id)
            late = LateCall(call.handler.name, timeout_s, stack, running.thread_id)
            self._detached = True
        self.advance(error=timeout_error(call, late))
        return late

    def advance(self, reply: Any = None, error: Exception | None = None) -> Step:
        """Continue from what was awaited, to the next call or to the end."""
        self.step = _next_step(self._flow, reply, error)
        return self.step

    def _advance(self, reply: Any, error: Exception | None) -> None:
        with self._lock:
            if not self._detached:
                self.advance(reply, error)


def run_all(
    queue: deque[TurnRunner],
    may_run_here: Callable[[HandlerCall], bool],
    run_call: Callable[[HandlerCall], Any],
) -> None:
    """Run claims in this thread until none is left; other threads may take from `queue` too."""
    while queue:
        try:
            runner = queue.popleft()
        except IndexError:  # another thread was quicker
            return
        if not runner.run(may_run_here, run_call):
            return  # this thread was given up: it may be in any state, and runs nothing else


def as_exception(call: HandlerCall, error: BaseException) -> Exception:
    """Return a handler's exception; SystemExit and the like, which end a process, end its turn."""
    if isinstance(error, Exception):
        return error
    return RuntimeError(f"{call.handler.name} raised {type(error).__name__}")


def timeout_error(call: HandlerCall, late: LateCall) -> Exception:
    """Return the error of a call that took too long: a dialogue's has a limit of its own."""
    make_error = handler_timeout_error if call.timeout_s is None else dialogue_timeout_error
    return make_error(late.handler, late.timeout_s, late.stack)


def _next_step(flow: ClaimFlow, reply: Any, error: Exception | None) -> Step:
    try:
        return flow.send(reply) if error is None else flow.throw(error)
    except StopIteration as stop:
        finish: ClaimResult | None = stop.value
        return finish
