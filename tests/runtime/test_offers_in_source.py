"""Offers found in the source of dialogues: their words and lines."""

from enum import Enum
from pathlib import Path
from typing import Literal

import pytest

from cooee import App
from cooee.runtime.offers_in_source import find_offers

DAYS = ["Friday", "Cancel"]
SIZES = {"Small": 1, "End": 2}
Way = Literal["stay", "quit"]
NONE_OF_THEM = "Remove"


class Plan(Enum):
    KEEP = "keep"
    CANCEL = "cancel"


class Menus:
    days = ("Monday", "Alto")


async def ask_helper(chat):
    return await chat.choose("Which?", ["Helper", "Baja"])


async def choose_here(chat):
    await chat.choose("?", ["Yes", "Cancel"])


async def choose_over_lines(chat):
    await chat.choose(
        "?",
        options=[
            "Yes",
            "Cancel",
        ],
        retry="Again?",
    )


async def choose_a_global(chat):
    await chat.choose("?", DAYS)


async def choose_its_keys(chat):
    await chat.choose("?", list(SIZES))


async def choose_of_a_class(chat):
    await chat.choose("?", Menus.days)


async def choose_a_sum(chat):
    await chat.choose("?", [*DAYS, NONE_OF_THEM, f"End {chat.text}"])


async def choose_a_split(chat):
    await chat.choose("?", "Go Stop".split())  # noqa: SIM905 -- as people write it


async def choose_a_local(chat):
    more = ["Alto"]
    options = ["Bajo", *more]
    await chat.choose("?", options)


async def ask_a_literal(chat):
    await chat.ask("?", Literal["on", "end"])


async def ask_an_alias(chat):
    await chat.ask("?", type=Way)


async def ask_an_enum(chat):
    await chat.ask("?", Plan)


async def ask_in_a_helper(chat):
    await ask_helper(chat)


async def ask_for_bool(chat):
    await chat.ask("?", bool)


async def confirm(chat):
    await chat.confirm("?")


async def ask_for_words(chat):
    await chat.ask("Cancel?")
    await chat.ask("?", int)
    await chat.ask("?", str.strip)


async def choose_what_nobody_knows(chat):
    await chat.choose("?", chat.services.names())


@pytest.mark.parametrize(
    ("function", "labels"),
    [
        (choose_here, [("Yes", "Cancel")]),
        (choose_over_lines, [("Yes", "Cancel")]),
        (choose_a_global, [("Friday", "Cancel")]),
        (choose_its_keys, [("Small", "End")]),
        (choose_of_a_class, [("Monday", "Alto")]),
        (choose_a_sum, [("Friday", "Cancel", "Remove", "End ")]),
        (choose_a_split, [("Go Stop", "Go", "Stop")]),
        (choose_a_local, [("Bajo", "Alto")]),
        (ask_a_literal, [("on", "end")]),
        (ask_an_alias, [("stay", "quit")]),
        (ask_an_enum, [("KEEP", "CANCEL", "keep", "cancel")]),
        (ask_in_a_helper, [("Helper", "Baja")]),
        (ask_for_bool, [()]),
        (confirm, [()]),
        (ask_for_words, []),
        (choose_what_nobody_knows, []),
    ],
)
def test_the_words_of_each_question_are_found_with_its_line(function, labels):
    app = App()
    app.dialogue("GO")(function)
    offers = find_offers(app.routes)
    assert [set(offer.labels) for offer in offers] == [set(each) for each in labels]
    for offer in offers:
        assert offer.dialogue == function.__name__
        file, _, line = offer.location.rpartition(":")
        assert file == __file__
        text = Path(file).read_text("utf-8").splitlines()[int(line) - 1]
        assert "chat.choose(" in text or "chat.ask(" in text or "chat.confirm(" in text


def test_a_line_that_two_dialogues_reach_is_found_for_each():
    app = App()
    app.dialogue("ONE", name="one")(ask_in_a_helper)
    app.dialogue("TWO", name="two")(ask_helper)
    assert [offer.dialogue for offer in find_offers(app.routes)] == ["one", "two"]


def test_code_without_a_source_offers_nothing_known():
    app, names = App(), {}
    exec("async def go(chat):\n    await chat.choose('?', ['Cancel'])\n", names)
    app.dialogue("GO")(names["go"])
    assert find_offers(app.routes) == []
