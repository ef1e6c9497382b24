"""The flow of dialogues in the whole house: how they begin, are interrupted, and go on."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from functools import partial, wraps

import pytest

from cooee import App, DefinitionError, NoReply, days, hours
from cooee.runtime.operations import find_trouble
from cooee.testing import Kit

# The text that began it


async def test_the_text_before_the_first_question_is_the_one_that_began_the_dialogue():
    app, seen = App(), []

    @app.dialogue("BOOK {n:d}", "BOOK")
    async def book(chat, n: int = 0):
        began = (chat.text, chat.message.text, chat.message.received_at)
        seen.append(began)
        await chat.sleep(timedelta(minutes=1))
        assert (chat.text, chat.message.text, chat.message.received_at) == began
        answer = await chat.ask("Your name?", timeout=days(1), default="nobody")
        again = chat.text
        if await chat.confirm("Again?"):
            return chat.restart()
        return f"{began[0]}, {answer}, {again}, {chat.text}"

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.follow("""
            > Book  7
            ... 1 minute
            < Your name?
            > Anna
            < Again?
        """)
        await kit.restart()
        await anna.follow("""
            > yes
            ... 1 minute
            < Your name?
            ... 1 day
            < Again?
        """)
        await kit.restart()
        assert await anna.text("no") == ["Book  7, nobody, Book  7, no"]
        assert len(set(seen)) == 2, "each round has its own time"


async def test_a_dialogue_that_the_app_began_says_that_it_has_no_text():
    app = App()

    @app.dialogue()
    async def ask(chat):
        return f"{await chat.ask('Your name?')} {chat.text}"

    @app.dialogue()
    async def look(chat):
        return f"{chat.text} {await chat.ask('Your name?')}"

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        await app.start(ask, anna.number)
        assert await anna.text("Anna") == ["Your name?", "Anna Anna"]
        await app.start(look, ben.number)
        await kit.wait(1)
        [trouble] = await kit.troubles(ben)
        assert "App.start began this dialogue" in str(trouble)
        assert "test_dialogue_flow.py" in str(trouble)


# The forms of a function


class Desk:
    async def method(self, chat):
        return await chat.ask("By the method?")

    @classmethod
    async def of_class(cls, chat):
        return await chat.ask("By the class?")

    @staticmethod
    async def static(chat):
        return await chat.ask("By no one?")

    async def __call__(self, chat):
        return await chat.ask("By the desk?")


def logged(function):
    @wraps(function)
    async def wrapper(*args, **kwargs):
        return await function(*args, **kwargs)

    return wrapper


def _bound_method(app):
    desk = Desk()
    app.dialogue()(desk.method)
    return desk.method, "method", "By the method?"


def _method_decorated(app):
    class Shop:
        @app.dialogue()
        async def open(self):
            return await self.ask("Open?")

    return Shop.open, "open", "Open?"


def _class_method(app):
    app.dialogue()(Desk.of_class)
    return Desk.of_class, "of_class", "By the class?"


def _static_method(app):
    app.dialogue()(Desk.static)
    return Desk().static, "static", "By no one?"


def _object_that_is_called(app):
    desk = Desk()
    app.dialogue()(desk)
    return desk, "Desk", "By the desk?"


def _decorated_outside(app):
    @logged
    @app.dialogue()
    async def outside(chat):
        return await chat.ask("Outside?")

    return outside, "outside", "Outside?"


def _decorated_inside(app):
    async def bare(chat):
        return await chat.ask("Inside?")

    app.dialogue()(logged(bare))
    return bare, "bare", "Inside?"


def _decorated_on_both_sides(app):
    @logged
    @logged
    @app.dialogue()
    @logged
    async def both(chat):
        return await chat.ask("Both?")

    return both, "both", "Both?"


async def _table(chat, table, seats=2):
    return await chat.ask(f"Table {table} for {seats}?")


def _partial(app):
    registered = partial(_table, table=4)
    app.dialogue()(registered)
    return registered, "_table", "Table 4 for 2?"


def _equal_partial(app):
    app.dialogue()(partial(_table, table=4))
    return partial(_table, table=4), "_table", "Table 4 for 2?"


def _partial_of_a_partial(app):
    app.dialogue(name="four")(partial(partial(_table, table=4), seats=3))
    return partial(_table, table=4, seats=3), "four", "Table 4 for 3?"


FORMS = [
    _bound_method,
    _method_decorated,
    _class_method,
    _static_method,
    _object_that_is_called,
    _decorated_outside,
    _decorated_inside,
    _decorated_on_both_sides,
    _partial,
    _equal_partial,
    _partial_of_a_partial,
]


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("form", FORMS)
async def test_a_dialogue_is_started_by_its_function_in_every_form(form, by_name):
    app = App()
    function, name, question = form(app)
    async with Kit(app) as kit:
        anna = kit.phone()
        await app.start(name if by_name else function, anna.number)
        await kit.wait(1)
        assert anna.read() == [question]
        await kit.restart()
        assert await anna.text("yes") == ["yes"]


async def test_a_start_of_something_else_is_refused_in_words():
    app, other = App(), App()
    desk, second = Desk(), Desk()
    app.dialogue()(desk.method)
    app.dialogue(name="four")(partial(_table, table=4))
    app.dialogue(name="here")(_table)
    app.dialogue(name="there")(_table)

    @other.dialogue()
    async def foreign(chat):
        return await chat.ask("Foreign?")

    @app.on("PLAIN")
    def plain(chat):
        return "Plain."

    coroutine = desk.method(None)
    cases = [
        (foreign, r"no dialogue 'foreign'.*@app\.dialogue"),
        (plain, r"no dialogue 'plain'.*@app\.dialogue"),
        (second.method, r"no dialogue 'method' of this object.*another object"),
        (partial(_table, table=5), "no dialogue '_table' like this.*other arguments"),
        (_table, "'here' and 'there'.*name"),
        (coroutine, r"was called already.*app\.start\(method, …\)"),
        ("nowhere", "no dialogue 'nowhere'.*four, here, method, there"),
        (None, "None is no dialogue"),
        (7, "7 is no dialogue"),
    ]
    async with Kit(app) as kit:
        anna = kit.phone()
        for wrong, words in cases:
            with pytest.raises(DefinitionError, match=words):
                await app.start(wrong, anna.number)


# What goes on by itself, and fails


async def _sleeps(chat):
    await chat.sleep(hours(1))


async def _times_out(chat):
    await chat.ask("Your name?", timeout=hours(1), default="nobody")


async def _gives_up(chat):
    with suppress(NoReply):
        await chat.ask("Your name?", timeout=hours(1))


async def _settles(chat):
    await chat.receive(settle=3_600)


FAILING = {
    "a sleep": _sleeps,
    "a default": _times_out,
    "a time-out": _gives_up,
    "the end of a burst": _settles,
}


@pytest.mark.parametrize("way", FAILING)
async def test_a_timer_that_fails_is_trouble_like_a_text_that_fails(way):
    app = App(sorry="Sorry!")

    @app.dialogue("LATER")
    async def later(chat):
        await FAILING[way](chat)
        raise ValueError("no bread")

    async with Kit(app) as kit:
        anna = kit.phone()
        await anna.text("LATER")
        if way == "the end of a burst":
            await anna.text("Hello")
        await kit.wait(hours(1))
        [trouble] = await kit.troubles(anna)
        assert re.fullmatch(
            r"Going on with later by itself failed \(pending\): .*no bread.*", trouble
        )
        await kit.wait(hours(1))
        [trouble] = await kit.troubles(anna)
        assert "(set aside)" in trouble
        counts = await kit.store.counts()
        assert (counts.set_aside, counts.stuck_dialogues) == (0, 1)
        found = await find_trouble(kit.store, 10)
        assert [dialogue.handler for _, dialogue in found.dialogues] == ["later"]
        assert found.texts == []
        await kit.store.retry(anna.number)
        await kit.restart()
        [trouble] = await kit.troubles(anna)
        assert "(pending)" in trouble, "it is tried again"


async def test_a_reminder_whose_prompt_fails_is_trouble_too():
    app = App(sorry=None)
    reminders = []

    @app.dialogue("LATER")
    async def later(chat):
        if reminders:
            raise ValueError("no bread")
        await chat.ask("Your name?", remind=hours(1))

    async with Kit(app) as kit:
        anna = kit.phone()
        assert await anna.text("LATER") == ["Your name?"]
        reminders.append(1)
        await kit.wait(hours(2))
        [trouble] = await kit.troubles(anna)
        assert "(set aside)" in trouble
        reminders.clear()
        assert await anna.text("Anna") == [], "the question still takes the answer"
        assert await kit.troubles(anna) == []


# A burst that is interrupted


def _telling(version, *, asks_name=False, removed=False):
    app = App(version=version)

    @app.dialogue("TELL")
    async def tell(chat):
        name = await chat.ask("Your name?") if asks_name else "you"
        told = "" if removed else await chat.receive(settle=5)
        return f"{name}: {told!r} {await chat.ask('Anything else?')}"

    @app.on("LEAVE", always=True)
    def leave(chat):
        chat.leave()
        return "Left."

    return app


async def test_a_burst_survives_restarts_and_an_inserted_question():
    async with Kit(_telling("1")) as kit:
        anna = kit.phone()
        await anna.text("TELL")
        for text in ("hi", "it's"):
            await anna.text(text)
            await kit.restart()
        await kit.deploy(_telling("2", asks_name=True))
        assert await anna.text("me") == ["Your name?"]
        await kit.restart()
        assert await anna.text("Anna") == []
        await kit.wait(10)
        assert anna.read() == ["Anything else?"]
        told = "hi\nit's\nme"
        assert await anna.text("no") == [f"Anna: {told!r} no"]


async def test_a_burst_is_kept_in_the_journal_of_a_dialogue_that_is_left():
    async with Kit(_telling("1")) as kit:
        anna = kit.phone()
        await anna.text("TELL")
        await anna.text("hi")
        assert await anna.text("LEAVE") == ["Left."]
        [stored] = await kit.store.dialogues(include_ended=True)
        assert b'"hi"' in stored.dialogue.head
        await kit.wait(10)
        assert anna.read() == [], "what was left goes on no more"


async def test_a_burst_whose_question_is_removed_is_there_after_a_rollback():
    async with Kit(_telling("1")) as kit:
        anna = kit.phone()
        await anna.text("TELL")
        await anna.text("hi")
        await kit.deploy(_telling("2", removed=True))
        await kit.wait(10)
        assert anna.read() == ["Anything else?"]
        await kit.deploy(_telling("3"))
        assert await anna.text("no") == ["you: 'hi' no"]


# A question that an edit removes


def _booking(version, *questions, pattern=False):
    app = App(version=version)

    async def ask_all(chat):
        return ", ".join([await chat.ask(each) for each in questions])

    @app.dialogue("BOOK", name="book")
    async def book(chat):
        return await ask_all(chat)

    @app.on("WHEN {day}" if pattern else "HOURS")
    def opening(chat, day=""):
        return f"From 9 to 5 {day}".strip()

    @app.dialogue("RATE", name="rate")
    async def rate(chat):
        return f"{await chat.ask('Stars?')} stars"

    @app.otherwise
    def otherwise(chat):
        return "Pardon?"

    return app


@pytest.mark.parametrize("again", [False, True], ids=["at once", "after a restart"])
async def test_a_keyword_sent_to_a_question_that_is_gone_gets_the_keyword(again):
    async with Kit(_booking("1", "Your name?", "Which day?")) as kit:
        anna = kit.phone()
        assert await anna.text("BOOK") == ["Your name?"]
        await kit.deploy(_booking("2", "Which day?"))
        if again:
            await kit.restart()
        assert await anna.text("hours") == ["Which day?", "From 9 to 5"]
        assert await anna.text("Friday") == ["Friday"]


async def test_a_pattern_and_a_dialogue_are_begun_by_it_too():
    for text, said in (("when monday", "From 9 to 5 monday"), ("RATE", "Stars?")):
        async with Kit(_booking("1", "Your name?", "Which day?", pattern=True)) as kit:
            anna = kit.phone()
            await anna.text("BOOK")
            await kit.deploy(_booking("2", "Which day?", pattern=True))
            assert await anna.text(text) == ["Which day?", said]


async def test_a_keyword_is_the_answer_where_the_question_only_has_another_before_it():
    async with Kit(_booking("1", "Your name?")) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(_booking("2", "Which day?", "Your name?", "How many?"))
        assert await anna.text("hours") == ["Which day?"]
        assert await anna.text("Friday") == ["How many?"]
        assert await anna.text("4") == ["Friday, hours, 4"]


async def test_another_text_to_a_question_that_is_gone_is_kept_for_its_return():
    async with Kit(_booking("1", "Your name?", "Which day?")) as kit:
        anna = kit.phone()
        await anna.text("BOOK")
        await kit.deploy(_booking("2", "Which day?"))
        assert await anna.text("Anna") == ["Which day?"]
        await kit.deploy(_booking("3", "Your name?", "Which day?"))
        assert await anna.text("Friday") == ["Anna, Friday"]
