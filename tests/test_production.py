"""The files for production do what they say: units, container and backup."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cooee.runtime.settings import KNOWN_SETTINGS
from cooee.storage.sqlite.store import SQLite

FILES = Path(__file__).parents[1] / "examples" / "production"
BIN = Path(sys.executable).parent
UNITS = ("shop.service", "shop-backup.service", "shop-backup.timer")

pytestmark = pytest.mark.slow


@pytest.fixture
def units(tmp_path):
    """The units, with a program and a user that are there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze.")
    for name in UNITS:
        words = (FILES / name).read_text()
        words = re.sub(r"/srv/shop/(\.venv/bin/cooee|backup\.sh)", "/bin/true", words)
        (tmp_path / name).write_text(words.replace("User=shop", "User=daemon"))
    return [str(tmp_path / name) for name in UNITS]


def test_systemd_takes_the_units(units):
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_app_may_do_little(units):
    secure = ["systemd-analyze", "security", "--offline=true", "--threshold=25", units[0]]
    done = subprocess.run(secure, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]


def instructions():
    """The container file's instructions, in order."""
    words = (FILES / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in words.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def test_the_container_runs_as_somebody_without_rights_who_owns_the_volume():
    found = dict(instructions())
    user = found["USER"]
    assert user not in {"root", "0"}
    runs = [words for name, words in instructions() if name == "RUN"]
    assert re.search(rf"useradd .*{user}", runs[0])
    assert re.search(rf"install -d -o {user} -m 0700 {found['VOLUME']}", runs[0])
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in {"RUN", "COPY"})


def test_the_containers_command_and_its_health_check_work(tmp_path):
    """Follow the file without a container: its settings, its command, its check."""
    found = dict(instructions())
    settings = dict(word.split("=", 1) for word in shlex.split(found["ENV"]))
    known = {setting.name for setting in KNOWN_SETTINGS}
    assert {name for name in settings if name.startswith("COOEE_")} <= known
    assert settings["COOEE_DATABASE"].startswith(f"sqlite:///{found['VOLUME']}/")
    assert found["EXPOSE"] == settings["COOEE_PORT"]
    (tmp_path / "app.py").write_text("from cooee import App\n\napp = App()\n")
    settings |= {"COOEE_DATABASE": f"sqlite:///{tmp_path}/cooee.db", "COOEE_HOST": "127.0.0.1"}
    settings |= {"COOEE_PORT": "0", "COOEE_PROVIDER": "simulated", "PATH": f"{BIN}:/usr/bin:/bin"}
    settings |= {"SIMULATED_BASE_URL": "http://127.0.0.1:9/simulated/v1"}
    process = subprocess.Popen(
        json.loads(found["CMD"]), cwd=tmp_path, env=settings, stdout=subprocess.PIPE, text=True
    )
    try:
        port = next(
            at[1]
            for line in process.stdout
            if (at := re.search(r"127\.0\.0\.1:(\d+)/health", line))
        )
        _, _, check = json.loads(found["HEALTHCHECK"].partition("CMD ")[2])
        assert ":8000/health" in check
        checked = [sys.executable, "-c", check.replace("8000", port)]
        done = subprocess.run(checked, check=False, capture_output=True, text=True)
        assert "HTTP Error 503" in done.stderr, "its provider cannot be reached"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        process.stdout.close()


@pytest.fixture
def kept(tmp_path):
    """Do something with the store in the folder's database."""

    async def do(work):
        store = await SQLite.open(tmp_path / "cooee.db", now=lambda: datetime.now(UTC))
        try:
            return await work(store)
        finally:
            await store.close()

    return lambda work: asyncio.run(do(work))


@pytest.fixture
def back_up(tmp_path):
    """Run the script with a database; the files in its folder."""
    (tmp_path / "backups").mkdir()

    def run(path=f"{BIN}:{os.environ['PATH']}"):
        env = {**os.environ, "PATH": path, "COOEE_DATABASE": f"sqlite:///{tmp_path}/cooee.db"}
        script = ["sh", str(FILES / "backup.sh"), "backups"]
        done = subprocess.run(
            script, check=False, cwd=tmp_path, env=env, capture_output=True, text=True
        )
        return done, sorted(path.name for path in (tmp_path / "backups").iterdir())

    return run


def test_a_backup_is_one_file_that_can_be_read_and_old_ones_go(kept, back_up, tmp_path):
    kept(lambda store: store.add_our_number("+61491570006"))
    (tmp_path / "cooee.db-media").mkdir()
    (tmp_path / "cooee.db-media" / "picture").write_text("p")
    for number in range(50):
        (tmp_path / "backups" / f"cooee-2020-01-{number:02}.db").touch()
    done, files = back_up()
    assert done.returncode == 0, done.stderr
    copies = [name for name in files if name.endswith(".db")]
    assert files == [*copies, "media"]
    assert (len(copies), copies[0]) == (48, "cooee-2020-01-03.db")
    with sqlite3.connect(tmp_path / "backups" / copies[-1]) as copy:
        assert copy.execute("select ours from numbers").fetchall() == [("+61491570006",)]
    copy.close()
    assert (tmp_path / "backups" / "media" / "picture").read_text() == "p"


def test_a_backup_that_cannot_be_read_is_said_to_be_none(kept, back_up, tmp_path):
    kept(lambda store: store.counts())
    broken = tmp_path / "bin" / "cooee"
    broken.parent.mkdir()
    broken.write_text(f'#!/bin/sh\n[ "$1" = backup ] && echo broken > "$2" || {BIN}/cooee "$@"\n')
    broken.chmod(0o755)
    done, (name,) = back_up(f"{broken.parent}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "The backup cannot be read" in done.stderr
    assert name.endswith(".unusable")
