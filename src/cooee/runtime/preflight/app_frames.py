"""The app's own lines, among those of all the libraries between them."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

_PATHS = sysconfig.get_paths()
_COOEE_FOLDER = Path(__file__).parents[2]
_SANDBOX_FILE = str(_COOEE_FOLDER / "core" / "dialogue" / "sandbox.py")
_INSTALLED_PREFIXES = tuple(f"{_PATHS[name]}/" for name in ("purelib", "platlib"))
_LIBRARY_PREFIXES = (
    f"{_COOEE_FOLDER}/",
    *(f"{_PATHS[name]}/" for name in ("stdlib", "platstdlib")),
    "<frozen",
)


class AppFrame(msgspec.Struct, frozen=True):
    """A line of the app, and the function that it is in."""

    file: str
    number: int
    function: str
    code: str

    @property
    def location(self) -> str:
        """The file and the line."""
        return f"{self.file}:{self.number}"

    def __str__(self) -> str:
        return f"{self.location} in {self.function}" + (f"\n  {self.code}" if self.code else "")


def frames_of_error(error: BaseException) -> Sequence[AppFrame]:
    """The lines through which an error came, outermost first."""
    return _only_app_frames(traceback.extract_tb(error.__traceback__))


def current_frames(depth: int = 1) -> Sequence[AppFrame]:
    """The lines that led here, outermost first."""
    return _only_app_frames(traceback.extract_stack(sys._getframe(depth)))  # noqa: SLF001 -- its only name


def _only_app_frames(frames: Sequence[traceback.FrameSummary]) -> Sequence[AppFrame]:
    """Those of the handler, without libraries, unless the app is itself installed among them."""
    sandbox_ends = [n for n, frame in enumerate(frames, 1) if frame.filename == _SANDBOX_FILE]
    app_frames = [
        one for one in frames[max(sandbox_ends, default=0) :] if not _is_library_file(one.filename)
    ]
    own_frames = [
        one for one in app_frames if not one.filename.startswith(_INSTALLED_PREFIXES)
    ] or app_frames
    return [AppFrame(one.filename, one.lineno or 0, one.name, one.line or "") for one in own_frames]


def _is_library_file(file: str) -> bool:
    """Whether it is cooee's or Python's; what is installed may lie below Python's."""
    return file.startswith(_LIBRARY_PREFIXES) and not file.startswith(_INSTALLED_PREFIXES)
