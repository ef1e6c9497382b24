"""Where everybody is."""

import json
import re

import pytest

BOOK = """
from datetime import timedelta
from cooee import App, Chat

app = App()

@app.dialogue("BOOK")
async def book(chat: Chat):
    name = await chat.ask("Your name?")
    party = await chat.ask(f"For how many, {name}?", int, key="party")
    chat.say("See you!")
    await chat.sleep(timedelta(days=1))
    await chat.receive()

@app.dialogue("TAXI", always=True)
async def taxi(chat: Chat):
    await chat.ask("Where to?")
"""


async def everywhere(kit):
    for texts in [
        ("BOOK",),
        ("BOOK", "Anna"),
        ("BOOK", "Ben"),
        ("BOOK", "Cleo"),
        ("BOOK", "Dora", "2"),
        ("BOOK", "Ed", "TAXI"),
        ("TAXI", "Home"),
    ]:
        phone = kit.phone()
        for words in texts:
            await phone.text(words)


def test_everybody_is_counted_where_they_are_the_most_first(lived, cooee):
    lived(BOOK, everywhere)
    stops = json.loads(cooee("waiting", "app.py", "--json").stdout)
    found = [(one["where"].rpartition("/")[2], one["state"], one["dialogues"]) for one in stops]
    assert found[0] == ("app.py:10", "asked", 3)
    assert sorted(found[1:]) == [
        ("app.py:10", "put by", 1),
        ("app.py:12", "asleep", 1),
        ("app.py:17", "asked", 1),
        ("app.py:9", "asked", 1),
    ]
    (asleep,) = [one for one in stops if one["state"] == "asleep"]
    assert asleep["since"] < asleep["until"] == asleep["until_last"]


def test_a_person_reads_it_as_a_table(lived, cooee):
    lived(BOOK, everywhere)
    said = cooee("waiting", "app.py").stdout.splitlines()
    assert " ".join(said[0].split()) == "how many since where dialogue waits for trouble"
    assert said[1].startswith("3 ")
    assert "app.py:10" in said[1]
    assert re.search(r"For how many, (Anna|Ben|Cleo)\? \(and the like\)", said[1])
    assert any("(asleep until 2026-01-02 " in line for line in said)
    assert any("put by: another dialogue asks" in line for line in said)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [("app = App()", "not in this app"), ('app = App()\napp.retire("book")', "retired")],
)
def test_a_dialogue_that_the_app_has_no_more_is_marked(lived, written, cooee, code, trouble):
    async def one(kit):
        await kit.phone().text("BOOK")

    lived(BOOK, one)
    written(f"from cooee import App\n{code}")
    (stop,) = json.loads(cooee("waiting", "app.py", "--json").stdout)
    assert (stop["dialogue"], stop["trouble"]) == ("book", trouble)


def test_where_nobody_waits_it_says_so(lived, cooee):
    async def none(kit):
        await kit.phone().text("hello")

    lived(BOOK, none)
    assert cooee("waiting", "app.py").stdout == "Nobody is in the middle of a dialogue.\n"


def test_it_works_beside_the_process_that_owns_the_database(lived, cooee, kept):
    lived(BOOK, everywhere)

    async def look(_):
        return cooee("waiting", "app.py")

    assert kept(look).returncode == 0
