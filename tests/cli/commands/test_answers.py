"""Answers as a spreadsheet is to see them."""

import csv
import io
from datetime import datetime

import pytest

from cooee.cli.csv_cells import unescape_formula
from cooee.storage import DialogueStart

SURVEY = """
from datetime import date
from enum import Enum
from cooee import App, Chat

app = App()

class Size(Enum):
    SMALL = "s"
    LARGE = "l"

@app.on("BACK", always=True)
def back(chat: Chat):
    chat.back()

@app.dialogue("SURVEY", was="poll")
async def survey(chat: Chat):
    with chat.part("guest"):
        name = await chat.ask("Name?")
    day = await chat.ask("When?", date, key="day")
    tea = await chat.choose("What then?", ["Green tea", "Coffee"])
    size = await chat.ask("How large?", Size)
    sure = await chat.confirm("Sure?")
    for _ in range(2):
        await chat.ask("More?")
    return "Thank you."
"""


def table(said, status=0):
    assert said.returncode == status, said.stderr
    rows = list(csv.reader(io.StringIO(said.stdout)))
    assert {len(row) for row in rows} == {len(rows[0])}
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


async def play(kit, *texts):
    phone = kit.phone()
    for words in texts:
        await phone.text(words)
    return phone.number


@pytest.fixture
def people(lived):
    """Anna answers everything, Ben is in the middle."""
    numbers = []

    async def answer(kit):
        all_of_it = ("=1+1", "2 February 2026", "2", "large", "yes", "a lot", "no")
        numbers.append(await play(kit, "SURVEY", *all_of_it))
        numbers.append(await play(kit, "SURVEY", "Ben", "tomorrow", "BACK", "3 March 2026"))

    lived(SURVEY, answer)
    return numbers


def test_there_is_a_row_for_each_person_and_a_column_for_each_question(cooee, people):
    anna, ben = sorted(table(cooee("answers", "app.py", "survey")), key=lambda row: row["ended"])[
        ::-1
    ]
    assert list(anna) == [
        *("person", "started", "ended", "outcome", "guest: Name?", "day", "What then?"),
        *("How large?", "Sure?", "More?", "More? (2)"),
    ]
    assert list(anna.values())[3:] == [
        *("returned", "'=1+1", "2026-02-02", "Coffee", "LARGE", "yes", "a lot", "no"),
    ]
    assert [unescape_formula(anna["person"]), unescape_formula(ben["person"])] == people
    assert anna["person"].startswith("'+61")
    assert datetime.fromisoformat(anna["started"]) <= datetime.fromisoformat(anna["ended"])
    assert (ben["ended"], ben["outcome"], ben["What then?"]) == ("", "", "")


def test_an_answer_that_was_taken_back_does_not_count(cooee, people):
    (ben,) = [row for row in table(cooee("answers", "app.py", "survey")) if not row["ended"]]
    assert ben["day"] == "2026-03-03"


def test_only_those_that_are_over_are_shown_where_that_is_asked_for(cooee, people):
    (anna,) = table(cooee("answers", "app.py", "survey", "--over"))
    assert anna["outcome"] == "returned"


def test_a_dialogue_is_found_by_its_former_name_too(cooee, people, written):
    written(SURVEY.replace("def survey", "def census").replace('"poll"', '"survey"'))
    assert len(table(cooee("answers", "app.py", "census"))) == 2


def test_what_the_app_no_longer_has_can_still_be_read(cooee, people, written):
    written("from cooee import App\napp = App()")
    assert len(table(cooee("answers", "app.py", "survey"))) == 2


def test_a_name_that_is_none_is_answered_with_those_that_are(cooee, people):
    said = cooee("answers", "app.py", "surevy")
    assert said.returncode == 2
    assert "survey" in said.stderr
    assert said.stdout == ""


def test_what_cannot_be_read_is_counted_and_told(cooee, people, kept):
    start = DialogueStart(
        ours="+61491570006", theirs="+61491570110", id="x", handler="survey", head=b"damaged"
    )
    kept(lambda store: store.start_dialogues([start]))
    said = cooee("answers", "app.py", "survey")
    assert len(table(said, status=1)) == 2
    assert "1 cannot be read" in said.stderr
