"""Every person's answers to a dialogue are rows, and its questions are columns."""

from datetime import datetime
from pathlib import Path

import pytest

from cooee import App
from cooee.core.errors import SettingError
from cooee.runtime.answer_table import read_answers
from cooee.testing import Kit


def booking():
    app = App()

    @app.dialogue("BOOK")
    async def book(chat):
        name = await chat.ask("Name?")
        count = await chat.ask("How many?", int)
        return f"{name}, {count}."

    @app.dialogue("LATER")
    async def later(chat):
        return "It is later."

    return app


async def test_answers_are_rows_and_questions_columns():
    app = booking()
    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        for text in ("BOOK", "Anna", "4"):
            await anna.text(text)
        for text in ("BOOK", "Ben"):
            await ben.text(text)
        table = await read_answers(app, kit.store, "book", only_ended=False)
        assert list(table.columns.values()) == ["Name?", "How many?"]
        rows = {row.person: list(row.answers.values()) for row in table.rows}
        assert rows == {anna.number: ["Anna", "4"], ben.number: ["Ben"]}
        table = await read_answers(app, kit.store, "book", only_ended=True)
        assert [row.person for row in table.rows] == [anna.number]
        with pytest.raises(SettingError, match=r"no dialogue .order.*book, later"):
            await read_answers(app, kit.store, "order", only_ended=False)


async def test_an_answer_of_any_type_is_shown_as_text():
    app = App(timezone="Australia/Sydney")

    @app.dialogue("ASK")
    async def ask(chat):
        for type in (lambda text: object(), datetime, Path, lambda text: 7**40, complex):
            await chat.ask("?", type)

    texts = ("anything", "2027-01-15 3pm", "a/b", "7^40", "1+2j")
    async with Kit(app) as kit:
        anna = kit.phone()
        for text in ("ASK", *texts):
            await anna.text(text)
        table = await read_answers(app, kit.store, "ask", only_ended=False)
        shown = ["anything", "2027-01-15T15:00:00+11:00", "a/b", "7^40", "1+2j"]
        assert list(table.rows[0].answers.values()) == shown
