"""A database that is away for a moment at every verb: nothing ends, and all goes on (law 7)."""

import inspect
import logging
from collections import Counter
from datetime import timedelta

import pytest

from cooee import App, Chat
from cooee.core.errors import StoreUnavailable
from cooee.storage import Store
from cooee.storage.sqlite.store import SQLite
from cooee.testing import Kit

# Whoever calls these hears of it: a command, or a test.
OPERATORS = {"conversations", "count_conversations", "counts", "history", "dialogues", "close"}


def shop():
    app = App()

    @app.dialogue("BUY")
    async def buy(chat: Chat) -> str:
        what = await chat.ask("What?")
        price = await chat.once(len, what)
        await chat.ask("Sure?", timeout=timedelta(minutes=1), default="yes")
        return f"{what} for {price}."

    return app


@pytest.fixture
def flickering(monkeypatch):
    """Let every other call of each verb find the database away."""
    calls = Counter()

    def flicker(verb, original):
        async def call(store, *args, **kwargs):
            calls[verb] += 1
            if calls[verb] % 2:
                raise StoreUnavailable("The database is away. Try again.")
            return await original(store, *args, **kwargs)

        return call

    def begin():
        for verb, _ in inspect.getmembers(Store, inspect.iscoroutinefunction):
            if verb not in OPERATORS:
                monkeypatch.setattr(SQLite, verb, flicker(verb, getattr(SQLite, verb)))

    yield begin, calls
    monkeypatch.undo()


COMPANIES = [
    *(("simulated", switch) for switch in ("cursor", "confirm", "lookup", "idempotency", "optout")),
    *((name, None) for name in ("telstra-v2", "telstra-v3", "twilio")),
]


@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize(("provider", "switch"), COMPANIES)
async def test_a_store_that_is_away_at_every_other_call_ends_nothing(
    flickering, caplog, provider, switch, push
):
    begin, calls = flickering
    switches = [switch] if switch else []
    async with Kit(shop(), provider=provider, switches=switches, push=push) as kit:
        anna = kit.phone()
        begin()
        for text in ("BUY", "tea"):
            kit.send(anna, text)
            await kit.wait(timedelta(minutes=10))  # a refused push comes again by then
        assert anna.read() == ["What?", "Sure?", "tea for 3."]
        await kit.wait(timedelta(days=3) if push else timedelta(minutes=20))
        assert not [record for record in caplog.records if record.levelno >= logging.CRITICAL]
        assert {"receive", "claim", "finish", "checkpoint"} <= set(calls)
