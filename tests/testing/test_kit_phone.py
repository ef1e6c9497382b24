"""Phones: what they show, and what happens when a conversation leaves its script."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.text_limit import lift_text_limit

from cooee import App, Chat
from cooee.testing import Kit

app = App()


@app.on("HELLO")
def hello(chat: Chat) -> str:
    return "Hello!"


@app.on("TWICE")
def twice(chat: Chat) -> str:
    chat.say("One.")
    return "Two."


@app.on("SILENCE")
def silence(chat: Chat) -> None:
    pass


@app.on("FAIL")
def fail(chat: Chat) -> str:
    raise ZeroDivisionError("nothing to divide by")


@app.on("LATER {n:d}")
async def later(chat: Chat, n: int) -> str:
    await app.send(chat.theirs, "Later!", at=chat.now + timedelta(seconds=n))
    return "Wait."


@app.on("NOW")
def now(chat: Chat) -> str:
    return f"{chat.now:%H:%M:%S}"


@app.on("LONG")
def too_long(chat: Chat) -> str:
    return "x" * 5000


@pytest.fixture
async def kit():
    async with Kit(app) as kit:
        yield kit


@pytest.fixture
def phone(kit):
    return kit.phone()


async def failure(phone, script):
    with pytest.raises(AssertionError) as error:
        await phone.follow(script)
    return str(error.value)


async def test_a_text_comes_back_with_its_replies(phone):
    assert await phone.text("HELLO") == ["Hello!"]
    assert await phone.text("TWICE") == ["One.", "Two."]
    assert await phone.text("SILENCE") == []
    assert phone.inbox == ["Hello!", "One.", "Two."]


async def test_a_read_text_is_not_new_any_more(phone):
    phone._kit.send(phone, "HELLO")
    await phone._kit.quiet()
    assert phone.read() == ["Hello!"]
    assert phone.read() == []
    assert phone.inbox == ["Hello!"]


async def test_two_phones_have_two_numbers_and_two_inboxes(phone):
    other = phone.another()
    assert other.number != phone.number
    assert await phone.text("HELLO") == ["Hello!"]
    assert other.inbox == []
    assert await other.text("TWICE") == ["One.", "Two."]
    assert phone.inbox == ["Hello!"]


async def test_a_conversation_goes_by_its_script(phone):
    await phone.follow("""
        > HELLO
        < Hello!

        # two texts in quick succession
        > TWICE
        > HELLO
        < One.
        < T*
        < Hello!
        > SILENCE
        ... 1 day
        > NOW
        < 00:00:00
    """)


async def test_time_in_a_script_is_exact(phone):
    await phone.follow("""
        > NOW
        < 00:00:00
        ... 65 seconds
        > NOW
        < 00:01:05
        ... 1 hour
        ... 55 seconds
        > NOW
        < 01:02:00
    """)


async def test_what_comes_while_time_passes_is_expected_after_it(phone):
    await phone.follow("""
        > LATER 60
        < Wait.
        ... 59 seconds
        ... 1 second
        < Later!
    """)


async def test_another_text_than_the_scripts_fails_and_shows_both(phone):
    words = await failure(phone, "> HELLO\n< Goodbye!\n> TWICE")
    assert "At line 2, another text came." in words
    assert "  2 - < Goodbye!\n    + < Hello!\n  3   > TWICE" in words
    assert phone.inbox == ["Hello!"]  # the script ended there


async def test_a_text_that_does_not_come_fails(phone):
    words = await failure(phone, "> SILENCE\n< Something.")
    assert "At line 2, no text came." in words
    assert "(nothing came)" in words


async def test_a_text_too_many_fails_at_the_end(phone):
    words = await failure(phone, "> TWICE\n< One.")
    assert "After line 2, a text came that the script does not have." in words
    assert "    + < Two." in words


async def test_a_text_too_many_fails_before_the_next_step(phone):
    words = await failure(phone, "> TWICE\n< One.\n> HELLO\n< Two.\n< Hello!")
    assert "After line 2, a text came" in words
    assert phone.inbox == ["One.", "Two."]


async def test_a_reply_where_none_is_expected_fails(phone):
    assert "After line 1, a text came" in await failure(phone, "> HELLO")
    assert "After line 2, a text came" in await failure(phone, "> LATER 60\n... 1 day")


async def test_what_came_before_the_script_and_was_not_read_belongs_to_it(kit, phone):
    await app.send(phone.number, "By the way")
    await phone.follow("< By the way\n> HELLO\n< Hello!")
    await app.send(phone.number, "By the way")
    await kit.quiet()
    assert "    + < By the way\n    + < Hello!" in await failure(phone, "> HELLO\n< Hello!")


async def test_a_failure_tells_the_handlers_error(phone):
    words = await failure(phone, "> FAIL\n< Done.")
    assert "Answering 'FAIL' failed (pending): ZeroDivisionError: nothing to divide by" in words


async def test_a_failure_tells_which_text_of_ours_was_refused(phone, monkeypatch):
    lift_text_limit(monkeypatch)
    words = await failure(phone, "> LONG\n< x*")
    assert "Our text 'xxx" in words
    assert "failed" in words


async def test_a_script_that_cannot_be_read_sends_nothing(phone):
    with pytest.raises(ValueError, match="Line 2"):
        await phone.follow("> HELLO\nHello!")
    assert phone.inbox == []


async def test_a_phone_shows_nothing_of_a_conversation_when_printed(phone):
    assert repr(phone) == f"<Phone {phone.number}>"
