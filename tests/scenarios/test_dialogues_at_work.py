"""Dialogues in real time, as in production: what loops without asking, and what is not repeatable."""

import asyncio
import contextlib
import random
import threading
import time

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.app.app import SORRY_TEXT
from cooee.core.messages import Inbound
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.worker import Worker
from cooee.storage import NewInbound
from cooee.storage.sqlite.store import SQLite

OURS = "+61491570006"
STUCK = 0.5


def person(n):
    return f"+6149157{n:04}"


over = threading.Event()


@pytest.fixture(autouse=True)
def threads_end():
    """The threads that were given up end with their test, and slow down no other one."""
    over.clear()
    yield
    over.set()


def endless(app):
    """Each way to loop, or to hang, without asking."""

    @app.dialogue("SPIN")
    async def spin(chat):
        await chat.ask("Ready?")
        while not over.is_set():
            pass

    @app.dialogue("CATCH")
    async def catch(chat):
        while not over.is_set():
            with contextlib.suppress(Exception):
                while not over.wait(0.001):
                    pass

    @app.dialogue("STUBBORN")
    async def stubborn(chat):
        for _ in range(3):
            with contextlib.suppress(BaseException):
                while not over.wait(0.001):
                    pass

    @app.dialogue("HANG")
    async def hang(chat):
        time.sleep(STUCK * 4)
        return "too late"


@pytest.fixture
async def store(tmp_path):
    store = await SQLite.open(tmp_path / "endless.db", now=RealClock().now)
    yield store
    await store.close()


class World:
    def __init__(self, store, app, program="one"):
        async def recall(n):
            return []

        context = TurnContext(
            app,
            None,
            RealClock().now,
            lambda turn: recall,
            code_version=lambda: program,
            dialogue_timeout_s=STUCK,
        )
        self.store = store
        self.worker = Worker(context, store, RealClock())

    async def __aenter__(self):
        self._running = asyncio.create_task(self.worker.run())
        return self

    async def __aexit__(self, *_):
        self.worker.stop()
        await asyncio.wait_for(self._running, 60)

    async def text(self, *texts, ours=OURS):
        now = RealClock().now()
        arrivals = [
            NewInbound(Inbound(sender=person(n), recipient=ours, text=text, received_at=now))
            for n, text in texts
        ]
        await self.store.receive(arrivals)
        self.worker.wake()

    async def replies(self, n, ours=OURS):
        entries = await self.store.history(ours, person(n), 20)
        return [entry.text for entry in entries if entry.direction == "out"]

    async def error(self, n):
        entries = await self.store.history(OURS, person(n), 20)
        return next((entry.error for entry in entries if entry.error), "")

    async def until(self, condition, seconds=15):
        for _ in range(int(seconds / 0.02)):
            if await condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("It never came to that.")


def app_with_all():
    app = App(sorry="Sorry!")
    endless(app)

    @app.dialogue("ORDER")
    async def order(chat):
        return f"One {await chat.ask('What?')}."

    @app.otherwise
    def quick(chat):
        return "quick"

    return app


async def test_what_loops_without_asking_is_ended_and_named_and_nobody_else_waits(store):
    async with World(store, app_with_all()) as world:
        await world.text((0, "SPIN"))
        await world.until(lambda: said(world, 0, ["Ready?"]))

        guilty = {0: "yes", 1: "CATCH", 2: "STUBBORN", 3: "HANG"}
        await world.text(*guilty.items(), *[(n, "hi") for n in range(50, 90)], (90, "ORDER"))
        began = time.monotonic()
        await world.until(lambda: answered(world, range(50, 90), ["quick"]))
        await world.until(lambda: said(world, 90, ["What?"]))
        print(f"others were answered after {time.monotonic() - began:.2f} s")

        for n, name in enumerate(("spin", "catch", "stubborn", "hang")):
            await world.until(lambda n=n: has_failed(world, n))
            error = await world.error(n)
            assert f"{name} ran for {STUCK:g} seconds without asking" in error
            assert f"{__file__}:" in error
        assert (await store.counts()).set_aside == 4
        assert await world.replies(1) == ["Sorry!"]

        await world.text((90, "tea"), (1, "hi"), (3, "hi"))
        await world.until(lambda: said(world, 90, ["What?", "One tea."]))
        await world.until(lambda: said(world, 1, ["Sorry!", "quick"]))
        await asyncio.sleep(4 * STUCK)  # whatever the threads still say, nobody listens
        assert await world.replies(3) == ["Sorry!", "quick"]


