"""The phone in the terminal, as people and pipes meet it: real processes, real HTTP."""

import asyncio
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cooee.phone.terminal import terminal

pytestmark = pytest.mark.slow
STOPWATCH = Path(__file__).parents[3] / "examples" / "stopwatch.py"
COMMAND = [str(Path(sys.executable).with_name("cooee")), "phone", "--terminal"]
ONLINE = 'Stopwatch app online! I understand "START", "STOP" and "TIME".'
PROVIDERS = pytest.mark.parametrize("provider", ["telstra-v2", "simulated"])


@pytest.fixture
def env(tmp_path):
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}


@pytest.fixture
def phone(tmp_path, env):
    """Hold a conversation through a pipe; what was said, line by line."""

    def hold(lines, *args, app=STOPWATCH, **more):
        ended = subprocess.run(
            [*COMMAND, str(app), *args],
            check=False,
            cwd=tmp_path,
            env={**env, **more},
            input=lines,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()

    return hold


@PROVIDERS
def test_a_pipe_is_read_line_by_line_each_answered_before_the_next(phone, provider):
    assert phone("START\nSTOP\nwhat?\n", "--provider", provider)[:2] == [
        "phone 1 → START",
        "phone 1 ← The timer is running!",
    ]
    said = phone("START\nSTOP\n\nwhat?", "--provider", provider)
    assert [line[:9] for line in said] == ["phone 1 →", "phone 1 ←"] * 3
    assert said[1] == "phone 1 ← The timer is running!"
    assert said[3].startswith("phone 1 ← The timer has stopped. It ran for ")
    assert said[5].startswith("phone 1 ← Sorry!")


@PROVIDERS
def test_both_stopwatches_still_run_when_it_is_started_again(phone, provider):
    args = ("--provider", provider, "--database", "kept.db")
    phone("START\n/phone 2\nSTART\n", *args)
    said = phone("/wait 1d\nTIME\n/phone 2\nTIME\n", *args)
    running = r"← The timer stands at 1 day\b.* and is still running\."
    assert [line[:7] for line in said] == ["phone 1"] * 2 + ["phone 2"] * 2
    assert re.search(running, said[1])
    assert re.search(running, said[3])


def test_a_word_that_the_provider_takes_is_told_and_what_it_did(phone):
    said = phone("START\nSTOP\nTIME\nSTART\n", "--provider", "twilio")
    taken = (
        "phone 1   twilio takes this word: no more texts to this person, and no handler sees it."
    )
    lifted = "phone 1   This lifts the opt-out: texts go to this person again."
    shown = [line for line in said if "←" not in line]
    assert shown == [
        *("phone 1 → START", "phone 1 → STOP", taken, "phone 1 → TIME", "phone 1   no reply"),
        *("phone 1 → START", lifted),
    ]


def test_the_second_person_has_a_stopwatch_of_their_own(phone):
    said = phone("START\n/phone 2\nTIME\n/phone 1\nTIME\n")
    assert said[3] == "phone 2 ← Text START first."
    assert said[5].startswith("phone 1 ← The timer stands at")


def test_the_app_announces_itself_once_and_not_at_every_restart(phone):
    friends = {"STOPWATCH_FRIENDS": "+61491570156 +61491570157"}
    said = phone("START\n", **friends)
    assert sorted(said[:2]) == [f"phone 1 ← {ONLINE}", f"phone 2 ← {ONLINE}"]
    assert phone("TIME\n", **friends)[0] == "phone 1 → TIME"


@pytest.mark.parametrize("empty", ["", "\n\n"])
def test_without_any_line_start_time_and_stop_are_played(phone, empty):
    said = phone(empty)
    assert said[::2] == ["phone 1 → START", "phone 1 → TIME", "phone 1 → STOP"]
    assert len(said) == 6


@pytest.mark.parametrize("stdin", ["<&-", "</dev/null"])
def test_a_standard_input_that_brings_nothing_plays_them_too(tmp_path, env, stdin):
    words = f"{' '.join(COMMAND)} {STOPWATCH} {stdin}"
    ended = subprocess.run(
        ["bash", "-c", words], check=False, cwd=tmp_path, env=env, capture_output=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count(b"\n") == 6


def test_a_pipe_that_stays_open_and_empty_plays_them_too(tmp_path, env):
    reading, writing = os.pipe()
    try:
        ended = subprocess.run(
            [*COMMAND, str(STOPWATCH)],
            check=False,
            stdin=reading,
            cwd=tmp_path,
            env=env,
            capture_output=True,
            timeout=60,
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count(b"\n") == 6


class QuietSession:
    """A session in which every text is counted, and none is answered."""

    def __init__(self):
        self.texts, self.consent_news, self.network = [], [], self

    def send_text(self, _, text):
        self.texts.append(text)

    def phone_screen(self, _):
        return []

    async def is_quiet(self):
        return True


class Lines:
    """Lines that come when the test hands them over."""

    def __init__(self):
        self.queue, self.waiting = asyncio.Queue(), asyncio.Event()

    async def next_line(self):
        if self.queue.empty():
            self.waiting.set()
        return await self.queue.get()


async def test_slow_lines_are_waited_for_once_the_first_has_come(monkeypatch):
    monkeypatch.setattr(terminal, "_FIRST_LINE_TIMEOUT_S", 0)
    session, lines, shown = QuietSession(), Lines(), []
    phone = terminal.Terminal(session, is_interactive=False, write=shown.append)
    lines.queue.put_nowait("START")
    running = asyncio.create_task(phone.run(lines, asyncio.Event()))
    await lines.waiting.wait()  # for the second line, with a timeout of 0 s that is over by now
    done, _ = await asyncio.wait({running}, timeout=0.1)
    assert not done
    lines.queue.put_nowait("TIME")
    lines.queue.put_nowait(None)
    await running
    assert session.texts == ["START", "TIME"]


def test_what_is_not_answered_is_said_to_be(phone, tmp_path):
    app = tmp_path / "quiet.py"
    app.write_text("from cooee import App\napp = App()\n@app.on('A')\ndef a(chat): return 'B'\n")
    assert phone("hello\nA\n", app=app) == [
        "phone 1 → hello",
        "phone 1   no reply",
        "phone 1 → A",
        "phone 1 ← B",
    ]


def test_a_handler_that_raises_is_named_and_holds_up_nobody_else(phone, tmp_path):
    app = tmp_path / "broken.py"
    app.write_text(
        "from cooee import App\napp = App()\n"
        "@app.on('A')\ndef a(chat): return str(1 / 0)\n"
        "@app.on('B')\ndef b(chat): return 'C'\n"
    )
    said = phone("A\n/phone 2\nB\n", app=app)
    assert said == ["phone 1 → A", "phone 1   no reply", "phone 2 → B", "phone 2 ← C"]


def test_quit_ends_a_pipe_and_commands_are_not_texted(phone):
    said = phone("/help\n/phone x\n/phone 100\n/dance\nTIME\n/quit\nSTART\n")
    assert said[-2:] == ["phone 1 → TIME", "phone 1 ← Text START first."]
    assert "  There is no /dance. Type /help." in said
    assert said.count("  There are phones 1 to 99: /phone 2") == 2


DIALOGUE = """
from cooee import App, hours
app = App(no_reply="Never mind.")

@app.dialogue("BOOK")
async def book(chat):
    party = await chat.ask("For how many?", int, remind=hours(1), timeout=hours(5))
    await chat.sleep(hours(24))
    return f"See you, all {party} of you!"
"""


def test_a_dialogue_waits_and_time_passes_when_told(phone, tmp_path):
    app = tmp_path / "booking.py"
    app.write_text(DIALOGUE)
    asked = "phone 1 ← For how many?"
    assert phone("BOOK\n/wait 1h\n/wait 10h\n/wait x\n/wait 400d\n", app=app) == [
        "phone 1 → BOOK",
        *[asked, asked, "phone 1 ← Never mind."],
        *["  How long? /wait 90s, /wait 10min, /wait 1h, or up to /wait 366d"] * 2,
    ]
    assert phone("BOOK\n/wait 3min\n", app=app) == ["phone 1 → BOOK", asked]
    assert phone("4\n/wait 1d\n", app=app) == [
        "phone 1 → 4",
        "phone 1   no reply",
        "phone 1 ← See you, all 4 of you!",
    ]


class Person:
    """Somebody at a terminal."""

    def __init__(self, folder, env):
        self.seen = ""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, str(STOPWATCH)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**env, "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(theirs)

    def sees(self, words, seconds=60):
        """Wait until words appear behind what was seen before."""
        deadline, before = time.monotonic() + seconds, len(self.seen)
        while words not in self.seen[before:]:
            assert time.monotonic() < deadline, f"No {words!r} in {self.seen!r}"
            if select.select([self._ours], [], [], 0.1)[0]:
                self.seen += os.read(self._ours, 4096).decode()

    def types(self, keys):
        os.write(self._ours, keys.encode())

    def leave(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def person(tmp_path, env):
    somebody = Person(tmp_path, env)
    yield somebody
    somebody.leave()


def test_a_person_types_and_sees_replies_as_they_come(person):
    person.sees("phone 1 → ")
    person.types("START\n")
    person.sees("phone 1 ← The timer is running!")
    person.types("TIMF\x7fE\n")
    person.sees("phone 1 ← The timer stands at")
    person.types("/phone 2\n")
    person.sees("phone 2 → ")
    person.types("TIME\n")
    person.sees("phone 2 ← Text START first.")
    person.types("/help\n")
    person.sees("/quit")
    person.types("/quit\n")
    assert person.process.wait(60) == 0


@pytest.mark.parametrize("key", ["\x04", "\x03"])
def test_control_d_and_control_c_end_it_with_0(person, key):
    person.sees("phone 1 → ")
    if key == "\x04":
        person.types(key)
    else:
        person.process.send_signal(signal.SIGINT)
    assert person.process.wait(60) == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nothing.py"], "There is no file"),
        ([str(STOPWATCH), "--provider", "pigeon"], "no provider 'pigeon'"),
        ([str(STOPWATCH), "--port", "PORT"], "Choose another port"),
    ],
)
def test_a_page_that_cannot_be_shown_is_refused_in_words(tmp_path, env, args, words):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        args = [str(taken.getsockname()[1]) if arg == "PORT" else arg for arg in args]
        command = [*COMMAND[:2], *args, "--no-browser"]
        ended = subprocess.run(
            command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 2
    assert words in ended.stderr


def test_a_provider_that_is_not_simulated_is_refused_in_words(tmp_path, env):
    args = [*COMMAND, str(STOPWATCH), "--provider", "pigeon"]
    ended = subprocess.run(args, check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "no provider 'pigeon'" in ended.stderr


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path, env):
    args = [*COMMAND, str(STOPWATCH), "--database", "postgresql://me:word@127.0.0.1:1/a"]
    ended = subprocess.run(args, check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (ended.returncode, ":word" in ended.stderr) == (1, False)
    assert "127.0.0.1" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_apps_own_database_is_never_touched(phone, tmp_path):
    database = tmp_path / "live.db"
    phone("TIME\n", COOEE_DATABASE=f"sqlite:///{database}")
    assert not database.exists()
    assert (tmp_path / "stopwatch-phone.db").exists()
