"""Locates an error in the app's files, with the lines around it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from cooee.core.errors import CooeeError
from cooee.core.own_code import is_own_file
from cooee.phone.ipc_messages import AppError

_EXCERPT_MARGIN = 2  # lines before and after
_LOCATION_PREFIX = re.compile(r"^(\w+: )/[^:\n]+\.py:\d+: ")  # with which some of cooee's own begin


def describe_error(error: BaseException, folder: Path) -> AppError:
    """Describe an exception, with its line in the user's own files.

    Args:
        error: the exception; its first cause in such a file is described.
        folder: the folder of the app, which no message repeats.
    """
    for cause in _first_cause_first(error):
        location = _app_location(cause)
        if location is not None:
            file, line = location
            return AppError(
                _without_location(_format_error(cause), folder),
                file,
                line,
                _read_excerpt(file, line),
            )
    return locate_message(_format_error(error), folder)


def locate_message(message: str, folder: Path) -> AppError:
    """Describe an error by its stored message, with the line that the message names, if any."""
    shown = _without_location(message, folder)
    for file, line in re.findall(r"(/[^:\n]+?\.py):(\d+)", message):
        if is_own_file(file) and Path(file).is_file():
            return AppError(shown, file, int(line), _read_excerpt(file, int(line)))
    return AppError(shown)


def _first_cause_first(error: BaseException) -> Iterator[BaseException]:
    """Return an exception's causes, the first cause first: it is nearest to the mistake."""
    chain = [error]
    while chain[-1].__cause__ is not None and len(chain) < 10:
        chain.append(chain[-1].__cause__)
    return reversed(chain)


def _app_location(error: BaseException) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    lines = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.lineno and is_own_file(frame.filename)
    ]
    return lines[-1] if lines else None


def _format_error(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, CooeeError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception_only(error)).strip()


def _without_location(message: str, folder: Path) -> str:
    """Return a message without its location and folder, which the page shows by themselves."""
    return _LOCATION_PREFIX.sub(r"\1", message).replace(f"{folder}/", "")


def _read_excerpt(file: str, line: int) -> list[tuple[int, str]]:
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    first = max(line - _EXCERPT_MARGIN, 1)
    return list(enumerate(lines[first - 1 : line + _EXCERPT_MARGIN], first))
