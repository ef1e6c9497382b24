"""`cooee start`, into the database of a running app."""

import json
from datetime import UTC, datetime

import pytest

from cooee.core.messages import Inbound
from cooee.storage import NewInbound

OURS, ANNA, BEN = "+61491570006", "+61491570156", "+61491570157"
APP = """
from datetime import datetime

from cooee import App

app = App()

@app.dialogue()
async def visit(chat, when: datetime, table: int = 1):
    return await chat.ask(f"Table {table} on {when:%d/%m}?")

@app.dialogue()
async def hello(chat):
    return "Hello!"
"""


@pytest.fixture
def conversation(kept, written):
    """Anna has texted once, so that our number is known."""
    written(APP)
    hello = Inbound(sender=ANNA, recipient=OURS, text="hi", received_at=datetime.now(UTC))
    kept(lambda store: store.receive([NewInbound(hello)]))


def dialogues(cooee, theirs):
    entries = json.loads(cooee("show", theirs, "--json").stdout)
    return [entry["dialogue"] for entry in entries if entry["direction"] == "dialogue"]


def test_a_running_app_begins_what_another_process_started(cooee, start, simulator, written):
    written(APP)
    app = start("run", "app.py", COOEE_PROVIDER="telstra-v2", **simulator.settings)
    app.until("listening")
    said = cooee("start", "app.py", "visit", "0491 570 157", "when=2026-03-04T15:30", "table=4")
    assert said.stdout.startswith(f"Begun from {OURS} with {BEN}: "), said.stderr
    assert simulator.replies(BEN, 1) == ["Table 4 on 04/03?"]
    assert app.end()[0] == 0


def test_a_key_begins_it_once_for_each_person(cooee, conversation):
    first = cooee("start", "app.py", "hello", ANNA, "--key", "monday")
    again = cooee("start", "app.py", "hello", ANNA, "--key", "monday")
    assert first.stdout.startswith("Begun from")
    assert again.stdout == first.stdout.replace("Begun", "Begun before, with this key,")
    assert again.returncode == 0
    cooee("start", "app.py", "hello", ANNA, "--key", "tuesday", "--at", "2100-01-31T09:00+10:00")
    assert dialogues(cooee, ANNA) == ["hello", "hello"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("app.py", "visti", ANNA), "no dialogue 'visti'. Its dialogues: hello, visit"),
        (("app.py", "visit", ANNA), "missing a required argument: 'when'"),
        (("app.py", "visit", ANNA, "when=soon"), "takes when as datetime, and 'soon' is none"),
        (("app.py", "hello", ANNA, "table=4"), "unexpected keyword argument 'table'"),
        (("app.py", "hello", ANNA, "table"), "'table' is no input"),
        (("app.py", "visit", ANNA, "table=4", "table=5"), "table is given twice"),
        (("app.py", "hello", "Anna"), "'Anna' is not a number"),
        (("app.py", "hello", OURS), "a number of ours"),
        (("app.py", "hello", ANNA, "--at", "soon"), "is no time"),
        (("app.py", "hello", ANNA, "--key", ""), "is no name"),
        (("app.py:hello", "hello", ANNA), "name it behind the app, as in app.py hello."),
        (("nowhere.py", "hello", ANNA), "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(cooee, conversation, arguments, words):
    said = cooee("start", *arguments)
    assert said.returncode in {1, 2}
    assert words in said.stderr
    assert "Traceback" not in said.stderr
    assert dialogues(cooee, ANNA) == []


def test_with_who_opted_out_nothing_is_begun(cooee, kept, conversation):
    stop = Inbound(sender=ANNA, recipient=OURS, text="STOP", received_at=datetime.now(UTC))
    kept(lambda store: store.receive([NewInbound(stop, "out")]))
    said = cooee("start", "app.py", "hello", ANNA)
    assert said.returncode == 1
    assert "opted out" in said.stderr
    assert dialogues(cooee, ANNA) == []


def test_without_a_database_it_says_where_to_name_one(cooee, written):
    written(APP)
    said = cooee("start", "app.py", "hello", ANNA)
    assert said.returncode == 2
    assert "COOEE_DATABASE" in said.stderr
