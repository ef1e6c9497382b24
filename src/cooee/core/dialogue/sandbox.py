"""Runs a handler's coroutine without an event loop, and closes it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import AsyncGeneratorType
from typing import Any, NoReturn

from cooee.core.dialogue.call_sites import (
    awaited_coroutines,
    generator_location,
    user_location,
)
from cooee.core.dialogue.error_messages import foreign_await_message, left_generator_message
from cooee.core.dialogue.run import Run
from cooee.core.errors import DialogueError, Ended, ForeignAwait


class _ForbiddenEventLoop:
    """A stand-in for the running event loop; each use of it fails the turn."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def create_task(self, coroutine: Any, **_: object) -> NoReturn:
        coroutine.close()
        self._refuse("a task")

    def create_future(self) -> NoReturn:
        self._refuse("a future of asyncio")

    def __getattr__(self, name: str) -> NoReturn:
        self._refuse(f"what needs an event loop ({name})")

    def __hash__(self) -> int:  # noqa: PLE0309 -- it never returns
        # asyncio.current_task looks the loop up, and so do TaskGroup and timeout.
        self._refuse("a task group or a timeout of asyncio")

    def _refuse(self, awaited: str) -> NoReturn:
        raise self._run.fail_turn(ForeignAwait(foreign_await_message(awaited, user_location())))


def resume_handler(run: Run, function: Callable[[Any], Any], value: Any) -> Any:
    """Resume a handler in its own context variables and without an event loop (replay rule 5).

    The event loop of this thread is hidden: asyncio would run the handler's tasks in it, where
    they would outlive the turn. asyncio is looked up, not imported: core needs it only where
    another module has loaded it.
    """
    asyncio: Any = sys.modules.get("asyncio")
    outer_hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, partial(_close_generator, run))
    try:
        if asyncio is None:
            return run.context_vars.run(function, value)
        loop = asyncio._get_running_loop()  # noqa: SLF001 -- meant for those who run coroutines
        asyncio._set_running_loop(_ForbiddenEventLoop(run))  # noqa: SLF001 -- see above
        try:
            return run.context_vars.run(function, value)
        finally:
            asyncio._set_running_loop(loop)  # noqa: SLF001 -- see above
    finally:
        sys.set_asyncgen_hooks(*outer_hooks)


def _close_generator(run: Run, generator: AsyncGeneratorType[Any, Any]) -> None:
    """Close an async generator that a `break` or `return` has left, at that line.

    An event loop would close it later, outside the turn.
    """
    with suppress(Exception, Ended, GeneratorExit):
        generator.aclose().send(None)
        # It yielded: its `finally` awaits a verb, which only `aclosing` could await.
        run.fail_turn(DialogueError(left_generator_message(generator_location(generator))))


def close_handler(run: Run) -> None:
    """Close the handler: its `finally` blocks run with a silent chat (replay rule 13)."""
    run.start_leaving()
    coroutine, run.coroutine = run.coroutine, None
    if coroutine is not None:
        chain = awaited_coroutines(coroutine)
        with suppress(BaseException):  # the outcome is fixed: an error of a `finally` is too late
            resume_handler(run, lambda _: coroutine.close(), None)
        if any(each.cr_frame is not None for each in chain):
            # The handler, or a helper, catches GeneratorExit and asks again.
            with _without_complaint():
                del coroutine
                chain.clear()
    run.close()


@contextmanager
def _without_complaint() -> Iterator[None]:
    """Let a coroutine that refuses to close be dropped without a warning of Python's."""
    hook = sys.unraisablehook

    def report_others(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, RuntimeError):
            hook(unraisable)

    sys.unraisablehook = report_others
    try:
        yield
    finally:
        sys.unraisablehook = hook
