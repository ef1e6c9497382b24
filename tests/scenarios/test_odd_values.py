"""Texts, keys, lengths and state of subclasses of the built-in types, at every door of cooee."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import pytest

from cooee import App, Reply, Routes
from cooee.testing import Kit


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Odd(str):
    """A text whose own methods are wrong."""

    __slots__ = ()

    def __eq__(self, other):
        return False

    def __len__(self):
        return 0

    def __str__(self):
        return Odd(str.__str__(self))

    def __html__(self):
        return self

    def __hash__(self):
        return 1


class Moment(datetime):
    def astimezone(self, tz=None):
        return Moment.combine(self.date(), self.timetz())


class Length(timedelta):
    pass


class Count(int):
    pass


@dataclass
class Guest:
    name: str = ""
    visits: int = 0
    at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def program(text):
    """An app that hands `text(…)` over at every door."""
    app, routes = App(state=Guest, sorry=text("Sorry!"), version=text("1")), Routes()

    @routes.on(text("SAY"), always=True)
    def say(chat):
        chat.say(text("one"))
        chat.say(Reply(text("two")))
        return text("three")

    @routes.on(text("STATE"))
    def state(chat):
        chat.state.name, chat.state.visits = text("Anna"), Count(3)
        chat.state.at = Moment.combine(chat.now.date(), chat.now.timetz())
        chat.state.tags.append(text("new"))
        chat.state.counts[text("a")] = Count(1)
        return chat.state.name

    @routes.on("SHOW")
    def show(chat):
        guest = chat.state
        kinds = {type(one) for one in (guest.name, *guest.tags, *guest.counts)}
        return f"{guest} {kinds == {str}} {type(guest.at) is datetime}"

    @routes.dialogue(text("BOOK"), name=text("book"), was=text("order"))
    async def book(chat):
        with chat.part(text("guest")):
            name = await chat.ask(text("Name?"), key=text("name"), retry=text("Again?"))
        chat.say(text("Thanks."), key=text("thanks"))
        colour = await chat.choose(
            text("Colour?"),
            [text("red"), text("blue")],
            timeout=Length(hours=9),
            remind=(Length(hours=1), text("Still there?")),
        )
        await chat.once(print, "", end="", key=text("done"))
        await chat.sleep(until=Moment.combine(chat.now.date(), chat.now.timetz()))
        await chat.sleep(Length(hours=1), key=text("nap"))
        await chat.receive(key=text("more"), settle=Length(seconds=2))
        chat.end(text(f"{name} {colour} {type(colour) is str}"))

    app.include(routes)
    return app


@pytest.mark.parametrize("text", [Odd, lambda words: StrEnum("Word", {"ONE": words}).ONE, str])
async def test_a_value_of_a_subclass_is_its_base_at_every_door(text):
    async with Kit(program(text)) as kit:
        anna = kit.phone()
        assert await anna.text("SAY") == ["one", "two", "three"]
        assert await anna.text("STATE") == ["Anna"]
        (shown,) = await anna.text("SHOW")
        assert "name='Anna', visits=3" in shown
        assert "tags=['new'], counts={'a': 1}" in shown
        assert shown.endswith("True True")
        assert await anna.text("BOOK") == ["Name?"]
        assert await anna.text("Anna") == ["Thanks.", "Colour?\n1. red\n2. blue"]
        await kit.wait(Length(hours=1))
        assert anna.read() == ["Still there?"]
        assert await anna.text("2") == []
        await kit.restart()
        await kit.wait(timedelta(hours=1))
        kit.send(anna, "that is all")
        await kit.wait(3)
        assert anna.read() == ["Anna blue True"]
        await kit.app.send(text(anna.number), text("hello"), key=text("k"), good_for=Length(1))
        await kit.app.send(text(anna.number), text("hello"), key="k")
        await kit.app.start(text("book"), text(anna.number), key=text("k"))
        await kit.quiet()
        assert anna.read() == ["hello", "Name?"]
        assert await kit.troubles(anna) == []


class Lazy:
    """A translation that is no text until somebody asks for it."""

    def __str__(self):
        return "hello"


DOORS = {
    "a returned text": lambda chat: Lazy(),
    "a said text": lambda chat: chat.say(Lazy()),
    "a reply": lambda chat: Reply(Lazy()),
    "a picture": lambda chat: Reply("look", [Lazy()]),
}


@pytest.mark.parametrize("door", DOORS)
async def test_what_is_no_text_is_refused_at_its_line_with_what_to_write(door):
    app = App(sorry="Sorry!")

    @app.on("GO")
    def go(chat):
        return DOORS[door](chat)

    @app.dialogue("ASK")
    async def ask(chat):
        await chat.ask(Lazy())

    async with Kit(app) as kit:
        for word in ("GO", "ASK"):
            anna = kit.phone()
            kit.send(anna, word)
            await kit.wait(400)
            assert anna.read() == ["Sorry!"]
            (trouble,) = await kit.troubles(anna)
            assert "TypeError" in trouble
            assert "Lazy" in trouble
            if door != "a returned text" or word == "ASK":
                assert "test_odd_values.py:" in trouble
