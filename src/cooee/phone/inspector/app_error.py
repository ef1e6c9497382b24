"""An error in an app, with the line to mend and those around it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path

from cooee.core.errors import CooeeError
from cooee.phone.ipc_messages import Trouble

_AROUND = 2  # lines before and after
_PLACE = re.compile(r"^(\w+: )/[^:\n]+\.py:\d+: ")  # with which some of cooee's own begin


def trouble(error: BaseException, folder: Path) -> Trouble:
    """What went wrong, and where in the app's folder.

    Args:
        error: what was raised; where it was raised from another, that one is meant.
        folder: below it are the files that its author can mend.
    """
    for cause in _causes(error):
        place = _place(cause, folder)
        if place is not None:
            file, line = place
            return Trouble(_shown(_words(cause), folder), file, line, _excerpt(file, line))
    return located(_words(error), folder)


def located(words: str, folder: Path) -> Trouble:
    """An error of which only the words are left, with the line that they name, if they do."""
    shown = _shown(words, folder)
    for file, line in re.findall(rf"({re.escape(str(folder))}/[^:\n]+?\.py):(\d+)", words):
        if is_own(Path(file), folder):
            return Trouble(shown, file, int(line), _excerpt(file, int(line)))
    return Trouble(shown)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The first cause first: it is nearest to the mistake."""
    chain = [error]
    while chain[-1].__cause__ is not None and len(chain) < 10:
        chain.append(chain[-1].__cause__)
    return reversed(chain)


def _place(error: BaseException, folder: Path) -> tuple[str, int] | None:
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    lines = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.lineno and is_own(Path(frame.filename), folder)
    ]
    return lines[-1] if lines else None


def is_own(file: Path, folder: Path) -> bool:
    """Whether a file is the author's: in the folder, and no library installed there."""
    return file.is_relative_to(folder) and not {"site-packages", "dist-packages"} & set(file.parts)


def _words(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, CooeeError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception_only(error)).strip()


def _shown(words: str, folder: Path) -> str:
    """Without what is shown by itself: the place, and the folder."""
    return _PLACE.sub(r"\1", words).replace(f"{folder}/", "")


def _excerpt(file: str, line: int) -> list[tuple[int, str]]:
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    first = max(line - _AROUND, 1)
    return list(enumerate(lines[first - 1 : line + _AROUND], first))
