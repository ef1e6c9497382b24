"""What cannot be asked, slept or done is refused at its line, with what to write."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Literal

import pytest
from pydantic import BaseModel
from support.dialogue_driver import NOON, Talk

from cooee.core.durations import days, hours
from cooee.core.errors import DialogueError, NotAwaited


async def go():
    return 1


def pay(key, amount=5):
    return key, amount


def store(n, *, unknown=None, was=None, call=None, token=None):
    return n, unknown, was, call, token


class Size(Enum):
    SMALL = 1


class Guest(BaseModel):
    name: str


class Plain:
    pass


def _local():
    class Here(Enum):
        A = 1

    return Here.A


MISTAKES = {
    "ask nothing": (lambda chat: chat.ask(""), r"write chat\.receive\(\)"),
    "a time-out without a unit": (lambda chat: chat.ask("?", timeout=24), r"hours\(24\)"),
    "no attempts": (lambda chat: chat.ask("?", attempts=0), "1 or more"),
    "attempts by another name": (lambda chat: chat.ask("?", retry=3), "attempts=…"),
    "a reminder in words": (lambda chat: chat.ask("?", remind="1h"), r"remind='1h'"),
    "a number among reminders": (lambda chat: chat.ask("?", remind=[hours(1), 2]), "remind=2 is"),
    "a time-out of nothing": (lambda chat: chat.ask("?", timeout=hours(0)), "over before it begins"),
    "a time-out before": (lambda chat: chat.confirm("?", timeout=-hours(1)), "Leave it out"),
    "a time-out of a thousand years": (
        lambda chat: chat.choose("?", ["a"], timeout=days(365_000)), "longer than 100 years"
    ),
    "a time-out without an end": (lambda chat: chat.ask("?", timeout=timedelta.max), "100 years"),
    "a time-out that is no number": (lambda chat: chat.ask("?", timeout=math.nan), r"hours\(24\)"),
    "a reminder at once": (lambda chat: chat.ask("?", remind=hours(0)), "over before it begins"),
    "a reminder before": (lambda chat: chat.ask("?", remind=[(-hours(1), "?")]), "over before"),
    "a reminder in a thousand years": (lambda chat: chat.ask("?", remind=timedelta.max), "100 years"),
    "a burst before": (lambda chat: chat.receive(settle=-1), "over before it begins"),
    "a burst of nothing": (lambda chat: chat.receive(settle=0), "over before it begins"),
    "an attempt of yes": (lambda chat: chat.ask("?", attempts=True), "1 or more"),
    "a default that is an object": (
        lambda chat: chat.ask("?", default=object(), timeout=hours(1)), "could not be kept. .* plain data"
    ),
    "a default of a burst": (lambda chat: chat.receive(default={1: open}), "could not be kept"),
    "a default of a choice": (lambda chat: chat.choose("?", ["a"], default=Plain()), "could not be"),
    "a default made in a function": (lambda chat: chat.ask("?", default=_local()), "in a module"),
    "a default that is too long": (lambda chat: chat.ask("?", default="x" * 10**7), "1,000,000 bytes"),
    "a key of nothing": (lambda chat: chat.ask("?", key=""), "key='' is no name"),
    "a key of zero": (lambda chat: chat.ask("?", key=0), "key=0 is no name"),
    "a key that is a list": (lambda chat: chat.ask("?", key=["a"]), r"key=\['a'\] is no name"),
    "a key of bytes": (lambda chat: chat.confirm("?", key=b"a"), "is no name"),
    "a key that is a book": (lambda chat: chat.ask("?", key="x" * 5_000), "of 5,000 characters"),
    "a key of a text": (lambda chat: chat.receive(key=0), "key=0 is no name"),
    "a list": (lambda chat: chat.ask("?", list[str]), r"list\[str\] is no type"),
    "an async type": (lambda chat: chat.ask("?", go), "is async"),
    "a type that may be missing": (lambda chat: chat.ask("?", int | None), "default=None"),
    "a model": (lambda chat: chat.ask("?", Guest), r"Guest\(…\)"),
    "a value": (lambda chat: chat.ask("?", 5), "5 is no type"),
    "a menu of nothing": (lambda chat: chat.choose("?", []), "nothing to choose from"),
    "a menu that is a word": (lambda chat: chat.choose("?", "ab"), "'ab' is no list"),
    "a menu by name": (lambda chat: chat.choose("?", {"a": 1}), "no list"),
    "a menu of numbers": (lambda chat: chat.choose("?", ["a", 2]), "this is none: 2"),
    "a sleep without a length": (lambda chat: chat.sleep(), "say how long"),
    "a sleep with two": (
        lambda chat: chat.sleep(hours(1), until=NOON), "has both"
    ),
    "a sleep without a unit": (lambda chat: chat.sleep(24), r"chat\.sleep\(24\) is no length"),
    "a sleep until a day": (lambda chat: chat.sleep(until=date(2026, 1, 1)), r"combine\(day"),
    "a sleep until a word": (lambda chat: chat.sleep(until="9am"), "Write a datetime"),
    "a sleep of nothing": (lambda chat: chat.sleep(hours(0)), "write until=…"),
    "a sleep before": (lambda chat: chat.sleep(-hours(1)), "over before it begins"),
    "a sleep of a thousand years": (lambda chat: chat.sleep(timedelta.max), "longer than 100 years"),
    "a sleep until the end of time": (
        lambda chat: chat.sleep(until=datetime.max),  # noqa: DTZ901 -- it is the case
        r"beyond the calendar. .*chat\.receive",
    ),
    "a sleep until the beginning": (
        lambda chat: chat.sleep(until=datetime.min.replace(tzinfo=UTC)), "beyond the calendar"
    ),
    "a sleep of a number": (lambda chat: chat.sleep(math.nan), "is no length of time"),
    "a sleep with a key of zero": (lambda chat: chat.sleep(hours(1), key=0), "key=0 is no name"),
    "a sleep with a key that is a list": (lambda chat: chat.sleep(hours(1), key=[]), "is no name"),
    "a part of nothing": (lambda chat: chat.part(""), "is no name"),
    "a part of a number": (lambda chat: chat.part(0), "is no name"),
    "a once with a key of zero": (lambda chat: chat.once(len, "a", key=0), "key=0 is no name"),
    "a once with a key that is a list": (lambda chat: chat.once(len, "a", key=[]), "is no name"),
    "a once that was a number": (lambda chat: chat.once(len, "a", was=5), "is no name"),
    "a once that does else": (lambda chat: chat.once(len, "a", unknown="never"), '"again" or "raise"'),
    "a once without an argument": (lambda chat: chat.once(pay), "missing a required argument: 'key'"),
    "a once with one too many": (lambda chat: chat.once(pay, 1, 2, 3), "too many positional"),
    "a key of the function's own": (lambda chat: chat.once(pay, key="a"), r"partial\(pay, key=…\)"),
    "an option of the function's own": (
        lambda chat: chat.once(store, 1, unknown="raise"), r"partial\(store, unknown=…\)"
    ),
    "a former name of the function's own": (
        lambda chat: chat.once(store, 1, was="kept"), r"partial\(store, was=…\)"
    ),
    "what was called": (lambda chat: chat.once(go()), "without calling it"),
    "what cannot be called": (lambda chat: chat.once(5), "5 cannot be called"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_is_refused_at_its_line(mistake):
    verb, words = MISTAKES[mistake]

    async def handler(chat):
        try:
            await verb(chat)
        except Exception:
            await chat.ask("Then this?")

    with pytest.raises(DialogueError, match=rf"test_argument_checks\.py:\d+: .*{words}"):
        Talk(handler).start()


@pytest.mark.parametrize(
    "verb",
    [
        lambda chat: chat.ask("?", Literal["a"], timeout=timedelta(1), attempts=1),
        lambda chat: chat.ask("?", Size, remind=(hours(1), "Still there?")),
        lambda chat: chat.ask("?", str.upper, remind=(hours(1), hours(2)), retry=""),
        lambda chat: chat.ask("?", date, remind=[hours(1), (hours(2), "Still there?")]),
        lambda chat: chat.choose("?", ("a", "b")),
        lambda chat: chat.receive(settle=2),
        lambda chat: chat.receive(settle=hours(1)),
        lambda chat: chat.sleep(until=NOON + hours(9)),
    ],
)
def test_what_is_as_it_should_be_is_not(verb):
    async def handler(chat):
        await verb(chat)

    Talk(handler).start()


@pytest.mark.parametrize("key", [0, "", [], ["a"], b"a", 5.0])
def test_the_key_of_a_text_is_a_text(key):
    async def handler(chat):
        try:
            chat.say("Hello.", key=key)
        except Exception:
            await chat.ask("Then this?")

    with pytest.raises(DialogueError, match=r"test_argument_checks\.py:\d+: key=.* is no name"):
        Talk(handler).start()


@pytest.mark.parametrize("zone", ["Australia/Sydney", None, 10, timedelta(hours=10)])
def test_a_zone_that_is_none_is_told_with_what_to_write(zone):
    async def handler(chat):
        chat.zone = zone

    with pytest.raises(TypeError, match=r'Write chat\.zone = ZoneInfo\("Australia/Sydney"\)'):
        Talk(handler).start()


@pytest.mark.parametrize("n", [math.nan, math.inf, 1e12])
def test_a_number_that_is_no_length_of_time_is_told(n):
    async def handler(chat):
        await chat.ask("?", timeout=hours(n))

    with pytest.raises(ValueError, match=r"hours\(.*\) is no length of time"):
        Talk(handler).start()


@pytest.mark.parametrize("settle", [math.nan, math.inf, "2", 1e300])
def test_a_burst_that_is_no_length_of_time_is_told_at_its_line(settle):
    async def handler(chat):
        await chat.receive(settle=settle)

    with pytest.raises(DialogueError, match=r"test_argument_checks\.py:\d+: settle=.* no length"):
        Talk(handler).start()


@pytest.mark.parametrize(
    ("verb", "result"),
    [
        (lambda chat: chat.once(partial(pay, key="a")), ("a", 5)),
        (lambda chat: chat.once(partial(pay, key="a"), amount=6), ("a", 6)),
        (lambda chat: chat.once(partial(pay, key="a"), key="b"), ("a", 5)),
        (lambda chat: chat.once(partial(store), 1, unknown="raise"), (1, None, None, None, None)),
        (
            lambda chat: chat.once(partial(store, unknown=2, was=3), 1, call=4, token="t"),
            (1, 2, 3, 4, "t"),
        ),
        (lambda chat: chat.once(lambda call, chat, function: [call], 1, chat=2, function=3), [1]),
    ],
)
def test_a_function_gets_its_own_parameters_whatever_their_names(verb, result):
    async def handler(chat):
        assert await verb(chat) == result
        return await chat.ask("?")

    talk = Talk(handler)
    talk.start()
    assert talk.text("x") == ["x"]


def test_a_question_that_nobody_awaits_at_the_end_is_told_with_the_handlers_line():
    async def handler(chat):
        answer = chat.ask("Name?")
        return f"Hello, {answer}!"

    with pytest.raises(NotAwaited, match=r"test_argument_checks\.py:\d+: chat\.ask"):
        Talk(handler).start()
