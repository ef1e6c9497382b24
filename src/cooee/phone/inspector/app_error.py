"""An error in an app, with the line to mend and those around it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from cooee.core.errors import CooeeError
from cooee.phone.ipc_messages import AppError

_EXCERPT_MARGIN = 2  # lines before and after
_LOCATION_PREFIX = re.compile(r"^(\w+: )/[^:\n]+\.py:\d+: ")  # with which some of cooee's own begin


def describe_error(error: BaseException, folder: Path) -> AppError:
    """What went wrong, and where in the app's folder.

    Args:
        error: what was raised; where it was raised from another, that one is meant.
        folder: below it are the files that its author can mend.
    """
    for cause in _first_cause_first(error):
        location = _app_location(cause, folder)
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
    """An error of which only the words are left, with the line that they name, if they do."""
    shown = _without_location(message, folder)
    for file, line in re.findall(rf"({re.escape(str(folder))}/[^:\n]+?\.py):(\d+)", message):
        if is_app_file(Path(file), folder):
            return AppError(shown, file, int(line), _read_excerpt(file, int(line)))
    return AppError(shown)


def _first_cause_first(error: BaseException) -> Iterator[BaseException]:
    """The first cause first: it is nearest to the mistake."""
    chain = [error]
    while chain[-1].__cause__ is not None and len(chain) < 10:
        chain.append(chain[-1].__cause__)
    return reversed(chain)


def _app_location(error: BaseException, folder: Path) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    lines = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.lineno and is_app_file(Path(frame.filename), folder)
    ]
    return lines[-1] if lines else None


def is_app_file(file: Path, folder: Path) -> bool:
    """Whether a file is the author's: in the folder, and no library installed there."""
    return file.is_relative_to(folder) and not {"site-packages", "dist-packages"} & set(file.parts)


def _format_error(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, CooeeError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception_only(error)).strip()


def _without_location(message: str, folder: Path) -> str:
    """Without what is shown by itself: the place, and the folder."""
    return _LOCATION_PREFIX.sub(r"\1", message).replace(f"{folder}/", "")


def _read_excerpt(file: str, line: int) -> list[tuple[int, str]]:
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    first = max(line - _EXCERPT_MARGIN, 1)
    return list(enumerate(lines[first - 1 : line + _EXCERPT_MARGIN], first))
