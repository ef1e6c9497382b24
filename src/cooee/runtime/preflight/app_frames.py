"""The app's own lines, among those of all the libraries between them."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

_PATHS = sysconfig.get_paths()
_COOEE = Path(__file__).parents[2]
_RUNS_HANDLERS = str(_COOEE / "core" / "dialogue" / "sandbox.py")
_INSTALLED = tuple(f"{_PATHS[name]}/" for name in ("purelib", "platlib"))
_OTHERS = (f"{_COOEE}/", *(f"{_PATHS[name]}/" for name in ("stdlib", "platstdlib")), "<frozen")


class Line(msgspec.Struct, frozen=True):
    """A line of the app, and the function that it is in."""

    file: str
    number: int
    function: str
    code: str

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.file}:{self.number}"

    def __str__(self) -> str:
        return f"{self.place} in {self.function}" + (f"\n  {self.code}" if self.code else "")


def raised_at(error: BaseException) -> Sequence[Line]:
    """The lines through which an error came, outermost first."""
    return _own(traceback.extract_tb(error.__traceback__))


def standing_at(depth: int = 1) -> Sequence[Line]:
    """The lines that led here, outermost first."""
    return _own(traceback.extract_stack(sys._getframe(depth)))  # noqa: SLF001 -- its only name


def _own(frames: Sequence[traceback.FrameSummary]) -> Sequence[Line]:
    """Those of the handler, without libraries, unless the app is itself installed among them."""
    inside = [n for n, frame in enumerate(frames, 1) if frame.filename == _RUNS_HANDLERS]
    others = [one for one in frames[max(inside, default=0) :] if not _is_other(one.filename)]
    users = [one for one in others if not one.filename.startswith(_INSTALLED)] or others
    return [Line(one.filename, one.lineno or 0, one.name, one.line or "") for one in users]


def _is_other(file: str) -> bool:
    """Whether it is cooee's or Python's; what is installed may lie below Python's."""
    return file.startswith(_OTHERS) and not file.startswith(_INSTALLED)
