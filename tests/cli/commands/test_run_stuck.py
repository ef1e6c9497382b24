"""An app that never comes back delays nobody's STOP (delivery rule 24): real processes."""

import contextlib
import sqlite3
import time

import pytest

pytestmark = pytest.mark.slow
ANNA, BEN, CLEO = "+61491570156", "+61491570157", "+61491570158"

BEGINNING = """
import asyncio, time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from cooee import App, Chat

def hold():
    print("begun", flush=True)
    {how}
    print("over", flush=True)
    return "over"

async def hold_loop():
    return hold()

"""
PLAIN = "app = App()\n"
HANDLERS = {
    "a sync handler": "@app.on('GO')\ndef go(chat):\n    hold()",
    "an async handler": "@app.on('GO')\nasync def go(chat):\n    hold()",
    "a dialogue's line": "@app.dialogue('GO')\nasync def go(chat):\n    hold()",
    "a once": "@app.dialogue('GO')\nasync def go(chat):\n    await chat.once(hold)",
    "an async once": "@app.dialogue('GO')\nasync def go(chat):\n    await chat.once(hold_loop)",
    "an answer's type": (
        "def read(text):\n    hold()\n    return text\n"
        "@app.dialogue('ASK')\nasync def go(chat):\n    await chat.ask('Well?', read)"
    ),
    "a middleware": (
        "@app.around\nasync def around(chat, proceed):\n"
        "    if chat.text == 'GO':\n        hold()\n    return await proceed()"
    ),
    "on_start": "@app.on_start\nasync def begin():\n    hold()",
    "a sync on_start": "@app.on_start\ndef begin():\n    hold()",
}
REST = """

@app.on("LATER")
async def later(chat):
    await app.send(chat.theirs, "news", at=datetime.now(UTC) + timedelta(seconds=8))
    return "noted"

@app.otherwise
def echo(chat):
    return f"You said {chat.text}"
"""


def query(folder, sql):
    with contextlib.closing(sqlite3.connect(folder / "cooee.db")) as database:
        return database.execute(sql).fetchall()


def wait_for(folder, sql, rows):
    """Return once the query's rows are these."""
    deadline = time.monotonic() + 60
    while (found := query(folder, sql)) != rows:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


HANGS = [
    *[(place, "time.sleep(600)") for place in HANDLERS],
    ("an async handler", "while True: pass"),
    ("a dialogue's line", "while True: pass"),
]


@pytest.mark.parametrize("hang", HANGS, ids=" ".join)
def test_a_stop_is_on_record_while_the_app_hangs(start, simulator, written, tmp_path, hang):
    place, how = hang
    code = PLAIN + HANDLERS[place]
    app = written(BEGINNING.format(how=how) + code + REST)
    run = start("run", app, **simulator.settings)
    run.until("begun" if "on_start" in place else "listening")
    if "on_start" not in place:
        simulator.text(BEN, "LATER")
        simulator.replies(BEN, 1)
        for text in ["ASK", "GO"] if "ASK" in code else ["GO"]:
            simulator.text(ANNA, text)
        run.until("begun")
    simulator.text(BEN, "hello")
    simulator.text(BEN, "STOP")
    wait_for(tmp_path, "select theirs from opt_outs where lifted_at is null", [(BEN,)])
    simulator.text(CLEO, "hi")
    wait_for(tmp_path, f"select last_in_seq from conversations where theirs = '{CLEO}'", [(1,)])
    assert "over" not in run.said, "and all that while the app hung"
    # whatever was queued for Ben is cancelled, and nothing of his can be taken any more
    after_stop = f"select count(*) from outbound where theirs = '{BEN}' and status = 0"
    assert query(tmp_path, after_stop) == [(0,)]
    assert run.process.poll() is None


REGEX = """
import re
from cooee import App
app = App()

@app.otherwise
async def explode(chat):
    print("begun", flush=True)
    re.match("(a+)+$", "a" * 60 + "b")
"""
SOON = "import cooee.cli.commands.run as run; run._HANG_TIMEOUT_S = 2.0\n"


def test_code_that_keeps_the_interpreters_lock_ends_the_process_with_its_line(
    start, simulator, written, tmp_path
):
    run = start("run", written(SOON + REGEX), **simulator.settings)
    run.until("listening")
    simulator.text(ANNA, "hi")
    assert run.process.wait(timeout=60) == 1
    assert "in explode" in run.log.read_text()
    # uncleanly: the next start counts the attempt, and in the end sets the text aside
    assert query(tmp_path, "select value from metadata where name = 'running'") == [(1,)]
