"""What a deploy would do to those in the middle of a dialogue, told before it is done."""

import json
import re
from datetime import UTC, datetime

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
    """Two people are in the middle, then the code changes: what preflight finds of each outcome."""

    def replay(code, *options, status=0, before=BOOK, work=two_people):
        lived(before, work)
        written(code)
        said = cooee("preflight", "app.py", "--json", *options)
        assert said.returncode == status, said.stdout + said.stderr
        report = json.loads(said.stdout)
        assert report["ok"] == (status == 0)
        return {group["outcome"]: group for group in report["groups"]}

    return replay


def test_who_is_not_touched_by_an_edit_goes_on_where_they_are(after):
    found = after(BOOK + "# a word more\n")
    assert {outcome: group["dialogues"] for outcome, group in found.items()} == {"continues": 2}


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


def test_what_is_to_be_done_once_is_where_it_stops(after):
    found = after(
        BOOK.replace(ASKED, "    await chat.once(pay)\n") + "\ndef pay():\n    print('!')\n"
    )
    assert (found["does"]["what"], found["does"]["people"]) == ("pay", 1)


def test_a_dialogue_that_is_gone_breaks_until_it_is_retired(after):
    gone = "from cooee import App\napp = App()\n"
    assert after(gone, status=1)["unknown"]["dialogues"] == 2
    assert after(gone + "app.retire('book')\n")["retired"]["dialogues"] == 2


def test_what_reaches_out_is_refused_with_its_line(after):
    code = "    import urllib.request as web; web.urlopen('http://127.0.0.1:9/')\n"
    found = after(BOOK.replace(ASKED, code + ASKED), status=1)["breaks"]
    assert found["what"] == "IORefused"
    assert "reaches out: socket." in found["words"]
    assert found["where"].endswith("app.py:9")


def test_numbers_are_masked_also_inside_words_unless_they_are_wanted(after):
    code = BOOK.replace(ASKED, "    raise ValueError(chat.theirs)\n")
    found = after(code, status=1)["breaks"]
    assert found["words"] == found["person"]
    assert re.fullmatch(r"\+61…\d{3}", found["person"])
    found = after(code, "--numbers", status=1)["breaks"]
    assert found["words"] == found["person"]
    assert re.fullmatch(r"\+61\d{9}", found["person"])


# As a person reads it


def test_a_person_reads_what_to_mend_and_where(lived, written, cooee):
    lived(BOOK, two_people)
    written(BOOK.replace(ASKED, "    party = int(name)\n"))
    said = cooee("preflight", "app.py")
    assert said.returncode == 1
    lines = said.stdout.splitlines()
    assert lines[0].split() == ["1", "going", "on", "where", "they", "are"]
    assert lines[1].split() == ["1", "breaking"]
    assert "book: ValueError: invalid literal for int()" in lines[2]
    assert "(1 person, like +61…" in lines[2]
    assert [line.strip() for line in lines[3:5]] == ["app.py:9 in book", "party = int(name)"]
    assert said.stderr == ""


def test_where_nobody_is_in_the_middle_it_says_so(lived, cooee):
    async def nobody(kit):
        await kit.phone().text("hello")

    lived(BOOK, nobody)
    said = cooee("preflight", "app.py")
    assert (said.returncode, said.stdout) == (0, "Nobody is in the middle of a dialogue.\n")


def test_what_the_app_opens_as_it_is_loaded_is_noted(lived, written, cooee):
    lived(BOOK, two_people)
    written("import sqlite3\nsqlite3.connect(':memory:')\n" + BOOK)
    said = cooee("preflight", "app.py")
    assert said.returncode == 0
    assert "app.py:2: sqlite3.connect, while the app is loaded" in said.stderr


@pytest.mark.parametrize("code", ["not python", "from cooee import App\nraise KeyError\n", ""])
def test_an_app_that_cannot_be_loaded_ends_it_with_2(lived, written, cooee, code):
    lived(BOOK, two_people)
    written(code)
    assert cooee("preflight", "app.py").returncode == 2


def test_without_a_database_it_ends_with_2(written, cooee):
    written(BOOK)
    said = cooee("preflight", "app.py")
    assert said.returncode == 2
    assert "There is no database" in said.stderr


def test_nothing_is_written_and_it_runs_beside_the_owner(lived, cooee, kept, tmp_path):
    lived(BOOK, two_people)
    files = set(tmp_path.glob("**/*.py*"))

    async def look(store):
        before = [(talk.dialogue, talk.state) for talk in await store.dialogues()]
        said = cooee("preflight", "app.py")
        assert [(talk.dialogue, talk.state) for talk in await store.dialogues()] == before
        return said, await store.changed_externally()

    said, changed = kept(look)
    assert said.returncode == 0
    assert not changed
    assert set(tmp_path.glob("**/*.py*")) == files


def test_what_we_started_and_has_not_begun_is_begun_in_rehearsal(after):
    code = BOOK.replace('"BOOK"', "")

    async def start(kit):
        later = datetime(2026, 6, 1, tzinfo=UTC)
        await kit.app.start("book", kit.phone().number, at=later)

    found = after(code, before=code, work=start)
    assert found["begins"]["words"] == "Your name?"
