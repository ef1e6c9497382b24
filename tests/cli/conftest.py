"""The command line as people meet it: real processes, in a folder of their own."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("cooee"))
KEYS = {"TELSTRA_CLIENT_ID": "any", "TELSTRA_CLIENT_SECRET": "any"}


def pytest_collection_modifyitems(items):
    """Mark what starts a process as slow: a third of a second each time, for the imports."""
    for item in items:
        if {"cooee", "start"} & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


class Running:
    """A command that goes on; what it says and logs is kept in files."""

    def __init__(self, args, env, cwd):
        name = f"{args[0]}-{time.monotonic_ns()}"
        self.out, self.log = Path(cwd, f"{name}.out"), Path(cwd, f"{name}.log")
        with self.out.open("w") as out, self.log.open("w") as log:
            self.process = subprocess.Popen(
                [COMMAND, *args], env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=log
            )

    @property
    def said(self):
        return self.out.read_text()

    def until(self, pattern, seconds=60):
        """What is said, once it has `pattern` in it."""
        return self._until(pattern, self.out, seconds)

    def until_logged(self, pattern, seconds=60):
        """What is logged, once it has `pattern` in it."""
        return self._until(pattern, self.log, seconds)

    def _until(self, pattern, file, seconds):
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, file.read_text())):
            everything = f"{self.said}\n{self.log.read_text()}"
            assert self.process.poll() is None, f"It ended: {everything}"
            assert time.monotonic() < deadline, f"No {pattern!r} in: {everything}"
            time.sleep(0.02)
        return found

    def end(self, number=signal.SIGTERM):
        """Signal it; its exit status and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        return status, time.monotonic() - began


@pytest.fixture
def env(tmp_path):
    """A bare environment, as a service manager gives it."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "COOEE_PORT": "0", "COOEE_POLL_INTERVAL": "0.1"}


@pytest.fixture
def cooee(tmp_path, env):
    """Run a command to its end: ``cooee("send", "+61…", "hello", COOEE_DATABASE="…")``."""

    def run(*args, stdin="", **more):
        return subprocess.run(
            [COMMAND, *args],
            check=False,
            env={**env, **more},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def start(tmp_path, env):
    """Start a command that goes on; it is killed at the test's end."""
    running = []

    def begin(*args, **more):
        running.append(Running(args, {**env, **more}, tmp_path))
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.wait()


class SimulatorClient:
    """A simulator in a process of its own, and a person with its phones."""

    def __init__(self, base):
        self.base = base
        self.settings = {**KEYS, "TELSTRA_BASE_URL": f"{base}/telstra/v2"}

    def text(self, phone, words, to="+61491570006"):
        self._call(f"/phones/{phone}/texts", {"to": to, "text": words})

    def replies(self, phone, count, seconds=60):
        """The first `count` texts that came to a phone; fails where they do not come."""
        deadline = time.monotonic() + seconds
        while True:
            texts = self._call(f"/phones/{phone}/texts")
            came = [text["text"] for text in texts if text["direction"] == "to_phone"]
            if len(came) >= count:
                return came
            assert time.monotonic() < deadline, f"{phone} has {texts}"
            time.sleep(0.05)

    def _call(self, path, content=None):
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.base}/control{path}", body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@pytest.fixture
def simulator(start):
    simulator = start("simulator", "--port", "0")
    return SimulatorClient(simulator.until(r"control interface +(http://\S+)/control/")[1])


@pytest.fixture
def written(tmp_path):
    """Write an app's file; its name."""

    def write(code, name="app.py"):
        (tmp_path / name).write_text(code)
        return name

    return write


@pytest.fixture
def kept(tmp_path):
    """Do something with the store in the folder's database: ``kept(lambda store: …)``."""
    from cooee.storage.sqlite.store import SQLite

    async def do(work):
        store = await SQLite.open(tmp_path / "cooee.db", now=lambda: datetime.now(UTC))
        try:
            return await work(store)
        finally:
            await store.close()

    return lambda work: asyncio.run(do(work))


@pytest.fixture
def lived(tmp_path, written):
    """Let people live through an app: ``lived(code, work)``; the folder's database keeps it."""
    from cooee.cli.load_app import import_app
    from cooee.testing import Kit

    async def live(code, work):
        async with Kit(import_app(str(tmp_path / written(code)))) as kit:
            await work(kit)
            (tmp_path / "cooee.db").unlink(missing_ok=True)
            await kit.store.backup(str(tmp_path / "cooee.db"))

    return lambda code, work: asyncio.run(live(code, work))
