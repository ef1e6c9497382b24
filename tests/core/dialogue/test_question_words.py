"""Which questions a handler may still ask, as its code reads."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial, wraps
from types import ModuleType

import pytest

from cooee.core.dialogue.question_words import may_ask

QUESTIONS = {"listed": ["Listed?", ("Nested?",)]}


@dataclass
class Form:
    words: str = "Default?"


FORM = Form("Filled in?")


async def helper(chat):
    return await chat.ask("Helper?")


def decorated(function):
    @wraps(function)
    async def wrapper(chat):
        await chat.ask("Wrapper?")
        return await function(chat)

    return wrapper


class Base:
    async def below(self, chat):
        return await chat.ask("Base?")


class Desk(Base):
    words = "Attribute?"

    def __init__(self):
        self.own = "Own?"

    async def book(self, chat):
        return await self.inner(chat)

    async def inner(self, chat):
        return await chat.ask("Inner?", key="inner key")


def made(words):
    async def closure(chat):
        async def inside(chat):
            return [await chat.ask(each) for each in (words, "Inside?")]

        return await inside(chat)

    return closure


@decorated
async def handler(chat, words="Parameter?", *, more="Named?"):
    name = await chat.ask("Plain?", key="plain key")
    many = await chat.choose(f"For how many, {name}?", ["1", "2"])
    when = await chat.confirm(f"Which day? It is {name}.")
    await helper(chat)
    await Desk().book(chat)
    await module_of_mine.asks(chat)
    for each in QUESTIONS["listed"]:
        await chat.ask(each)
    await chat.ask(FORM.words)
    return name, many, when, [await chat.ask(each) for each in ("Tuple?", words, more)]


module_of_mine = ModuleType("module_of_mine")
exec(
    compile("async def asks(chat): return await chat.ask('Module?')", __file__, "exec"),
    vars(module_of_mine),
)

THERE = [
    "Plain?",
    "plain key",
    "Helper?",
    "Inner?",
    "inner key",
    "Base?",
    "Attribute?",
    "Wrapper?",
    "Module?",
    "Listed?",
    "Nested?",
    "Filled in?",
    "Default?",
    "Tuple?",
    "Parameter?",
    "Named?",
    "For how many, Anna?",
]


def key(words, kind="ask"):
    return (kind, (), words, 0)


@pytest.mark.parametrize("words", THERE)
def test_words_that_the_code_reaches_may_be_asked(words):
    assert may_ask(handler, key(words))


@pytest.mark.parametrize("words", ["Gone?", "Plain", "plain", "In?", "Which year?", ""])
def test_words_that_the_code_does_not_reach_are_gone(words):
    assert not may_ask(handler, key(words))


def test_closures_partials_and_methods_are_searched():
    assert may_ask(made("Closed over?"), key("Closed over?"))
    assert may_ask(made("x"), key("Inside?"))
    assert may_ask(partial(made, "Bound?"), key("Bound?"))
    assert may_ask(Desk().book, key("Own?"))
    assert not may_ask(helper, key("Plain?")), "another dialogue of the same file"


def test_receive_is_known_by_its_verb_where_it_has_no_key():
    async def receiving(chat):
        return await chat.receive()

    assert may_ask(receiving, key("", "receive"))
    assert not may_ask(helper, key("", "receive"))


def test_a_library_is_not_searched():
    async def counting(chat):
        return sys.version, pytest.Item, await chat.ask("Plain?")

    assert not may_ask(counting, key("__main__"))
