"""What a handler or a once sends to somebody else is sent once, however often it is run again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee import App, OnceFailed
from cooee.core.app.deeds import Deed, key_in_deed
from cooee.testing import Kit


def failing_once(send):
    """An outbox's `send` that is carried out, and fails after it the first time."""
    left = [1]

    async def call(*args, **options):
        id = await send(*args, **options)
        if left[0]:
            left[0] -= 1
            raise RuntimeError("cut off")
        return id

    return call


@pytest.mark.parametrize("key", [None, "told"])
async def test_a_dialogue_writes_to_somebody_else_once_though_it_was_cut_off(key):
    app = App()

    @app.dialogue("TELL")
    async def tell(chat):
        who = await chat.ask("Whom?")
        await chat.once(app.send, who, "Hello, friend.", key=key)
        await chat.once(app.start, greet, who, key=key and f"{key}-2")
        return "Told."

    @app.dialogue()
    async def greet(chat):
        await chat.ask("How are you?")

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        app.outbox.send = failing_once(app.outbox.send)
        app.outbox.start = failing_once(app.outbox.start)
        await anna.text("TELL")
        assert await anna.text(ben.number) == [], await kit.troubles(anna)
        await kit.wait(60)
        assert anna.read() == ["Told."]
        assert ben.read() == ["Hello, friend.", "How are you?"]


async def test_each_text_of_a_once_and_of_a_loop_is_sent_once():
    app, runs = App(), []

    async def tell_all(people):
        runs.append(len(people))
        for person in people:
            await app.send(person, "Dinner!")
            await app.send(person, "Dinner!")
        if len(runs) == 1:
            raise ValueError("cut off")

    @app.dialogue("DINNER")
    async def dinner(chat, friends=()):
        for n in range(2):
            await chat.once(tell_all, people, key=f"round {n}")
        return "All are told."

    async with Kit(app) as kit:
        anna, ben, cleo = kit.phone(), kit.phone(), kit.phone()
        people = [ben.number, cleo.number]
        await anna.text("DINNER")
        await kit.wait(60)
        assert anna.read() == ["All are told."]
        assert (ben.read(), cleo.read()) == (["Dinner!"] * 4, ["Dinner!"] * 4)
        assert runs == [2, 2, 2]


async def test_a_handler_that_is_tried_again_has_written_to_somebody_else_once():
    app, attempts = App(), []

    @app.on("TELL {who:rest}")
    async def tell(chat, who):
        attempts.append(who)
        await app.send(who, "hello from a friend")
        if len(attempts) < 3:
            raise ValueError("broken")
        return "Told."

    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        await anna.text(f"TELL {ben.number}")
        await kit.wait(60)
        assert (anna.read(), ben.read()) == (["Told."], ["hello from a friend"])
        await anna.text(f"TELL {ben.number}")
        assert ben.read() == ["hello from a friend"], "another text is another deed"


async def test_the_app_is_told_of_each_refusal_by_a_text_of_its_own():
    app = App()

    @app.on_refused
    async def tell_the_desk(chat, refusal):
        await app.send(desk.number, "A text was refused.")

    async with Kit(app) as kit:
        anna, desk = kit.phone(), kit.phone()
        for _ in range(2):
            kit.fault("refuse")
            await app.send(anna.number, "News!")
            await kit.quiet()
        assert desk.read() == ["A text was refused."] * 2


async def test_what_is_refused_at_the_call_can_be_caught_in_a_dialogue():
    app = App()

    @app.dialogue("TELL")
    async def tell(chat):
        try:
            await chat.once(app.send, "19927", "Hello")
        except OnceFailed as error:
            return f"{error}"[:60]

    async with Kit(app) as kit:
        (said,) = await kit.phone().text("TELL")
        assert "NotSendable" in said


WHAT = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=12)


@given(WHAT, st.integers(0, 12))
def test_another_attempt_has_the_keys_of_the_first_and_no_two_texts_have_one(texts, cut):
    def keys(count, token):
        one = Deed(token)
        return [one.next_key(*what) for what in texts[:count]]

    first = keys(cut, "token")
    again = keys(len(texts), "token")
    assert again[: len(first)] == first
    assert len(set(again)) == len(again)
    assert not set(again) & set(keys(len(texts), "another"))


def test_outside_of_a_deed_nothing_has_a_key():
    assert key_in_deed("send", "x") is None
    with Deed(""):
        assert key_in_deed("send", "x") is None
    with Deed("a"):
        assert key_in_deed("send", "x")
    assert key_in_deed("send", "x") is None
