"""Turns played in threads: many in one, and a second thread for what a slow handler holds up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cooee.clocks.clock import stopwatch
from cooee.runtime.turns.effects import Call, Turns
from cooee.runtime.turns.thread_interrupt import Stretch, too_long
from cooee.storage import Finish, Jot


class Game:
    """A claim's turns, moved on by one hand at a time.

    A thread plays it until it ends or has to be awaited: then it is `rested`, and `step` is its
    Finish, or the Call or Jot to await; None where its lease was lost. A thread that takes too
    long can lose it.
    """

    def __init__(self, turns: Turns) -> None:
        self.step: Call | Jot | Finish | None = None
        self.rested = False
        self._under_way: tuple[Stretch, Call, float] | None = None
        self._turns = turns
        self._lock = threading.Lock()
        self._lost = False

    def play(self, here: Callable[[Call], bool], begin: Callable[[Call, Stretch], Any]) -> None:
        """Go on with every call that may be made `here`, in this thread."""
        self._move(None, None)
        while isinstance(call := self.step, Call) and here(call) and not self._lost:
            stretch = Stretch(call.run)
            self._under_way = (stretch, call, stopwatch())
            try:
                reply, error = begin(call, stretch), None
            except BaseException as raised:
                reply, error = None, plain(call, raised)
            self._under_way = None
            self._move(reply, error)
        self.rested = True

    def take_back(self) -> Stretch | None:
        """Take it from a thread that runs over its call's own limit; what still runs there.

        The call has failed by that, and `step` is what follows. None where no limit is over.
        """
        with self._lock:
            if self._lost or self._under_way is None:
                return None
            stretch, call, began = self._under_way
            if call.limit is None or stopwatch() - began < call.limit:
                return None
            self._lost = True
        self.move(error=too_long(call.handler.name, call.limit, stretch.line))
        return stretch

    def move(self, reply: Any = None, error: Exception | None = None) -> Call | Jot | Finish | None:
        """Go on from what was awaited, to the next call or to the end."""
        self.step = _step(self._turns, reply, error)
        return self.step

    def take_away(self, error: Exception) -> Call | Jot | Finish | None:
        """Take it from its thread, whose call has failed with `error`, whatever comes of it."""
        with self._lock:
            self._lost = True
            if isinstance(self.step, Finish):
                return self.step
            return self.move(error=error)

    def _move(self, reply: Any, error: Exception | None) -> None:
        with self._lock:
            if not self._lost:
                self.move(reply, error)


def play_all(
    left: deque[Game],
    here: Callable[[Call], bool],
    begin: Callable[[Call, Stretch], Any],
) -> None:
    """Play games in this thread until none is left; others may take from `left` meanwhile."""
    while left:
        try:
            game = left.popleft()
        except IndexError:  # another thread was quicker
            return
        game.play(here, begin)


def plain(call: Call, error: BaseException) -> Exception:
    """A handler's exception; one that would end the process ends only its turn."""
    if isinstance(error, Exception):
        return error
    return RuntimeError(f"{call.handler.name} raised {type(error).__name__}")


def _step(turns: Turns, reply: Any, error: Exception | None) -> Call | Jot | Finish | None:
    try:
        return turns.send(reply) if error is None else turns.throw(error)
    except StopIteration as done:
        finish: Finish | None = done.value
        return finish
