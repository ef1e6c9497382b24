"""The app's own frames in a traceback, without those of cooee and of libraries."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cooee.core.dialogue.sandbox import resume_handler

_PATHS = sysconfig.get_paths()
_COOEE_FOLDER = Path(__file__).parents[2]
_SANDBOX_FILE = resume_handler.__code__.co_filename
_INSTALLED_PREFIXES = tuple(f"{_PATHS[name]}/" for name in ("purelib", "platlib"))
_LIBRARY_PREFIXES = (
    f"{_COOEE_FOLDER}/",
    *(f"{_PATHS[name]}/" for name in ("stdlib", "platstdlib")),
    "<frozen",
)


class AppFrame(msgspec.Struct, frozen=True):
    """A line of the app, and its function."""

    file: str
    number: int
    function: str
    code: str

    @property
    def location(self) -> str:
        """Return the file and the line."""
        return f"{self.file}:{self.number}"

    def __str__(self) -> str:
        return f"{self.location} in {self.function}" + (f"\n  {self.code}" if self.code else "")


def frames_of_error(error: BaseException) -> Sequence[AppFrame]:
    """Return the app's frames that an error passed through, outermost first."""
    return _only_app_frames(traceback.extract_tb(error.__traceback__))


def current_frames(depth: int = 1) -> Sequence[AppFrame]:
    """Return the app's frames on the stack, outermost first."""
    return _only_app_frames(traceback.extract_stack(sys._getframe(depth)))  # noqa: SLF001 -- its only name


def _only_app_frames(frames: Sequence[traceback.FrameSummary]) -> Sequence[AppFrame]:
    """Return the frames of the handler; of libraries too where the app is installed among them."""
    # Frames above the sandbox belong to the command that runs the dialogue, not to the app.
    sandbox_ends = [n for n, frame in enumerate(frames, 1) if frame.filename == _SANDBOX_FILE]
    app_frames = [
        one for one in frames[max(sandbox_ends, default=0) :] if not _is_library_file(one.filename)
    ]
    own_frames = [
        one for one in app_frames if not one.filename.startswith(_INSTALLED_PREFIXES)
    ] or app_frames
    return [AppFrame(one.filename, one.lineno or 0, one.name, one.line or "") for one in own_frames]


def _is_library_file(file: str) -> bool:
    """Return whether a file is cooee's or Python's; packages may lie below Python's folder."""
    return file.startswith(_LIBRARY_PREFIXES) and not file.startswith(_INSTALLED_PREFIXES)
