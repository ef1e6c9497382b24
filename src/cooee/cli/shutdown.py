"""Runs a command until SIGTERM or SIGINT, and ends the process in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

_EXIT_WITHIN_S = 9.5
"""Seconds from the signal to the exit, even if a thread hangs: supervisors kill after 10."""


def run_until_signal(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> NoReturn:
    """Run `work` on a fast event loop, then end the process with status 0.

    `work` is given an event that SIGTERM and SIGINT set. What is on disk is complete at every
    moment, so a thread that a handler of the app still holds does not hold up the end.
    """
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop, stop = runner.get_loop(), asyncio.Event()

        def on_signal(*_: object) -> None:
            loop.call_soon_threadsafe(stop.set)
            deadline = threading.Timer(_EXIT_WITHIN_S, _exit_now)
            deadline.daemon = True
            deadline.start()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, on_signal)
        runner.run(work(stop))
    _exit_now()


def _exit_now() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
