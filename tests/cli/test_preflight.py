"""What a deploy would do to those in the middle of a dialogue, told before it is done."""

import json
import re

import pytest

BOOK = """
from cooee import App, Chat

app = App()

@app.dialogue("BOOK")
async def book(chat: Chat):
    name = await chat.ask("Your name?")
    party = await chat.ask("For how many?", int)
    chat.say(f"Thank you, {name}.")
    return f"A table for {party}."
"""
ASKED = '    party = await chat.ask("For how many?", int)\n'


async def two_people(kit):
    """Anna is asked for how many, Ben his name."""
    anna, ben = kit.phone(), kit.phone()
    for words in ("BOOK", "Anna"):
        await anna.text(words)
    await ben.text("BOOK")


@pytest.fixture
def after(lived, written, cooee):
    """Two people are in the middle, then the code changes: what preflight finds of each fate."""

    def replay(code, *options, status=0, before=BOOK, work=two_people):
        lived(before, work)
        written(code)
        said = cooee("preflight", "app.py", "--json", *options)
        assert said.returncode == status, said.stdout + said.stderr
        report = json.loads(said.stdout)
        assert report["ok"] == (status == 0)
        return {group["fate"]: group for group in report["groups"]}

    return replay


def test_who_is_not_touched_by_an_edit_goes_on_where_they_are(after):
    found = after(BOOK + "# a word more\n")
    assert {fate: group["dialogues"] for fate, group in found.items()} == {"continues": 2}


def test_without_an_edit_everybody_goes_on(after):
    assert set(after(BOOK)) == {"continues"}


def test_an_inserted_question_is_named_with_its_line_and_how_many_are_asked_it(after):
    asking = '    when = await chat.ask("Which day?")\n'
    found = after(BOOK.replace(ASKED, asking + ASKED))
    new = found["asks"]
    assert (new["words"], new["before"], new["people"]) == ("Which day?", "For how many?", 1)
    assert new["where"].endswith("app.py:9")
    assert found["continues"]["dialogues"] == 1
    assert set(after(BOOK.replace(ASKED, asking + ASKED), "--strict", status=1)) == set(found)


def test_a_reworded_question_whose_old_words_are_kept_is_the_same(after):
    asking = '    party = await chat.ask("How many people?", int, was="For how many?")\n'
    assert set(after(BOOK.replace(ASKED, asking))) == {"continues"}
    assert set(after(BOOK.replace(ASKED, asking.replace(', was="For how many?"', "")))) == {
        "asks",
        "continues",
    }


def test_who_would_come_to_the_end_is_told_with_the_last_words(after):
    found = after(BOOK.replace(ASKED, "    party = 2\n"))
    assert (found["ends"]["what"], found["ends"]["words"]) == ("returned", "A table for 2.")
    assert found["ends"]["before"] == "For how many?"
    after(BOOK.replace(ASKED, "    party = 2\n"), "--strict", status=1)


def test_what_breaks_is_shown_with_the_users_lines_only(after):
    broken = (
        BOOK.replace(ASKED, "    party = seats(name)\n") + "\ndef seats(name):\n    return 1 / 0\n"
    )
    found = after(broken, status=1)["breaks"]
    assert (found["what"], found["words"]) == ("ZeroDivisionError", "division by zero")
    assert found["where"].endswith("app.py:14")
    assert [re.search(r"(:\d+ in \w+)\n  (.*)", line).groups() for line in found["trace"]] == [
        (":9 in book", "party = seats(name)"),
        (":14 in seats", "return 1 / 0"),
    ]
    assert re.fullmatch(r"\+61…\d\d\d", found["person"])
