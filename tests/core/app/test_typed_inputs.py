"""What another process gives a dialogue is of its parameters' types, or refused in a sentence."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee import App, Chat, DefinitionError, PhoneNumber
from cooee.core.app.dialogue_start import find_dialogue
from cooee.core.app.typed_inputs import read_inputs


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Dish:
    name: str
    price: Decimal

    def __post_init__(self):
        if self.price < 0:
            raise LookupError(f"{self.name} costs something")


def dialogue_of(annotation):
    async def book(chat, it):
        return ""

    book.__annotations__["it"] = annotation
    app = App()
    app.dialogue()(book)
    return find_dialogue(app.routes, "book")


def read(annotation, value):
    return read_inputs(dialogue_of(annotation), {"it": value})["it"]


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "4", 4),
        (int | None, "4", 4),
        (int | None, "null", None),
        (float, "4", 4.0),
        (Decimal, "4.20", Decimal("4.20")),
        (str, "4", "4"),
        (str, "[1]", "[1]"),
        (str, "", ""),
        (Any, "4", "4"),
        (PhoneNumber, "+61491570156", "+61491570156"),
        (bool, "yes", True),
        (bool, "No", False),
        (bool, "true", True),
        (bool | None, "0", False),
        (date, "2026-03-04", date(2026, 3, 4)),
        (datetime, "2026-03-04T15:30", datetime.fromisoformat("2026-03-04T15:30")),
        (datetime, "2026-03-04T15:30Z", datetime(2026, 3, 4, 15, 30, tzinfo=UTC)),
        (datetime | None, "2026-03-04 15:30:01", datetime.fromisoformat("2026-03-04T15:30:01")),
        (time, "15:30", time(15, 30)),
        (timedelta, "PT4H", timedelta(hours=4)),
        (Size, "large", Size.LARGE),
        (Literal["red", "blue"], "red", "red"),
        (list[int], "[1, 2]", [1, 2]),
        (list[str], '["a"]', ["a"]),
        (Dish, '{"name": "soup", "price": "4.20"}', Dish("soup", Decimal("4.20"))),
    ],
)
def test_a_text_is_read_as_its_parameters_type(annotation, text, value):
    found = read(annotation, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(int, 4), (list[int], [1]), (Dish, {"name": "soup", "price": 4}), (Any, {"a": [1]})],
)
def test_json_is_read_as_its_parameters_type(annotation, value):
    assert read(annotation, value) == (Dish("soup", Decimal(4)) if annotation is Dish else value)


@pytest.mark.parametrize(
    ("annotation", "value", "words"),
    [
        (int, "many", "book takes it as int, and 'many' is none: Expected `int`, got `str`"),
        (int, "", "is none"),
        (int, True, "is none"),
        (str, 4, "book takes it as str, and 4 is none"),
        (bool, "perhaps", "as bool"),
        (date, "tomorrow", "as date"),
        (datetime, "3pm", "as datetime"),
        (Size, "huge", "as Size"),
        (list[int], "1,2", r"as list\[int\]|as list"),
        (Dish, "soup", "as Dish"),
        (int | None, "x", r"as int \| None"),
        (Dish, {"name": "soup", "price": "-1"}, "as Dish, .* soup costs something"),
        (Dish, '{"name": "soup", "price": "-1"}', "as Dish"),
    ],
)
def test_what_is_not_of_the_type_is_refused_with_its_name(annotation, value, words):
    with pytest.raises(DefinitionError, match=words):
        read(annotation, value)


def test_a_missing_input_and_an_unknown_one_are_refused():
    with pytest.raises(DefinitionError, match="missing a required argument: 'it'"):
        read_inputs(dialogue_of(int), {})
    with pytest.raises(DefinitionError, match="unexpected keyword argument 'table'"):
        read_inputs(dialogue_of(int), {"it": "1", "table": "4"})


class Unknown:
    """A class that only its maker can make."""


@pytest.mark.parametrize("annotation", ["Missing", "Chat[int"])
def test_an_annotation_that_cannot_be_read_takes_the_value_as_it_is(annotation):
    assert read(annotation, "4") == "4"


def test_a_class_that_no_text_can_be_is_refused():
    with pytest.raises(DefinitionError, match="as Unknown"):
        read(Unknown, "4")


def test_a_partial_and_a_method_are_read_too():
    class Desk:
        async def seat(self, chat: Chat, table: int) -> str:
            return ""

    async def seat(chat: Chat, room: str, table: int) -> str:
        return ""

    app = App()
    app.dialogue(name="method")(Desk().seat)
    app.dialogue(name="partial")(partial(seat, room="garden"))
    for name in ("method", "partial"):
        assert read_inputs(find_dialogue(app.routes, name), {"table": "4"}) == {"table": 4}


@given(st.integers(-(2**62), 2**62), st.dates(), st.text(max_size=9), st.booleans())
def test_what_is_written_down_is_read_back(number, day, words, answer):
    assert read(int, str(number)) == number
    assert read(date, day.isoformat()) == day
    assert read(str, words) == words
    assert read(bool, "yes" if answer else "no") is answer
