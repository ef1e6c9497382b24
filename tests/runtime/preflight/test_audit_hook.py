"""Whatever reaches outside a dialogue is refused while it is replayed, and nothing else is."""

import ctypes
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest


def connect():
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


REACHING = {
    "socket.": connect,
    "socket.getaddrinfo": lambda: socket.getaddrinfo("cooee.example", 80),
    "subprocess.Popen": lambda: subprocess.run(["true"], check=False),
    "os.system": lambda: os.system("true"),
    "os.posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "os.fork": os.fork,
    "os.exec": lambda: os.execv("/bin/true", ["true"]),
    "open('written', 'w')": lambda: Path("written").write_text("x"),
    "open('appended', 'a')": lambda: Path("appended").open("a").close(),
    "open('raw')": lambda: os.open("raw", os.O_CREAT | os.O_WRONLY),
    "os.remove": lambda: Path("there").unlink(),
    "os.rename": lambda: Path("there").rename("here"),
    "os.mkdir": lambda: Path("folder").mkdir(),
    "shutil.": lambda: shutil.copy("there", "copy"),
    "tempfile.": tempfile.mkstemp,
    "sqlite3.connect": lambda: sqlite3.connect("there.db"),
    "ctypes.dlopen": lambda: ctypes.CDLL(None),
    "_thread.start_": lambda: threading.Thread(target=int).start(),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("there").write_text("precious")
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert Path("there").read_text() == "precious"


@pytest.mark.parametrize("what", REACHING)
def test_whatever_reaches_outside_is_refused_and_named(replay, what):
    async def handler(chat):
        REACHING[what]()
        await chat.ask("Name?")

    async def before(chat):
        await chat.ask("Name?")

    result = replay(handler, before=before)
    assert (result.outcome, result.what) == ("breaks", "IORefused")
    assert f"reaches out: {what}" in result.words
    assert "await chat.once(" in result.words
    assert any(line.startswith(f"{__file__}:") and " in handler" in line for line in result.trace)


def test_a_refusal_that_is_swallowed_still_breaks(replay):
    async def handler(chat):
        with suppress(Exception):
            connect()
        await chat.ask("Name?")

    result = replay(handler)
    assert (result.outcome, result.what) == ("breaks", "IORefused")


def test_what_a_finally_does_as_it_is_left_is_refused_too(replay):
    async def handler(chat):
        try:
            await chat.ask("Name?")
        finally:
            connect()

    async def before(chat):
        await chat.ask("Name?")

    assert replay(handler, before=before).what == "IORefused"


def test_reading_a_file_and_importing_a_module_are_no_reaching_out(replay, folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "this_is_new", raising=False)
    monkeypatch.syspath_prepend(str(folder / "lib"))

    async def handler(chat):
        assert Path("there").read_text() == "precious"
        import colorsys  # noqa: F401

        await chat.ask("Name?")

    sys.modules.pop("colorsys", None)
    assert replay(handler).outcome == "continues"


def test_what_a_dialogue_prints_is_not_shown(replay, capsys):
    async def handler(chat):
        print("a secret")
        print("another", file=sys.stderr)
        await chat.ask("Name?")

    async def before(chat):
        await chat.ask("Name?")

    assert replay(handler, before=before).outcome == "continues"
    assert "".join(capsys.readouterr()) == ""


def test_once_it_is_over_the_world_is_there_again(replay):
    async def handler(chat):
        connect()

    async def before(chat):
        await chat.ask("Name?")

    assert replay(handler, before=before).what == "IORefused"
    with suppress(ConnectionRefusedError):
        connect()
    subprocess.run(["true"], check=True)


def test_another_thread_goes_on_as_it_likes_meanwhile(replay):
    come, seen = threading.Event(), []

    def connect_when_told():
        come.wait(5)
        with suppress(OSError):
            connect()
        seen.append("went on")

    thread = threading.Thread(target=connect_when_told)
    thread.start()

    async def handler(chat):
        come.set()
        while not seen:
            pass
        await chat.ask("Name?")

    async def before(chat):
        await chat.ask("Name?")

    assert replay(handler, before=before).outcome == "continues"
    thread.join()


def test_what_the_app_opens_while_it_is_loaded_is_noted(io_guard):
    io_guard.opened_while_loading.clear()
    with io_guard.watch_loading():
        sqlite3.connect(":memory:").close()
    sqlite3.connect(":memory:").close()
    (note,) = io_guard.opened_while_loading
    assert note.startswith(f"{__file__}:")
    assert note.endswith("sqlite3.connect")
