"""An adapter that raises what ends tasks and processes, or hands over what no database can hold."""

import asyncio

import pytest

from cooee import App
from cooee.providers import Accepted
from cooee.providers.simulated.adapter import Simulated
from cooee.testing import Kit

ERRORS = [asyncio.CancelledError, GeneratorExit, SystemExit, StopIteration, MemoryError]


class OddFailure(Exception):
    def __str__(self):
        raise ValueError("no words")


def odd(what):
    """Return a flow that raises, or returns, an odd thing for each call."""

    def flow(self, *args, **options):
        if isinstance(what, type):
            raise what
        return what
        yield

    return flow


@pytest.mark.parametrize(
    "what", [*ERRORS, OddFailure, Accepted(object()), Accepted({})], ids=range(len(ERRORS) + 3)
)
async def test_an_odd_send_leaves_its_own_text_unknown_and_the_others_go_out(monkeypatch, what):
    app, send = App(), Simulated.send

    @app.otherwise
    def fine(chat):
        return f"to {chat.text}"

    def send_one_oddly(self, message, credentials):
        if message.text == "to Anna":
            return odd(what)(self)
        return send(self, message, credentials)

    monkeypatch.setattr(Simulated, "send", send_one_oddly)
    async with Kit(app) as kit:
        anna, ben = kit.phone(), kit.phone()
        kit.send(anna, "Anna")
        assert await ben.text("Ben") == ["to Ben"]
        await kit.wait(60)
        assert (await kit.store.counts()).unknown == 1
        assert await ben.text("Ben") == ["to Ben"]


@pytest.mark.parametrize("what", ERRORS, ids=str)
@pytest.mark.parametrize("door", ["poll", "receive"])
async def test_odd_news_keep_nobody_else_from_an_answer(monkeypatch, what, door):
    app, original, left = App(), getattr(Simulated, door), [3]

    @app.otherwise
    def fine(chat):
        return "fine"

    def fail_at_first(self, *args):
        if left[0]:
            left[0] -= 1
            raise what
        return original(self, *args)

    async with Kit(app, push=door == "receive") as kit:
        monkeypatch.setattr(Simulated, door, fail_at_first)
        anna = kit.phone()
        kit.send(anna, "hi")
        await kit.wait(120)
        assert anna.read() == ["fine"]
