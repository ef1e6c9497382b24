"""Turns run in threads: many in one, and a second thread for those that a slow handler holds up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from cooee.clocks.clock import monotonic
from cooee.runtime.app_call import CallOutcome, as_exception
from cooee.runtime.turns.effects import ClaimFlow, HandlerCall
from cooee.runtime.turns.thread_call import (
    LateCall,
    dialogue_timeout_error,
    handler_timeout_error,
    stack_of_thread,
)
from cooee.storage import Checkpoint, ClaimResult

Step: TypeAlias = HandlerCall | Checkpoint | ClaimResult | Exception | None
"""The next thing of a claim: a call, a checkpoint, its result; None where its lease was lost.

An exception ended the claim outside its turns: a mistake of cooee's, or memory that ran out.
"""


class RunningCall(msgspec.Struct, frozen=True):
    """A handler's call under way in a thread, since `started_at` on the monotonic clock."""

    call: HandlerCall
    started_at: float
    thread_id: int


class TurnRunner:
    """Runs the turns of one claim; one thread at a time advances it.

    A thread runs it until it ends or has to be awaited: then it is `idle`, and `step` is its end,
    or the call or checkpoint to await. A thread that takes too long loses it. `on_step` hears of
    each step, in the thread that made it.
    """

    def __init__(self, flow: ClaimFlow, on_step: Callable[[Step], None] = lambda _: None) -> None:
        self.step: Step = None
        self.idle = False
        self.thread_id = 0
        self._running: RunningCall | None = None
        self._flow, self._on_step = flow, on_step
        self._lock = threading.Lock()
        self._detached = False

    def run(
        self,
        may_run_here: Callable[[HandlerCall], bool],
        run_call: Callable[[HandlerCall], CallOutcome],
    ) -> bool:
        """Make every call that `may_run_here`, in this thread; return whether it may run others."""
        self.thread_id = threading.get_ident()
        try:
            self._advance(CallOutcome())
            while (
                isinstance(call := self.step, HandlerCall)
                and may_run_here(call)
                and not self._detached
            ):
                self._running = RunningCall(call, monotonic(), self.thread_id)
                outcome = run_call(call)
                self._running = None
                self._advance(outcome)
        # delivery rule 19: a mistake of ours ends this claim alone, and not the thread's others
        except BaseException as error:
            with self._lock:
                if not self._detached:
                    self.step = as_exception("A turn", error)
        self.idle = True
        return not self._detached

    def reclaim(self, handler_timeout_s: float) -> LateCall | None:
        """Take it from a thread whose call is over its limit; return that call.

        The call has failed, and `step` is what follows. The thread is given up: what its call
        returns is dropped, and it runs nothing else.
        """
        if not self._lock.acquire(blocking=False):  # it advances now, for however long: no waiting
            return None
        try:
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
        finally:
            self._lock.release()
        self.advance(error=timeout_error(call, late))
        return late

    def detach(self) -> None:
        """Drop whatever its thread still comes to."""
        self._detached = True

    def advance(self, reply: Any = None, error: Exception | None = None) -> Step:
        """Continue from what was awaited, to the next call or to the end; raise nothing."""
        self.step = _next_step(self._flow, reply, error)
        self._on_step(self.step)
        return self.step

    def _advance(self, outcome: CallOutcome) -> None:
        with self._lock:
            if not self._detached:
                self.advance(outcome.value, outcome.error)


def run_all(
    queue: deque[TurnRunner],
    may_run_here: Callable[[HandlerCall], bool],
    run_call: Callable[[HandlerCall], CallOutcome],
) -> None:
    """Run claims in this thread until none is left; other threads may take from `queue` too."""
    while queue:
        try:
            runner = queue.popleft()
        except IndexError:  # another thread was quicker
            return
        if not runner.run(may_run_here, run_call):
            return  # this thread was given up: it may be in any state, and runs nothing else


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
    # delivery rule 19: whatever a turn let out is the claim's end, and not the thread's
    except BaseException as caught:
        return as_exception("A turn", caught)
