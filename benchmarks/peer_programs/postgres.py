"""A PostgreSQL for a run, from the binaries on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peer_programs.environments import NotInstalled


@contextmanager
def postgres(folder: Path, core: int) -> Iterator[tuple[str, int]]:
    """Start a server on a socket in the folder, with its defaults; yield a URL and the process id.

    Raises:
        NotInstalled: there is no PostgreSQL, or it does not start.
    """
    data, user = folder / "postgres", "nobody" if os.getuid() == 0 else None
    if not (shutil.which("initdb") and shutil.which("pg_ctl")):
        raise NotInstalled("PostgreSQL's initdb and pg_ctl are not on the path")

    def call(*command: str) -> None:
        done = subprocess.run(
            ["taskset", "--cpu-list", str(core), *command],
            check=False,
            capture_output=True,
            text=True,
            user=user,
            cwd=data,
        )
        if done.returncode != 0:
            raise NotInstalled(f"{command[0]}: {(done.stderr or done.stdout).strip()[-200:]}")

    data.mkdir()
    if user:
        shutil.chown(data, user)
        folder.chmod(0o755)
    call("initdb", "-D", str(data), "-U", "peer", "--auth", "trust")
    options = f"-c listen_addresses='' -c unix_socket_directories='{data}'"
    try:
        call("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(data / "log"), "start")
        pid = int((data / "postmaster.pid").read_text().split()[0])
        yield f"postgresql://peer@/postgres?host={data}", pid
    finally:
        call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
