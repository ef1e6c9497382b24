"""Answers in the journal: what counts as wrong, and what a changed type makes of a text."""

from __future__ import annotations

import functools
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from pydantic import BaseModel, Field, HttpUrl, TypeAdapter
from support.dialogue_driver import HOUR, Talk

from cooee.core.errors import DialogueError

TOWNS = {"perth": "Perth"}


class Pair(NamedTuple):
    left: str
    right: str


class Site:
    """No value that could be stored."""

    def __init__(self, text):
        if "." not in text:
            raise ValueError(text)
        self.name = text

    def __eq__(self, other):
        return type(other) is Site and other.name == self.name

    __hash__ = None


class Loud(str):
    __slots__ = ()


class Guest(BaseModel):
    name: str = Field(max_length=5)


@dataclass
class Age:
    text: str

    def __post_init__(self):
        if not self.text.isdigit():
            raise ValueError(self.text)


def pair(text):
    return Pair(*text.split(" "))


def guest(text):
    return Guest(name=text)


async def _no_answer(text):
    return text


def _money(text):
    return Decimal(text.removeprefix("$"))


def _parts(text):
    return iter(text.split("."))


WRONG = {
    "KeyError": (lambda text: TOWNS[text.lower()], "Sydney", "Perth", "Perth"),
    "IndexError": (lambda text: text.split()[1], "Ann", "Ann Lee", "Lee"),
    "TypeError": (lambda text: re.match("[0-9]+", text)[0], "four", "4", "4"),
    "TypeError of a class": (pair, "Ann", "Ann Lee", Pair("Ann", "Lee")),
    "ZeroDivisionError": (Fraction, "1/0", "1/2", Fraction(1, 2)),
    "InvalidOperation": (_money, "four", "4", Decimal(4)),
    "UnicodeError": (lambda text: text.encode("ascii"), "é", "e", b"e"),
    "ZoneInfoNotFoundError": (ZoneInfo, "Atlantis/City", "Asia/Tokyo", ZoneInfo("Asia/Tokyo")),
    "a folder of zones": (ZoneInfo, "Europe", "Asia/Tokyo", ZoneInfo("Asia/Tokyo")),
    "ValidationError of a model": (guest, "Maximilian", "Ann", Guest(name="Ann")),
    "ValidationError of an adapter": (
        TypeAdapter(Annotated[int, Field(gt=3)]).validate_python, "3", "4", 4
    ),
    "ValidationError of a URL": (HttpUrl, "no", "https://a.example/", HttpUrl("https://a.example/")),
    "OverflowError": (lambda text: date(2026, 1, int(text) ** 99), "9", "1", date(2026, 1, 1)),
    "ValueError of a list": (["a", "b"].index, "c", "b", 1),
    "a __post_init__": (Age, "four", "4", Age("4")),
    "json": (TypeAdapter(list[int]).validate_json, "[", "[1]", [1]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_an_error_that_a_text_causes_is_a_wrong_answer(name):
    answer_type, wrong, right, answer = WRONG[name]
    found = []

    async def handler(chat):
        found.append(await chat.ask("?", answer_type))
        return await chat.ask("And?")

    talk = Talk(handler)
    talk.start()
    assert talk.text(wrong) == ["Sorry, I did not understand that. ?"] or answer_type is ZoneInfo
    assert talk.text(right) == ["And?"]
    assert talk.text("x") == ["x"]
    assert all(each == answer and type(each) is type(answer) for each in found)
    assert len(found) >= 2
    assert talk.outcome.warnings == ()


def _raises(error):
    def answer_type(text):
        if text == "now":
            raise error
        return text

    return answer_type


@pytest.mark.parametrize(
    "error",
    [AttributeError("x"), AssertionError("x"), OSError("x"), RuntimeError("x"), NameError("x"), StopIteration()],
)  # fmt: skip
def test_any_other_error_is_a_bug_that_fails_the_turn_and_loses_no_text(error):
    async def handler(chat):
        try:
            return await chat.ask("?", _raises(error))
        except Exception:
            return await chat.ask("Instead?")

    async def mended(chat):
        return await chat.ask("?", str.upper)

    talk = Talk(handler)
    talk.start()
    with pytest.raises((type(error), RuntimeError)) as raised:
        talk.text("now")
    assert "raise ValueError" in "".join(
        getattr(raised.value, "__notes__", getattr(raised.value.__cause__, "__notes__", []))
    )
    talk.edit(mended)
    assert talk.again() == ["NOW"]


def test_what_has_to_be_awaited_is_told_and_loses_no_text():
    async def handler(chat):
        return await chat.ask("?", _later)

    talk = Talk(handler)
    talk.start()
    with pytest.raises(DialogueError, match="returned something to await"):
        talk.text("now")


# What cannot be stored


def _later(text):
    return _no_answer(text)


ALONE = {
    "an object": Site,
    "a string of its own kind": Loud,
    "a member made in a function": Enum("Local", "A a.b"),
    "an iterator": _parts,
    "a match": re.compile("a").match,
    "a path in a list of objects": lambda text: [Site(text)],
}


@pytest.mark.parametrize("name", ALONE)
def test_a_value_that_cannot_be_stored_is_parsed_in_each_replay(name):
    found = []

    async def handler(chat):
        answer = await chat.ask("?", ALONE[name])
        found.append(list(answer) if name == "an iterator" else answer)
        return await chat.ask("And?")

    talk = Talk(handler)
    talk.start()
    assert talk.text("a.b") == ["And?"]
    assert "its text is kept" in talk.outcome.warnings[0]
    assert talk.text("x") == ["x"]
    assert talk.outcome.warnings == ()
    assert len(found) >= 3
    assert len({repr(each) for each in found}) == 1 or found[0] == found[-1] or name == "a match"
    assert [entry.kind for entry in talk.journal.entries].count("answer") == 2


def test_a_value_that_cannot_be_stored_is_parsed_once_more_by_changed_code_only_for_another_type():
    async def handler(chat):
        site = await chat.ask("?", Site)
        return f"{site.name} {await chat.ask('And?')}"

    async def longer(chat):
        site = await chat.ask("?", Site)
        return f"{site.name} {await chat.ask('And?')} {await chat.ask('Then?')}"

    async def stricter(chat):
        site = await chat.ask("?", Age)
        return f"{site.text} {await chat.ask('And?')} {await chat.ask('Then?')}"

    talk = Talk(handler)
    talk.start()
    talk.text("a.b")
    assert talk.edit(longer).text("x") == ["Then?"]
    assert [entry.kind for entry in talk.journal.entries].count("answer") == 2
    assert talk.edit(stricter).text("y") == ["?"]
    assert talk.text("4") == ["4 x y"]


def test_a_type_that_refuses_what_it_accepted_fails_the_turn_with_words():
    allowed = ["a"]

    class Fickle:
        def __init__(self, text):
            if not allowed:
                raise ValueError(text)

    async def handler(chat):
        await chat.ask("?", Fickle)
        return await chat.ask("And?")

    talk = Talk(handler)
    talk.start()
    talk.text("a")
    allowed.clear()
    with pytest.raises(DialogueError, match=r"no longer accepts .* return the same each time"):
        talk.text("b")


# A tag changes when its meaning does


class Small(Enum):
    A = "a"
    B = "b"


def _limit(most):
    return lambda text: text[:most]


def _upper(text):
    return text.upper()


CHANGES: dict[str, tuple[Any, Any, str, Any]] = {
    "a closure": (_limit(1), _limit(2), "abc", "ab"),
    "a partial": (functools.partial(str.split, sep="a"), functools.partial(int), "7", 7),
    "an argument of a partial": (
        functools.partial(int, base=10), functools.partial(int, base=16), "10", 16
    ),
    "an adapter": (TypeAdapter(str).validate_python, TypeAdapter(int).validate_python, "7", 7),
    "a lambda": (lambda text: text + "!", lambda text: text + "?", "a", "a?"),
    "a Literal's type": (Literal["1", "2"], Literal[1, 2], "1", 1),
    "a Literal's options": (Literal["1", "12"], Literal["1", "12", "13"], "12", "12"),
    "a menu of words to a type": (str, Small, "b", Small.B),
    "an object to be called": (Site("a.b").__eq__, _upper, "x", "X"),
    "words to a day": (str, date, "tomorrow", date(2026, 3, 3)),
    "a function to a type": (_upper, Path, "a/b", Path("a/b")),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_text_is_parsed_again_where_the_meaning_of_its_type_has_changed(name):
    old, new, text, answer = CHANGES[name]
    found = []

    async def before(chat):
        await chat.ask("?", old)
        await chat.ask("And?")

    async def after(chat):
        found.append(await chat.ask("?", new))
        await chat.ask("And?")
        await chat.ask("Then?")

    talk = Talk(before, strict=False)
    talk.start()
    assert talk.text(text) == ["And?"]
    talk.now += timedelta(days=30)
    assert talk.edit(after).text("x") == ["Then?"]
    assert (found[0], type(found[0])) == (answer, type(answer))


def test_a_function_is_not_called_again_where_nothing_has_changed():
    calls = []

    def parse(text):
        calls.append(text)
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def before(chat):
        await chat.ask("?", parse)
        await chat.ask("And?")

    async def after(chat):
        await chat.ask("New?")
        await chat.ask("?", parse)
        await chat.ask("And?")

    talk = Talk(before)
    talk.start()
    talk.text("a")
    talk.edit(after).text("b")
    talk.text("c")
    assert calls == ["a"]


def test_the_tag_of_an_older_cooee_still_counts():
    calls = []

    def parse(text):
        calls.append(text)
        return text

    async def handler(chat):
        await chat.ask("?", parse)
        await chat.ask("And?")

    talk = Talk(handler)
    talk.start()
    talk.text("a")
    old = [replace(entry, tag=entry.tag.partition("#")[0]) for entry in talk.journal.entries]
    assert old != list(talk.journal.entries)
    talk._write(replace(talk.journal, entries=tuple(old)))
    talk.edit(handler).text("b")
    assert calls == ["a"]


def test_a_default_whose_class_is_gone_is_the_one_of_today(monkeypatch):
    async def before(chat):
        await chat.ask("?", Small, default=Small.A, timeout=HOUR)
        await chat.ask("And?")

    async def after(chat):
        size = await chat.ask("?", default="small", timeout=HOUR)
        return f"{size} {await chat.ask('And?')}"

    talk = Talk(before)
    talk.start()
    talk.wait(HOUR)
    monkeypatch.delitem(globals(), "Small")
    assert talk.edit(after).text("x") == ["small x"]


@pytest.mark.parametrize("answer_type", [list, _no_answer, timedelta, int | None, "int", 5, Guest])
def test_a_type_that_makes_no_answer_is_refused_for_those_who_answered_too(answer_type):
    async def before(chat):
        await chat.ask("?")
        await chat.ask("And?")

    async def after(chat):
        with suppress(Exception):
            await chat.ask("?", answer_type)
        await chat.ask("And?")

    talk = Talk(before)
    talk.start()
    talk.text("now")
    with pytest.raises((DialogueError, TypeError), match=r"[Ww]rite|no type to ask for"):
        talk.edit(after).text("x")
    assert talk.edit(before).again() == []


def test_a_bug_when_a_text_is_parsed_again_fails_the_turn_too():
    async def before(chat):
        await chat.ask("?")
        await chat.ask("And?")

    async def after(chat):
        try:
            await chat.ask("?", _raises(OSError("no desk")))
        except Exception:
            await chat.ask("Instead?")
        await chat.ask("And?")

    talk = Talk(before)
    talk.start()
    talk.text("now")
    with pytest.raises(OSError, match="no desk"):
        talk.edit(after).text("x")
