"""Answer types, results and inputs in a whole service: what is odd is understood, or told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest
from pydantic import BaseModel

from cooee import App, Birthday, DefinitionError, hours
from cooee.core.app.app import SORRY_TEXT
from cooee.testing import Kit


class Site:
    """A value of the user's own, which cannot be stored."""

    def __init__(self, text):
        host, _, self.top = text.rpartition(".")
        if not host:
            raise KeyError(text)
        self.name = text


class Guest(BaseModel):
    name: str


async def look_up(text):
    return text


def asking(answer_type, version="1", **options):
    app = App(version=version)

    @app.dialogue("ASK")
    async def ask(chat):
        answer = await chat.ask("Which?", answer_type, **options)
        more = await chat.ask("And?")
        return f"{getattr(answer, 'name', answer)} {more}"

    return app


async def test_a_value_of_the_users_own_survives_restarts_and_deploys():
    async with Kit(asking(Site)) as kit:
        anna = kit.phone()
        await anna.follow("""
            > ASK
            < Which?
            > localhost
            < Sorry, I did not understand that. Which?
            > a.example
            < And?
        """)
        await kit.restart()
        await kit.deploy(asking(Site, "2"))
        assert await anna.text("x") == ["a.example x"]
        assert await kit.troubles(anna) == []


WEDNESDAY = datetime(2026, 11, 25, 10, tzinfo=UTC)


async def test_a_doubtful_day_is_asked_again_by_its_doubt_and_never_read_anew():
    async with Kit(asking(date), start=WEDNESDAY) as kit:
        anna = kit.phone()
        await anna.follow("""
            > ASK
            < Which?
            > next friday
            < Which day is that? Please send its date, like 24 December. Which?
            > 24 nov
            < Which year? Please send it too, like 24 December 2027. Which?
            > after friday
            < Please send a day, like 24 December. Which?
            > tomorrow
            < And?
            ... 3 days
        """)
        await kit.deploy(asking(date, "2"))
        assert await anna.text("x") == ["2026-11-26 x"]


async def test_a_birthday_has_its_year_and_is_over():
    async with Kit(asking(Birthday), start=WEDNESDAY) as kit:
        await kit.phone().follow("""
            > ASK
            < Which?
            > 12 March
            < Please send the day, month and year, like 24 December 1985. Which?
            > 12/3/85
            < And?
            > x
            < 1985-03-12 x
        """)


@pytest.mark.parametrize(
    ("answer_type", "words"),
    [
        (look_up, "look_up is async"),
        (list, "lambda text: text.split()"),
        (Guest, "Guest(…)"),
        (int | None, "default=None"),
        (partial(look_up), "is async"),
    ],
)
async def test_a_type_that_makes_no_answer_is_refused_before_anybody_answers(answer_type, words):
    async with Kit(asking(answer_type)) as kit:
        anna = kit.phone()
        assert await anna.text("ASK") == [SORRY_TEXT]
        [trouble] = await kit.troubles(anna)
        assert "test_answers.py" in str(trouble)
        assert words in str(trouble)
        await kit.deploy(asking(Path, "2"))
        assert anna.read() == ["Which?"]
        assert await anna.text("a/b") == ["And?"]


async def test_a_default_that_cannot_be_kept_is_refused_before_anybody_is_asked():
    async with Kit(asking(str, timeout=hours(1), default=Site("a.b"))) as kit:
        anna = kit.phone()
        assert await anna.text("ASK") == [SORRY_TEXT]
        [trouble] = await kit.troubles(anna)
        assert "default=" in str(trouble)
        assert "could not be kept" in str(trouble)


async def test_a_bug_of_a_type_loses_no_text():
    def buggy(text):
        return text.no_such_method()

    async with Kit(asking(buggy)) as kit:
        anna = kit.phone()
        await anna.text("ASK")
        await anna.text("seven")
        await kit.wait(3 * 60)
        assert anna.read() == [SORRY_TEXT]
        [trouble] = await kit.troubles(anna)
        assert "AttributeError" in str(trouble)
        assert "For a wrong answer, let it raise ValueError" in str(trouble)
        await kit.deploy(asking(str.upper, "2"))
        assert anna.read() == ["And?"]
        assert await anna.text("x") == ["SEVEN x"]


async def test_a_dialogue_that_was_started_with_inputs_goes_on_when_they_change():
    def begun(parameters, version):
        app = App(version=version)
        scope = {}
        source = f"async def bill(chat{parameters}):\n    return await chat.ask('Paid?') + str(locals().get('n'))"
        exec(source, scope)
        app.dialogue()(scope["bill"])
        return app

    first = begun(", n: int", "1")
    async with Kit(first) as kit:
        anna, ben, cleo = kit.phone(), kit.phone(), kit.phone()
        for phone in (anna, ben, cleo):
            await first.start("bill", phone.number, n=7)
            await kit.wait(1)
            assert phone.read() == ["Paid?"]
        await kit.deploy(begun("", "2"))
        assert await anna.text("yes") == ["yesNone"]
        await kit.deploy(begun(", n: int, when: str", "3"))
        assert await ben.text("yes") == [SORRY_TEXT]
        [trouble] = await kit.troubles(ben)
        assert "when=None" in str(trouble)
        await kit.deploy(begun(", n: int, when: str = ''", "4"))
        assert ben.read() == ["yes7"]
        assert await cleo.text("yes") == ["yes7"]


async def test_a_once_that_was_renamed_is_not_done_again():
    done = []

    def charge(amount):
        done.append(amount)
        return "paid"

    def charge_card(amount):
        done.append(amount)
        return "paid"

    def paying(deed, version, **more):
        app = App(version=version)

        @app.dialogue("PAY")
        async def pay(chat):
            ref = await chat.once(deed, 5, **more)
            return f"{ref} {await chat.ask('Name?')}"

        return app

    async with Kit(paying(charge, "1")) as kit:
        anna = kit.phone()
        await anna.text("PAY")
        await kit.deploy(paying(charge_card, "2"))
        assert await anna.text("Anna") == [SORRY_TEXT]
        [trouble] = await kit.troubles(anna)
        assert "was='" in str(trouble)
        former = str(trouble).partition("was='")[2].partition("'")[0]
        await kit.deploy(paying(charge_card, "3", was=former))
        assert anna.read() == ["paid Anna"]
        assert done == [5]


async def test_a_restart_that_is_not_returned_is_told():
    app = App()

    @app.dialogue("AGAIN")
    async def again(chat):
        await chat.ask("How?")
        chat.restart()

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("AGAIN")
        assert await anna.text("so") == [SORRY_TEXT]
        [trouble] = await kit.troubles(anna)
        assert "return chat.restart()" in str(trouble)


async def test_a_zone_in_words_is_told_in_every_handler():
    app = App()

    @app.on("ZONE")
    def zone(chat):
        chat.zone = "Australia/Perth"

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("ZONE")
        await kit.wait(3 * 60)
        [trouble] = await kit.troubles(anna)
        assert 'ZoneInfo("Australia/Sydney")' in str(trouble)


async def test_a_parameter_of_start_itself_is_told():
    app = App()

    @app.dialogue()
    async def bill(chat, key):
        await chat.ask(f"{key}?")

    async with Kit(app) as kit:
        with pytest.raises(DefinitionError, match=r"App\.start has a parameter 'key' itself"):
            await app.start(bill, kit.phone().number, key="invoice")
