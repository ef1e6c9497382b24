"""Refuses I/O while a handler is replayed, and keeps the first refusal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread, get_ident
from typing import Any

from cooee.core.errors import DialogueError
from cooee.runtime.preflight.app_frames import AppFrame, current_frames

_THREAD_START_EVENT = "_thread.start_new_thread"
_REFUSED_FAMILIES = frozenset(
    {"socket", "subprocess", "sqlite3", "ctypes", "shutil", "tempfile", "fcntl", "pty", "syslog"}
)
_REFUSED_EVENTS = frozenset(
    {
        *(f"os.{name}" for name in ("system", "exec", "fork", "forkpty", "posix_spawn", "spawn")),
        *(f"os.{name}" for name in ("remove", "rename", "mkdir", "rmdir", "link", "symlink")),
        *(f"os.{name}" for name in ("truncate", "chmod", "chown", "utime", "setxattr", "lockf")),
        *(f"os.{name}" for name in ("removexattr", "chflags", "kill", "killpg", "putenv")),
        *(f"os.{name}" for name in ("unsetenv", "chdir", "startfile")),
        _THREAD_START_EVENT,
        "_thread.start_joinable_thread",
        "webbrowser.open",
    }
)
_CONNECT_EVENTS = frozenset({"socket.connect", "sqlite3.connect"})
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class IORefused(DialogueError):
    """A dialogue tried I/O outside of `once`; `frames` are those of the app."""

    def __init__(self, message: str, frames: Sequence[AppFrame]) -> None:
        super().__init__(message)
        self.frames = frames


class IOGuard:
    """An audit hook (PEP 578), which acts only while a handler runs, and only in its thread.

    The hook is no sandbox against code that means harm, and it does not see I/O through a
    connection or file that was opened before: `opened_while_loading` lists the lines at which the
    app opened one while it was loaded.
    """

    def __init__(self) -> None:
        self.first_refusal: IORefused | None = None
        self.opened_while_loading: list[str] = []
        self._guarded_thread = 0
        self._is_loading = False
        self._devnull = open(os.devnull, "w")  # noqa: SIM115, PTH123 -- as long as the process
        self._real_streams = sys.stdout, sys.stderr
        sys.addaudithook(self._audit)
        _audit_thread_starts()

    def __enter__(self) -> None:
        self.first_refusal = None
        self._real_streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = self._devnull
        self._guarded_thread = get_ident()

    def __exit__(self, *_: object) -> None:
        self._guarded_thread = 0
        sys.stdout, sys.stderr = self._real_streams

    @contextmanager
    def watch_loading(self) -> Iterator[None]:
        """Record the connections that an app opens while it is loaded."""
        self._is_loading = True
        try:
            yield
        finally:
            self._is_loading = False

    def refuse(self, action: str) -> IORefused:
        """Record a forbidden action of a dialogue, and return the error to raise."""
        frames = current_frames(2)
        prefix = f"{frames[-1].location}: " if frames else ""
        error = IORefused(
            f"{prefix}{action}. A dialogue is run again for each text, and this would be done again"
            " each time. Put it into a function, and `await chat.once(that_function, …)`.",
            frames,
        )
        self.first_refusal = self.first_refusal or error
        return error

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if self._guarded_thread:
            if get_ident() == self._guarded_thread and _is_refused_event(event, args):
                thread, self._guarded_thread = self._guarded_thread, 0
                try:
                    raise self.refuse(f"this dialogue reaches out: {_describe_event(event, args)}")
                finally:
                    self._guarded_thread = thread
        elif self._is_loading and event in _CONNECT_EVENTS:
            frames = current_frames(2)
            self.opened_while_loading.append(
                f"{frames[-1].location if frames else 'somewhere'}: {event}"
            )


def _audit_thread_starts() -> None:
    """Raise an audit event for each thread start, as Python itself does from 3.12 on."""
    real_start = Thread.start

    def audited_start(thread: Thread) -> None:
        sys.audit(_THREAD_START_EVENT, thread.name)
        real_start(thread)

    setattr(Thread, "start", audited_start)  # noqa: B010 -- a type checker forbids the plain way, rightly


def _is_refused_event(event: str, args: tuple[Any, ...]) -> bool:
    if event == "open":
        return bool(args[2] & _WRITE_FLAGS)
    return event in _REFUSED_EVENTS or event.partition(".")[0] in _REFUSED_FAMILIES


def _describe_event(event: str, args: tuple[Any, ...]) -> str:
    """Return a short description of an event: its name and its first argument."""
    first = next((one for one in args if isinstance(one, str | bytes | tuple | os.PathLike)), None)
    mode = f", {args[1]!r}" if event == "open" and args[1] else ""
    return f"{event}({'' if first is None else f'{first!r:.60}'}{mode})"
