"""Those who are in the middle of a dialogue go on when its parameters change, or it is told why."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from support.dialogue_driver import Talk

from cooee.core.errors import DialogueError


async def table_of(chat, table: int):
    return f"{table} {await chat.ask('Name?')}"


async def removed(chat):
    return f"no table {await chat.ask('Name?')}"


async def added(chat, table: int, when: str = "now"):
    return f"{table} {when} {await chat.ask('Name?')}"


async def added_by_name(chat, *, table: int, when: str | None = None, **more):
    return f"{table} {when} {more} {await chat.ask('Name?')}"


async def swallowing(chat, **more):
    return f"{more} {await chat.ask('Name?')}"


async def renamed_kindly(chat, seat: int | None = None, table: int | None = None):
    return f"{table if seat is None else seat} {await chat.ask('Name?')}"


async def of_another_class(chat, table: str):
    return f"{table} {await chat.ask('Name?')}"


async def of_a_wider_class(chat, table: float | None):
    return f"{table} {await chat.ask('Name?')}"


async def unannotated(chat, table):
    return f"{table} {await chat.ask('Name?')}"


def decorated(function):
    async def inner(*args, **kwargs):
        return await function(*args, **kwargs)

    inner.__wrapped__ = function
    return inner


def edited(after, before=table_of, **inputs):
    talk = Talk(before, **(inputs or {"table": 4}))
    talk.start()
    return talk.edit(after)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (added, "4 now Ann"),
        (added_by_name, "4 None {} Ann"),
        (swallowing, "{'table': 4} Ann"),
        (renamed_kindly, "4 Ann"),
        (of_another_class, "4 Ann"),
        (of_a_wider_class, "4 Ann"),
        (unannotated, "4 Ann"),
        (decorated(added), "4 now Ann"),
    ],
)
def test_they_go_on(after, words):
    talk = edited(after)
    assert talk.text("Ann") == [words]
    assert talk.outcome.warnings == ()


def test_they_go_on_without_a_parameter_that_is_gone_and_it_is_told_once():
    async def longer(chat):
        return f"{await chat.ask('Name?')} {await chat.ask('Age?')}"

    talk = edited(longer)
    talk.text("Ann")
    [warning] = talk.outcome.warnings
    assert "longer" not in warning
    assert "has no parameter 'table' any more" in warning
    assert talk.text("40") == ["Ann 40"]
    assert talk.outcome.warnings == ()
    assert edited(removed).text("Ann") == ["no table Ann"]


def test_a_new_parameter_without_a_default_sets_it_aside_with_what_to_write():
    async def needs_more(chat, table: int, when: str):
        return f"{table} {when} {await chat.ask('Name?')}"

    talk = edited(needs_more)
    with pytest.raises(
        DialogueError, match=r"test_inputs\.py:\d+: handler needs 'when'.*when=None\."
    ):
        talk.text("Ann")
    assert talk.edit(added).again() == ["4 now Ann"]


def test_a_renamed_parameter_sets_it_aside_with_both_names():
    async def renamed(chat, seat: int):
        return f"{seat} {await chat.ask('Name?')}"

    talk = edited(renamed)
    with pytest.raises(
        DialogueError, match=r"needs 'seat' .* new name of 'table', write table=None"
    ):
        talk.text("Ann")
    assert talk.edit(renamed_kindly).again() == ["4 Ann"]


def failing_over_its_input(hint, value):
    """Begin a dialogue with a value, and deploy a handler that fails behind its question."""

    async def before(chat, given):
        return await chat.ask("Name?")

    async def after(chat, given):
        await chat.ask("Name?")
        raise TypeError("unsupported operand")

    after.__annotations__ = {"given": hint}
    return edited(after, before, given=value)


@pytest.mark.parametrize(
    ("hint", "value"),
    [(str, 4), (int, "4"), (date, "2026-01-01"), (int | None, "4"), (list[int], 4), (dict, [4])],
)
def test_a_failure_over_a_parameter_of_another_class_is_told_with_what_to_write(hint, value):
    talk = failing_over_its_input(hint, value)
    with pytest.raises(DialogueError, match=r"takes given as .* Take both, like given: .*operand"):
        talk.text("Ann")


@pytest.mark.parametrize(
    ("hint", "value"),
    [(float, 4), (date, datetime(2026, 1, 1)), (int | str, "4"), ("Unknown", 4)],  # noqa: DTZ001 -- a date will do
)
def test_a_failure_of_its_own_stays_what_it_is(hint, value):
    with pytest.raises(TypeError, match="unsupported operand"):
        failing_over_its_input(hint, value).text("Ann")
