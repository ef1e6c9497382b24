"""Turns played in threads: many in one, and a second thread for what a slow handler holds up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from cooee.runtime.turns import Call, Turns
from cooee.storage import Finish


class Game:
    """A claim's turns, moved on by one hand at a time.

    A thread plays it until it ends or has to be awaited: then it is `rested`, and `step` is its
    Finish, or the Call to await. A thread that takes too long can lose it.
    """

    def __init__(self, turns: Turns) -> None:
        self.step: Call | Finish | None = None
        self.rested = False
        self._turns = turns
        self._lock = threading.Lock()
        self._lost = False

    def play(self, here: Callable[[Call], bool], begin: Callable[[Call], Any]) -> None:
        """Go on with every call that may be made `here`, in this thread."""
        self._move(None, None)
        while isinstance(call := self.step, Call) and here(call) and not self._lost:
            try:
                reply, error = begin(call), None
            except BaseException as raised:
                reply, error = None, plain(call, raised)
            self._move(reply, error)
        self.rested = True

    def move(self, reply: Any = None, error: Exception | None = None) -> Call | Finish:
        """Go on from what was awaited, to the next call or to the end."""
        self.step = _step(self._turns, reply, error)
        return self.step

    def take_away(self, error: Exception) -> Call | Finish:
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


def play_all(left: deque[Game], here: Callable[[Call], bool], begin: Callable[[Call], Any]) -> None:
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


def _step(turns: Turns, reply: Any, error: Exception | None) -> Call | Finish:
    try:
        return turns.send(reply) if error is None else turns.throw(error)
    except StopIteration as done:
        finish: Finish = done.value
        return finish
