"""Where in the user's code a run is: lines to show, and chains of calls to compare."""

from __future__ import annotations

import sys
from types import CodeType, CoroutineType, FrameType
from typing import Any

_outside: CodeType | None = None
_NOT_USERS = ("cooee.core.", "asyncio.")


def outside(code: CodeType) -> None:
    """Tell which function starts a handler, so that chains of calls end there."""
    global _outside  # noqa: PLW0603 -- set once, at import, by the one function that does
    _outside = code


def chain(depth: int = 2) -> tuple[int, ...]:
    """The calls that led to the one who asks, from `depth` frames up to the handler."""
    frame: FrameType | None = sys._getframe(depth)  # noqa: SLF001 -- what inspect does, at a tenth
    code: CodeType | None = None if frame is None else frame.f_code
    calls: tuple[int, ...] = ()
    while frame is not None and code is not _outside:  # hashing a code object reads all of it
        calls = (*calls, id(code), frame.f_lasti)
        frame = frame.f_back
        code = None if frame is None else frame.f_code
    return calls


def line(depth: int = 2) -> str:
    """The file and line of the one who asks, `depth` frames up."""
    return _shown(sys._getframe(depth))  # noqa: SLF001 -- see above


def users() -> str:
    """The file and line of the innermost code that is not ours."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- see above
    while frame is not None and not _is_users(frame):
        frame = frame.f_back
    return _shown(frame)


def standing(coroutine: Any) -> str:
    """The file and line at which a coroutine stands, as deep as the code is the user's."""
    innermost = None
    while isinstance(coroutine, CoroutineType):
        frame = coroutine.cr_frame
        innermost = frame if frame is not None and _is_users(frame) else innermost
        coroutine = coroutine.cr_await
    return _shown(innermost)


def _is_users(frame: FrameType) -> bool:
    return not str(frame.f_globals.get("__name__")).startswith(_NOT_USERS)


def _shown(frame: FrameType | None) -> str:
    return "somewhere" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
