"""What cannot be asked, slept or done is refused at its line, with what to write."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum
from typing import Literal

import pytest
from support.dialogue_driver import NOON, Talk

from cooee.core.durations import hours
from cooee.core.errors import DialogueError, NotAwaited


async def go():
    return 1


class Size(Enum):
    SMALL = 1


MISTAKES = {
    "ask nothing": (lambda chat: chat.ask(""), r"write chat\.receive\(\)"),
    "a time-out without a unit": (lambda chat: chat.ask("?", timeout=24), r"hours\(24\)"),
    "no attempts": (lambda chat: chat.ask("?", attempts=0), "1 or more"),
    "attempts by another name": (lambda chat: chat.ask("?", retry=3), "attempts=…"),
    "a reminder in words": (lambda chat: chat.ask("?", remind="1h"), r"remind='1h'"),
    "a number among reminders": (lambda chat: chat.ask("?", remind=[hours(1), 2]), "remind=2 is"),
    "a list": (lambda chat: chat.ask("?", list[str]), r"list\[str\] is no type"),
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


def test_a_question_that_nobody_awaits_at_the_end_is_told_with_the_handlers_line():
    async def handler(chat):
        answer = chat.ask("Name?")
        return f"Hello, {answer}!"

    with pytest.raises(NotAwaited, match=r"test_argument_checks\.py:\d+: chat\.ask"):
        Talk(handler).start()
