"""A handler that reaches nothing outside: the world is refused to it, and what it tried kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread, get_ident
from typing import Any

from cooee.core.errors import DialogueError
from cooee.runtime.preflight.app_frames import Line, standing_at

_THREAD = "_thread.start_new_thread"
_FAMILIES = frozenset(
    {"socket", "subprocess", "sqlite3", "ctypes", "shutil", "tempfile", "fcntl", "pty", "syslog"}
)
_EVENTS = frozenset(
    {
        *(f"os.{name}" for name in ("system", "exec", "fork", "forkpty", "posix_spawn", "spawn")),
        *(f"os.{name}" for name in ("remove", "rename", "mkdir", "rmdir", "link", "symlink")),
        *(f"os.{name}" for name in ("truncate", "chmod", "chown", "utime", "setxattr", "lockf")),
        *(f"os.{name}" for name in ("removexattr", "chflags", "kill", "killpg", "putenv")),
        *(f"os.{name}" for name in ("unsetenv", "chdir", "startfile")),
        _THREAD,
        "_thread.start_joinable_thread",
        "webbrowser.open",
    }
)
_CONNECTIONS = frozenset({"socket.connect", "sqlite3.connect"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(DialogueError):
    """A dialogue reached for the world outside `once`; `lines` are those of the app."""

    def __init__(self, message: str, lines: Sequence[Line]) -> None:
        super().__init__(message)
        self.lines = lines


class Confinement:
    """An audit hook (PEP 578), which acts only while a handler runs, and only in its thread.

    It is no sandbox against code that means harm, and it does not see what goes through a
    connection or a file that was opened before: `opened` are the lines at which the app, while
    it was loaded, opened one.
    """

    def __init__(self) -> None:
        self.refused: Refused | None = None
        self.opened: list[str] = []
        self._thread = 0
        self._loading = False
        self._nowhere = open(os.devnull, "w")  # noqa: SIM115, PTH123 -- as long as the process
        self._screen = sys.stdout, sys.stderr
        sys.addaudithook(self._hear)
        _tell_of_threads()

    def __enter__(self) -> None:
        self.refused = None
        self._screen = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = self._nowhere
        self._thread = get_ident()

    def __exit__(self, *_: object) -> None:
        self._thread = 0
        sys.stdout, sys.stderr = self._screen

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Note what an app opens while it is loaded."""
        self._loading = True
        try:
            yield
        finally:
            self._loading = False

    def refuse(self, what: str) -> Refused:
        """Note that a dialogue did something that it may not; the error to raise."""
        lines = standing_at(2)
        where = f"{lines[-1].place}: " if lines else ""
        error = Refused(
            f"{where}{what}. A dialogue is run again for each text, and this would be done again"
            " each time. Put it into a function, and `await chat.once(that_function, …)`.",
            lines,
        )
        self.refused = self.refused or error
        return error

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._thread:
            if get_ident() == self._thread and _reaches_out(event, args):
                thread, self._thread = self._thread, 0
                try:
                    raise self.refuse(f"this dialogue reaches out: {_shown(event, args)}")
                finally:
                    self._thread = thread
        elif self._loading and event in _CONNECTIONS:
            lines = standing_at(2)
            self.opened.append(f"{lines[-1].place if lines else 'somewhere'}: {event}")


def _tell_of_threads() -> None:
    """Let a thread's start be audited, as Python does by itself from 3.12 on."""
    start = Thread.start

    def told(thread: Thread) -> None:
        sys.audit(_THREAD, thread.name)
        start(thread)

    setattr(Thread, "start", told)  # noqa: B010 -- a type checker forbids the plain way, rightly


def _reaches_out(event: str, args: tuple[Any, ...]) -> bool:
    if event == "open":
        return bool(args[2] & _WRITING)
    return event in _EVENTS or event.partition(".")[0] in _FAMILIES


def _shown(event: str, args: tuple[Any, ...]) -> str:
    """What was tried, and on what, in no more words than say which."""
    first = next((one for one in args if isinstance(one, str | bytes | tuple | os.PathLike)), None)
    how = f", {args[1]!r}" if event == "open" and args[1] else ""
    return f"{event}({'' if first is None else f'{first!r:.60}'}{how})"
