"""Calls of the app's code: whatever they raise comes back as a value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from cooee.core.error_text import error_text


class CallOutcome(msgspec.Struct, frozen=True):
    """The value that a call of the app's code returned, or the exception that it raised."""

    value: Any = None
    error: Exception | None = None


def call_app(name: str, function: Callable[..., Any], *args: Any) -> CallOutcome:
    """Call a function of the app; `name` names it in the words of an error."""
    try:
        return CallOutcome(function(*args))
    # delivery rule 19: what would end the process or our own task ends the app's call alone
    except BaseException as error:
        return CallOutcome(error=as_exception(name, error))


async def await_app(name: str, function: Callable[..., Awaitable[Any]], *args: Any) -> CallOutcome:
    """Await a function of the app, in the task of the caller.

    The caller's task is the function's own: the function may cancel it, and so may the caller.
    """
    try:
        return CallOutcome(await function(*args))
    # delivery rule 19: what would end the process or our own task ends the app's call alone
    except BaseException as error:
        return CallOutcome(error=as_exception(name, error))


def task_outcome(name: str, task: asyncio.Task[CallOutcome]) -> CallOutcome:
    """Return the outcome of a finished task that ran `await_app`."""
    if task.cancelled():  # before its first line
        return CallOutcome(error=as_exception(name, asyncio.CancelledError()))
    error = task.exception()
    return task.result() if error is None else CallOutcome(error=as_exception(name, error))


def as_exception(name: str, error: BaseException) -> Exception:
    """Return an error of the app's code as an `Exception` that may pass through any frame.

    SystemExit, KeyboardInterrupt, GeneratorExit, CancelledError and groups of them would end the
    process, a task or a generator of ours; StopIteration would pass for a generator's end.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    translated = RuntimeError(f"{name} raised {error_text(error)}".removesuffix(": "))
    translated.__cause__ = error
    return translated.with_traceback(error.__traceback__)