async def said(world, n, words):
    return await world.replies(n) == words


async def answered(world, people, words):
    return all([await said(world, n, words) for n in people])


async def has_failed(world, n):
    return await world.error(n) != ""


async def test_a_thread_that_was_given_up_is_counted_and_named_for_as_long_as_it_runs(store):
    async with World(store, app_with_all()) as world:
        await world.text((1, "CATCH"), (2, "STUBBORN"))
        await world.until(lambda: has_failed(world, 1))
        await world.until(lambda: has_failed(world, 2))

        assert world.worker.trouble.startswith("2 threads do not come back from ")
        assert "catch" in world.worker.trouble
        assert "stubborn" in world.worker.trouble
        over.set()

        async def all_over():
            return world.worker.trouble == ""

        await world.until(all_over)
        assert await world.replies(1) == ["Sorry!"], "a result that comes too late counts nothing"


async def test_many_that_loop_at_once_are_each_ended_and_none_is_lost(store):
    async with World(store, app_with_all()) as world:
        for _ in range(2):  # the second time it is known to be slow, and has a thread of its own
            await world.text(*[(n, "CATCH") for n in range(6)])
            await world.until(lambda: everybody_failed(world, range(6)), seconds=30)
            await store.forget(person(0))
        await world.text(*[(n, "hi") for n in range(6, 12)])
        await world.until(lambda: answered(world, range(6, 12), ["quick"]))


async def everybody_failed(world, people):
    pending = [entry for n in people for entry in await world.store.history(OURS, person(n), 20)]
    return not any(entry.status == "pending" for entry in pending) and all(
        [await world.error(n) for n in people]
    )


@pytest.mark.parametrize("how", ["the clock", "chance"])
async def test_what_changes_from_run_to_run_is_set_aside_until_the_program_changes(store, how):
    app = App()

    @app.dialogue("PICK")
    async def pick(chat):
        kind = time.perf_counter_ns() if how == "the clock" else random.random()
        return await chat.ask(f"Is it {kind}?", key=None if app.version == "1" else "kind")

    app.version = "1"
    async with World(store, app) as world:
        await world.text((0, "PICK"))
        await world.until(lambda: has_said(world, 0, 1))
        await world.text((0, "yes"))
        await world.until(lambda: has_failed(world, 0))
        error = await world.error(0)
        assert "NotDeterministic" in error
        assert "chat.now and chat.random" in error
        assert f"{__file__}:" in error
        assert await world.replies(0) == [(await world.replies(0))[0], SORRY_TEXT]
    app.version = "2"
    assert await store.retry_after_deploy("two", []) == 1
    async with World(store, app, program="two") as world:
        await world.until(lambda: has_said(world, 0, 3))
        assert (await store.counts()).set_aside == 0
        await world.text((0, "yes"))
        await world.until(lambda: has_said(world, 0, 4))
        assert (await world.replies(0))[-1] == "yes", "with a key the words may change"


async def has_said(world, n, count):
    return len(await world.replies(n)) == count


async def test_a_person_who_texts_two_of_our_numbers_has_a_dialogue_with_each(store):
    other = "+61491570110"
    async with World(store, app_with_all()) as world:
        await world.text((0, "ORDER"))
        await world.text((0, "ORDER"), ours=other)
        await world.until(lambda: said(world, 0, ["What?"]))
        await world.text((0, "tea"))
        await world.until(lambda: said(world, 0, ["What?", "One tea."]))
        assert await world.replies(0, other) == ["What?"]
        await world.text((0, "coffee"), ours=other)

        async def answered_there():
            return await world.replies(0, other) == ["What?", "One coffee."]

        await world.until(answered_there)
