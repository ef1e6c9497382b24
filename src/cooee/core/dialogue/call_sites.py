"""File and line in the user's code; chains of callers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from itertools import islice
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType
from typing import Any, TypeAlias

_INTERNAL_MODULES = ("cooee.core.", "asyncio.", "anyio.")

CallChain: TypeAlias = tuple[CodeType | int, ...]


def call_chain(handler: Any) -> CallChain:
    """Return the calls from the handler's coroutine down to the caller of a verb."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 -- what inspect does, at a tenth
    assert frame is not None
    outermost: FrameType = handler.cr_frame
    calls: CallChain = (frame.f_code, frame.f_lasti)
    while frame is not outermost and frame.f_back is not None:
        frame = frame.f_back
        calls += (frame.f_code, frame.f_lasti)
    return calls


def is_same_call_site(one: CallChain, other: CallChain) -> bool:
    """Return whether two unequal chains stand at the same places in the source.

    Python compiles some code twice, such as the condition of a `while`. A function that calls
    itself, directly or through others, is a loop: the chain of a later visit is that of an earlier
    one with rounds of the recursion in between.
    """
    first, second = _source_positions(one), _source_positions(other)
    if len(first) == len(second):
        return first == second
    return _without_rounds(first) == _without_rounds(second)


def _source_positions(calls: CallChain) -> list[Any]:
    pairs = zip(calls[::2], calls[1::2], strict=True)
    return [
        (code, next(islice(code.co_positions(), at // 2, None), None))  # two bytes an instruction
        for code, at in pairs
        if isinstance(code, CodeType) and isinstance(at, int)
    ]


def _without_rounds(positions: list[Any]) -> list[Any]:
    """Return the positions without what lies between two visits of one function."""
    kept: list[Any] = []
    for code, place in positions:  # from the innermost call outwards
        earlier = [index for index, (other, _) in enumerate(kept) if other is code]
        if earlier:
            del kept[earlier[0] + 1 :]
        else:
            kept.append((code, place))
    return kept


def caller_location(depth: int = 2) -> str:
    """Return the file and line of the caller, `depth` frames up."""
    return _frame_location(sys._getframe(depth))  # noqa: SLF001 -- see above


def user_location() -> str:
    """Return the file and line of the innermost frame of the user's own code."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- see above
    frames: list[FrameType] = []
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    return _frame_location(_innermost_of_user(frames))


def definition_location(function: Any) -> str:
    """Return the file and line of a function's definition."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return "somewhere" if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def coroutine_location(coroutine: Any) -> str:
    """Return the file and line at which a coroutine waits, in the innermost user code."""
    frames = [each.cr_frame for each in awaited_coroutines(coroutine) if each.cr_frame is not None]
    return _frame_location(_innermost_of_user(frames))


def _innermost_of_user(frames: Sequence[FrameType]) -> FrameType | None:
    """Return the last frame of the user's own code or, without any, of no part of cooee."""
    own = [frame for frame in frames if _is_app_frame(frame)]
    # The app itself may be an installed library.
    found = own or [frame for frame in frames if _is_user_frame(frame)]
    return found[-1] if found else None


def awaited_coroutines(coroutine: Any) -> list[CoroutineType[Any, Any, Any]]:
    """Return a coroutine and those in which it waits, the innermost last."""
    chain: list[CoroutineType[Any, Any, Any]] = []
    while isinstance(coroutine, CoroutineType):
        chain.append(coroutine)
        coroutine = coroutine.cr_await
    return chain


def generator_location(generator: AsyncGeneratorType[Any, Any]) -> str:
    """Return the file and line at which an async generator stands."""
    return _frame_location(generator.ag_frame)


def raise_location(error: BaseException) -> str:
    """Return the file and line of the user's code that raised an error, or called a library."""
    location, traceback = None, error.__traceback__
    while traceback is not None:
        if _is_app_frame(traceback.tb_frame):
            location = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return location or ""


def _is_app_frame(frame: FrameType) -> bool:
    # `import cooee` stays light: sysconfig and site are slow to import.
    from cooee.core.own_code import is_own_file  # noqa: PLC0415 -- see above

    return is_own_file(frame.f_code.co_filename)


def _is_user_frame(frame: FrameType) -> bool:
    return not str(frame.f_globals.get("__name__")).startswith(_INTERNAL_MODULES)


def _frame_location(frame: FrameType | None) -> str:
    return "somewhere" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
