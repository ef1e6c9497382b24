"""Handlers that are slow, hang, or hold the loop: named, and nobody else waits for them."""

import asyncio
import logging
import sys
import threading
import time

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.worker import Worker
from cooee.runtime.watchdog import Watchdog
from cooee.storage import NewInbound
from cooee.storage.sqlite.store import SQLite

OURS = "+61491570006"


def person(n):
    return f"+6149157{n:04}"


async def receive(store, texts):
    now = RealClock().now()
    await store.receive(
        [
            NewInbound(Inbound(sender=person(n), recipient=OURS, text=text, received_at=now))
            for n, text in texts
        ]
    )


async def replies(store, n):
    entries = await store.history(OURS, person(n), 20)
    return [entry.text for entry in entries if entry.direction == "out"]


async def until(condition, seconds=60):
    for _ in range(int(seconds / 0.01)):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It never came to that.")


@pytest.fixture
async def store(tmp_path):
    store = await SQLite.open(tmp_path / "slow.db", now=RealClock().now)
    yield store
    await store.close()


async def working(app, store, limit):
    async def recall(n):
        return []

    context = TurnContext(app, None, RealClock().now, lambda turn: recall, handler_timeout_s=limit)
    worker = Worker(context, store, RealClock())
    return worker, asyncio.create_task(worker.run())


@pytest.mark.parametrize("hanging", [1, 5])
async def test_a_sync_handler_that_hangs_holds_up_nobody(store, hanging):
    gate = threading.Event()
    await receive(
        store, [(n, "HANG") for n in range(hanging)] + [(n, "hi") for n in range(50, 150)]
    )
    worker, running = await working(hanging_app(gate), store, limit=600)
    await until(lambda: everybody_answered(store))
    gate.set()
    worker.stop()
    await running
    assert [await replies(store, n) for n in range(hanging)] == [["too late"]] * hanging


@pytest.mark.parametrize("hanging", [1, 5])
async def test_a_sync_handler_that_hangs_fails_its_own_turn(store, hanging):
    gate = threading.Event()
    app = hanging_app(gate)
    await receive(store, [(n, "HANG") for n in range(hanging)])
    worker, running = await working(app, store, limit=0.5)
    await until(lambda: failed(store, hanging))
    (entry,) = await store.history(OURS, person(0), 9)
    assert f"It was at {__file__}:" in entry.error, "the stack of the thread, without cooee's own"
    gate.set()
    await asyncio.sleep(0.2)
    assert [await replies(store, n) for n in range(hanging)] == [[]] * hanging
    worker.stop()
    await running


def hanging_app(gate):
    app = App(sorry=None)

    @app.on("HANG")
    def hang(chat):
        gate.wait(600)
        return "too late"

    @app.otherwise
    def quick(chat):
        return "quick"

    return app


async def everybody_answered(store):
    return all([await replies(store, n) == ["quick"] for n in range(50, 150)])


async def failed(store, count):
    entries = [entry for n in range(count) for entry in await store.history(OURS, person(n), 9)]
    return sum("took longer than 0.5 seconds" in entry.error for entry in entries) == count


async def test_an_async_handler_that_hangs_fails_its_own_turn(store):
    app = App(sorry=None)

    @app.otherwise
    async def hang(chat):
        await asyncio.sleep(30)

    await receive(store, [(0, "hi")])
    worker, running = await working(app, store, limit=0.5)
    await until(lambda: failed(store, 1))
    worker.stop()
    await running


async def test_a_time_out_of_the_handlers_own_is_its_own(store):
    app = App(sorry=None)

    @app.otherwise
    async def impatient(chat):
        raise TimeoutError("the bank did not answer")

    await receive(store, [(0, "hi")])
    worker, running = await working(app, store, limit=0.5)

    async def told():
        (entry,) = await store.history(OURS, person(0), 9)
        return entry.error.startswith("TimeoutError: the bank did not answer (")

    await until(told)
    worker.stop()
    await running


async def test_a_handler_that_would_end_the_process_ends_its_turn(store):
    app = App(sorry=None)

    @app.on("SYNC")
    def sync(chat):
        sys.exit(3)

    @app.on("ASYNC")
    async def later(chat):
        sys.exit(3)

    await receive(store, [(0, "SYNC"), (1, "ASYNC")])
    worker, running = await working(app, store, limit=0.5)

    async def told():
        entries = [entry for n in (0, 1) for entry in await store.history(OURS, person(n), 9)]
        return all("raised SystemExit" in entry.error for entry in entries)

    await until(told)
    worker.stop()
    await running


async def test_the_watchdog_names_the_line_that_holds_the_loop(caplog):
    caplog.set_level(logging.ERROR, "cooee")
    watchdog = Watchdog()
    watchdog.start()
    await asyncio.sleep(0.1)
    time.sleep(4)  # what a handler must not do
    watchdog.stop()
    lines = [
        record.fields["at"] for record in caplog.records if record.getMessage() == "loop-blocked"
    ]
    assert len(lines) == 1
    assert "test_slow_handlers.py" in lines[0]


async def test_a_person_is_apologised_to_when_a_text_is_set_aside_and_the_next_goes_on(tmp_path):
    from cooee.testing import Kit

    app = App(sorry="Sorry!")

    @app.on("BREAK")
    def broken(chat):
        raise ValueError("broken")

    @app.otherwise
    def fine(chat):
        return "fine"

    async with Kit(app) as kit:
        phone = kit.phone()
        kit.send(phone, "BREAK")
        kit.send(phone, "hi")
        await kit.wait(300)
        assert phone.inbox == ["Sorry!", "fine"]
        assert (await kit.store.counts()).set_aside == 1
