"""The README is true: every block of code in it runs."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.runtime.settings import KNOWN_SETTINGS
from cooee.simulator import run_simulator
from cooee.storage import NewInbound
from cooee.storage.sqlite.store import SQLite
from cooee.testing import Kit

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COOEE = [sys.executable, "-m", "cooee"]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def lines(word):
    """Every line of a shell block that begins with a word, without its comment."""
    told = [line for block in blocks("sh") for line in block.splitlines()]
    return [line.partition("  #")[0].strip() for line in told if line.startswith(word)]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copy(ROOT / "examples" / "stopwatch.py", tmp_path)
    return tmp_path


def environment(folder, **more):
    return {
        **os.environ,
        "COOEE_DATABASE": f"sqlite:///{folder}/cooee.db",
        "COOEE_PORT": "0",
        **more,
    }


def test_nothing_in_it_is_left_untested():
    languages = set(re.findall(r"^```(\w+)$", README, re.MULTILINE))
    assert languages == {"python", "sh"}
    known = ("make ", "export ", "cooee ", "pytest ")
    told = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    assert all(line.startswith(known) for line in told)
    assert len(blocks("python")) == 4


async def test_its_dialogue_is_held_as_it_says():
    known = {}
    exec(blocks("python")[0], known)
    async with Kit(known["app"]) as kit:
        anna = kit.phone()
        await anna.follow("""
            > BOOK
            < What's your name?
            > Anna
            ... 1 week
            < For how many?
            > a few
            < Please send a number, like 4.
        """)
        for _ in range(3):
            await kit.restart()
        await anna.follow("""
            > 4
            < Which day?\\n1. Friday\\n2. Saturday
            > satuday
            < Saturday for 4, Anna?
            > yep
            < See you on Saturday, Anna!
        """)


def test_the_stopwatch_is_the_example():
    assert blocks("python")[1] == (ROOT / "examples" / "stopwatch.py").read_text()


def test_its_test_passes(folder):
    (folder / "test_stopwatch.py").write_text(blocks("python")[2])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_it_mounts(folder):
    script = blocks("python")[3] + "\nprint(web.routes)\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_what_it_has_one_begin_with_works(tmp_path):
    new, *_ = lines("cooee new")
    phone, *_ = lines("cooee phone")
    (test,) = lines("pytest")
    assert type_in(tmp_path, new) == 0
    assert type_in(tmp_path, f"{phone} --terminal", "ADD milk\n") == 0
    assert type_in(tmp_path, test) == 0


def type_in(folder, line, words=""):
    """The status of a command that is typed in a folder."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    typed = {"cwd": folder, "env": environment(folder, PATH=path), "input": words, "text": True}
    return subprocess.run(shlex.split(line), check=False, timeout=60, **typed).returncode


def test_every_make_target_in_it_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = {line.split()[1] for line in lines("make")} | set(
        re.findall(r"`make ([a-z-]+)", README)
    )
    assert mentioned >= {"phone", "demo", "test", "docs"}
    assert mentioned <= targets


def test_it_leads_with_two_sentences_a_dialogue_a_picture_and_the_phone():
    title, words, after = README.split("\n\n", 2)
    assert after.startswith("```python\n")
    _, picture, shell, *_ = after.partition("```\n\n")[2].split("\n\n")
    assert title == "# cooee"
    sentences = re.findall(r"[^.]+\.(?=\s|$)", words)
    assert len(sentences) == 2
    assert re.fullmatch(r"!\[.{60,}\]\(docs/picture\.png\)", picture)
    assert shell.startswith("```sh\nmake phone ")
    assert (ROOT / "docs" / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_every_difference_it_claims_is_linked_to_its_proof():
    claims = README.partition("## What makes it different")[2].partition("\n## ")[0]
    told = re.findall(r"^- .*$", claims, re.MULTILINE)
    assert len(told) >= 6
    assert [line for line in told if not re.search(r"\]\(tests/[\w/]+\.py\)", line)] == []


def test_its_settings_are_there_and_so_are_their_defaults():
    rows = README.partition("| setting |")[2].partition("\n\n")[0].splitlines()[2:]
    known = {setting.name: setting.default for setting in KNOWN_SETTINGS}
    told = {}
    for row in rows:
        _, words, _, defaults, _ = row.split("|")
        names = re.findall(r"`(COOEE_\w+)`", words)
        assert names, row
        told |= dict.fromkeys(names, "")
        told |= dict(zip(names, re.findall(r"`([^`]*)`", defaults), strict=False))
    assert len(told) >= 5
    assert told.items() <= known.items()


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


async def test_what_looks_after_it_works_on_a_conversation(folder):
    store = await SQLite.open(folder / "cooee.db", now=lambda: datetime.now(UTC))
    inbound = Inbound(
        sender="+61491570156", recipient="+61491570006", text="hi", received_at=datetime.now(UTC)
    )
    await store.receive([NewInbound(inbound)])
    await store.close()
    known = ("conversations", "show", "retry", "forget", "backup", "waiting", "preflight")
    after = [line for line in lines("cooee") if line.split()[1] in known]
    assert len(after) == len(known)
    after.sort(key=lambda line: "forget" in line)
    for line in after:
        done = subprocess.run(
            [*COOEE, *shlex.split(line)[1:]],
            check=False,
            cwd=folder,
            env=environment(folder),
            input="y\n",
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)


async def test_going_live_starts_and_stops(folder):
    (folder / "secret").write_text("0123456789abcdef\n")
    told = dict(line.removeprefix("export ").split("=", 1) for line in lines("export"))
    assert set(told) == {"COOEE_PROVIDER", "TELSTRA_CLIENT_ID", "TELSTRA_CLIENT_SECRET_FILE"}
    told["TELSTRA_CLIENT_ID"], told["TELSTRA_CLIENT_SECRET_FILE"] = "me", str(folder / "secret")
    (line,) = lines("cooee run")
    async with run_simulator(RealClock(), port=0) as (_, port):
        told["TELSTRA_BASE_URL"] = f"http://127.0.0.1:{port}/telstra/v3/messaging/v3"
        process = await asyncio.create_subprocess_exec(
            *[*COOEE, *shlex.split(line)[1:]],
            cwd=folder,
            env=environment(folder, **told),
            stdout=asyncio.subprocess.PIPE,
        )
        said = b""
        while b"listening" not in said:
            said += await asyncio.wait_for(process.stdout.readline(), 60)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
        await process.stdout.read()
    assert b"+61491570006" in said
