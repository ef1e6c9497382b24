"""Where in the user's code a run is: lines to show, and chains of calls to compare."""

from __future__ import annotations

import inspect
import sys
from itertools import islice
from types import CodeType, CoroutineType, FrameType
from typing import Any, TypeAlias

_NOT_USERS = ("cooee.core.", "asyncio.", "anyio.")

Chain: TypeAlias = tuple[CodeType | int, ...]


def chain(handler: Any) -> Chain:
    """The calls that led to the one who asks, up to the handler's own (a coroutine's)."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 -- what inspect does, at a tenth
    assert frame is not None
    outermost: FrameType = handler.cr_frame
    calls: Chain = (frame.f_code, frame.f_lasti)
    while frame is not outermost and frame.f_back is not None:
        frame = frame.f_back
        calls += (frame.f_code, frame.f_lasti)
    return calls


def alike(one: Chain, other: Chain) -> bool:
    """Whether two unequal chains are of the same places in the source.

    Python compiles some code twice, such as the condition of a `while`.
    """
    return _written(one) == _written(other)


def _written(calls: Chain) -> list[Any]:
    pairs = zip(calls[::2], calls[1::2], strict=True)
    return [
        (code, next(islice(code.co_positions(), at // 2, None), None))  # two bytes an instruction
        for code, at in pairs
        if isinstance(code, CodeType) and isinstance(at, int)
    ]


def line(depth: int = 2) -> str:
    """The file and line of the one who asks, `depth` frames up."""
    return _shown(sys._getframe(depth))  # noqa: SLF001 -- see above


def users() -> str:
    """The file and line of the innermost code that is not ours."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- see above
    while frame is not None and not _is_users(frame):
        frame = frame.f_back
    return _shown(frame)


def written(call: Any) -> str:
    """The file and line at which a function is written."""
    code = getattr(inspect.unwrap(call), "__code__", None)
    return "somewhere" if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def standing(coroutine: Any) -> str:
    """The file and line at which a coroutine stands, as deep as the code is the user's."""
    innermost = None
    while isinstance(coroutine, CoroutineType):
        frame = coroutine.cr_frame
        innermost = frame if frame is not None and _is_users(frame) else innermost
        coroutine = coroutine.cr_await
    return _shown(innermost)


def raised(error: BaseException) -> str:
    """The file and line at which the user's code raised an error, or called what did."""
    last, trace = None, error.__traceback__
    while trace is not None:
        if _is_the_apps(trace.tb_frame):
            last = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return last or ""


def _is_the_apps(frame: FrameType) -> bool:
    from cooee.core.dialogue.code_version import LIBRARIES  # noqa: PLC0415 -- `import cooee` stays light

    name = str(frame.f_globals.get("__name__"))
    return not name.startswith("cooee.") and not frame.f_code.co_filename.startswith(LIBRARIES)


def _is_users(frame: FrameType) -> bool:
    return not str(frame.f_globals.get("__name__")).startswith(_NOT_USERS)


def _shown(frame: FrameType | None) -> str:
    return "somewhere" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
