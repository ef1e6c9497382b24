"""Processes kept to one core each, and the CPU time of a process with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int, int]:
    """Return the core of the server, and that of everything else (the same where there is one)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class Pinned:
    """A process on one core. Its children stay there, and end with it.

    Args:
        command: what to run.
        core: the core.
        log: the file of its output; None to read standard output from here.
        environment: what its environment has beside ours.
        helper_pid: a process that computes for it, and is no child of it.
    """

    def __init__(
        self,
        command: Sequence[str],
        core: int,
        log: Path | None,
        environment: Mapping[str, str] | None = None,
        helper_pid: int = 0,
    ) -> None:
        self._helper_pid = helper_pid
        with Path(os.devnull if log is None else log).open("ab") as output:
            self.process = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *command],  # it becomes the command
                stdout=subprocess.PIPE if log is None else output,
                stderr=subprocess.PIPE if log is None else output,
                text=True,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    def cpu_s(self) -> float:
        """Return the seconds that the process, its helper and their descendants have computed."""
        pids = [
            *_family(self.process.pid),
            *(_family(self._helper_pid) if self._helper_pid else ()),
        ]
        return sum(map(_cpu_ticks, pids)) / _TICKS_PER_S

    def stop(self) -> None:
        """End the process and its descendants."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        found = [int(child) for child in children.read_text().split()]
    except FileNotFoundError:
        return []
    return [pid, *(one for child in found for one in _family(child))]


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(map(int, fields[11:15]))  # of itself, and of the children that have ended
