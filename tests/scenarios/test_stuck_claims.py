"""What hangs, dies or is never given back: its place is free for others, and operators see it."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound
from cooee.runtime import events
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.places import MAX_CLAIMS
from cooee.runtime.turns.worker import Worker
from cooee.storage import NewInbound
from cooee.storage.sqlite.store import SQLite
from cooee.testing import Kit

OURS = "+61491570006"
ANNA, BEN = "+61491570156", "+61491570157"
LIMIT = 0.5

gate = threading.Event()


@dataclass
class Blocking:
    """A state that hangs when it is read after a second visit."""

    visits: int = 0

    def __post_init__(self):
        if self.visits == 2:
            gate.wait(30)


@pytest.fixture(autouse=True)
def _open_gate():
    gate.clear()
    yield
    gate.set()


@pytest.fixture
async def store(tmp_path):
    store = await SQLite.open(tmp_path / "stuck.db", now=RealClock().now)
    yield store
    await store.close()


@contextlib.asynccontextmanager
async def working(app, store, claim_timeout_s=LIMIT, **parts):
    """A worker in real time, with the checks that the watchdog makes."""
    seen = []
    context = TurnContext(
        app,
        None,
        RealClock().now,
        lambda turn: None,
        handler_timeout_s=LIMIT,
        claim_timeout_s=claim_timeout_s,
    )
    context.events.subscribe(seen.append)
    worker = Worker(context, store, RealClock(), **parts)
    running = asyncio.create_task(worker.run())
    try:
        yield worker, seen
    finally:
        worker.stop()
        running.cancel()
        await asyncio.wait([running], timeout=60)
        assert running.done(), "our own stop ends it, whatever hangs"


async def receive(store, worker, theirs, text):
    inbound = Inbound(sender=theirs, recipient=OURS, text=text, received_at=RealClock().now())
    await store.receive([NewInbound(inbound)])
    worker.wake()


async def answers(store, theirs):
    entries = await store.history(OURS, theirs, 20)
    return [entry.text for entry in entries if entry.direction == "out"]


async def until(worker, condition):
    for _ in range(1_000):
        worker.check_places()
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It never came to that.")


async def test_a_class_of_state_that_hangs_stalls_neither_the_loop_nor_the_others(store):
    app = App(state=Blocking, sorry=None)

    @app.otherwise
    def fine(chat):
        chat.state.visits += 1
        return "fine"

    async with working(app, store, claim_timeout_s=2) as (worker, seen):

        async def said(theirs, count):
            return await answers(store, theirs) == ["fine"] * count

        await receive(store, worker, ANNA, "one")
        await until(worker, lambda: said(ANNA, 1))
        await receive(store, worker, ANNA, "two")
        await receive(store, worker, BEN, "hi")
        await until(worker, lambda: said(BEN, 1))
        await until(worker, lambda: has(seen, events.ClaimStuck))
        await until(worker, lambda: has(seen, events.TurnFailed))
        await until(worker, lambda: shows(worker, "threads do not come back from a turn"))
        assert "made no step" in worker.trouble
        gate.set()
        await until(worker, lambda: is_free(worker))


async def has(seen, kind):
    return any(isinstance(event, kind) for event in seen)


async def shows(worker, trouble):
    return trouble in worker.trouble


async def is_free(worker):
    return worker._places.free_count == MAX_CLAIMS


async def test_a_handler_that_refuses_to_be_cancelled_fails_its_turn_and_is_named(store):
    app, over = App(sorry=None), asyncio.Event()

    @app.otherwise
    async def stubborn(chat):
        while not over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await over.wait()
        return "too late"

    try:
        async with working(app, store, claim_timeout_s=10) as (worker, seen):
            await receive(store, worker, ANNA, "hi")
            await until(worker, lambda: has(seen, events.TurnFailed))
            (failed,) = [event for event in seen if isinstance(event, events.TurnFailed)]
            assert "took longer than 0.5 seconds. It was at" in failed.error
            assert "test_stuck_claims.py" in failed.error
            assert "stubborn" in worker.trouble
            over.set()
            await asyncio.sleep(0.05)
            assert worker.trouble == ""
            assert await answers(store, ANNA) == []
    finally:
        over.set()


@pytest.mark.parametrize("verb", ["finish", "postpone"])
async def test_a_store_that_never_comes_back_keeps_no_place(store, verb):
    app, hangs = App(sorry=None), [True]

    @app.otherwise
    def fine(chat):
        return "fine"

    original = getattr(store, verb)

    async def hang(items, *args):
        if hangs[0] and any(getattr(one, "claim", one).theirs == ANNA for one in items):
            await asyncio.Event().wait()
        return await original(items, *args)

    setattr(store, verb, hang)

    async def hold_back(claims):
        if verb == "postpone":
            for claim in claims:
                if claim.theirs == ANNA:
                    await store.postpone([claim], RealClock().now())
        return claims

    async with working(app, store, prepare=hold_back) as (worker, seen):
        await receive(store, worker, ANNA, "hi")
        await until(worker, lambda: has(seen, events.ClaimStuck))
        await receive(store, worker, BEN, "hi")

        async def ben_is_answered():
            return await answers(store, BEN) == ["fine"]

        await until(worker, ben_is_answered)
        await until(worker, lambda: is_free(worker))


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError, GeneratorExit])
@pytest.mark.parametrize("part", ["claim", "next_due", "prepare"])
async def test_the_worker_survives_what_its_parts_raise(store, part, error):
    app, left = App(sorry=None), [1]

    @app.otherwise
    def fine(chat):
        return "fine"

    def failing(original):
        async def call(*args, **options):
            if left[0]:
                left[0] -= 1
                raise error
            return await original(*args, **options)

        return call

    async def prepare(claims):
        return claims

    parts = {}
    if part == "prepare":
        parts["prepare"] = failing(prepare)
    else:
        setattr(store, part, failing(getattr(store, part)))
    async with working(app, store, **parts) as (worker, _):
        await receive(store, worker, ANNA, "hi")

        async def is_answered():
            return await answers(store, ANNA) == ["fine"]

        await until(worker, is_answered)

        async def is_in_trouble():
            return part == "prepare" or "claims failed" in worker.trouble

        await until(worker, is_in_trouble)


async def test_health_names_a_part_that_ended_and_was_started_again():
    app = App()

    @app.otherwise
    def fine(chat):
        return "fine"

    async with Kit(app) as kit:
        anna = kit.phone()
        assert (await kit.service.health())[0]
        (task,) = [one for one in asyncio.all_tasks() if "AppLoop.run" in repr(one)]
        task.cancel()
        await asyncio.sleep(0.3)
        is_well, report = await kit.service.health()
        assert not is_well
        assert "the worker ended by CancelledError" in report["tasks"]
        assert await anna.text("hi") == ["fine"]


async def test_a_claim_that_comes_to_nothing_ends_once_and_frees_its_place(store):
    app, left = App(sorry=None), [1]

    @app.otherwise
    def fine(chat):
        return f"fine: {chat.text}"

    async def prepare(claims):
        if left[0]:
            left[0] -= 1
            raise RuntimeError("broken")
        return claims

    for text in ("one", "two"):  # several texts: none is to blame yet, so the claim is given back
        inbound = Inbound(sender=ANNA, recipient=OURS, text=text, received_at=RealClock().now())
        await store.receive([NewInbound(inbound)])
    async with working(app, store, claim_timeout_s=10, prepare=prepare) as (worker, seen):

        async def are_answered():
            return await answers(store, ANNA) == ["fine: one", "fine: two"]

        await until(worker, are_answered)
        await until(worker, lambda: is_free(worker))
        assert sum(isinstance(event, events.ClaimFailed) for event in seen) == 1
