"""The app's code in a thread of its own: one loop for all of it, and its end is heard of."""

import asyncio
import contextlib
import threading
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest

from cooee import App, AppUnresponsive
from cooee.clocks.clock import RealClock
from cooee.net.http_client import InProcessClient
from cooee.runtime import service as service_module
from cooee.runtime import watchdog
from cooee.runtime.app_loop import AppLoop, AppThread
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.simulator import Simulator
from cooee.storage import open_store
from cooee.testing.kit_provider import SIMULATOR_URL, make_provider

ANNA = "+61491570156"
TENANT: ContextVar[str] = ContextVar("tenant", default="")


@pytest.fixture
def app_thread():
    thread = AppThread()
    yield thread
    thread.stop()


class World:
    """A service in real time, whose app has a thread of its own."""

    def __init__(self, service, simulator):
        self.service, self.simulator = service, simulator

    async def text(self, words, sender=ANNA):
        ours = self.service.subscription.number
        self.simulator.network.send_from_phone(sender, ours, words)

    async def replies(self, count, phone=ANNA):
        while True:
            screen = self.simulator.network.phone_screen(phone)
            texts = [entry.text.text for entry in screen if entry.direction == "to_phone"]
            if len(texts) >= count:
                return texts
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(app, thread, tmp_path):
    clock = RealClock()
    webhooks = InProcessClient(clock, {})
    simulator = Simulator(clock, webhooks)
    store = await open_store(str(tmp_path / "app.db"), now=clock.now)
    service = Service(
        app,
        make_provider("simulated", [], {}),
        store,
        InProcessClient(clock, {SIMULATOR_URL: simulator.app}),
        clock,
        options=ServiceOptions(public_url="https://app.example", app_thread=thread),
    )
    async with asyncio.timeout(60), service:
        webhooks.apps["https://app.example"] = service.endpoints
        await service.connect()
        yield World(service, simulator)
        await simulator.close()


async def test_all_that_the_app_awaits_runs_in_one_loop_and_one_thread(app_thread, tmp_path):
    seen = {}

    def note(place):
        seen[place] = (asyncio.get_running_loop(), threading.get_ident())

    @asynccontextmanager
    async def services():
        note("services")
        yield asyncio.Lock()
        note("services left")

    app = App(lifespan=services)

    @app.on_start
    async def begin():
        note("on_start")

    @app.around
    async def around(chat, proceed):
        note("around")
        return await proceed()

    @app.dialogue("BOOK")
    async def book(chat):
        await chat.once(reserve, chat.services)
        return "booked"

    async def reserve(lock):
        async with lock:
            note("once")

    @app.on_delivered
    async def delivered(outbound):
        note("on_delivered")

    @app.otherwise
    async def answer(chat):
        note("handler")
        async with chat.services:
            return "hello"

    async with running(app, app_thread, tmp_path) as world:
        await world.text("hi")
        assert await world.replies(1) == ["hello"]
        await world.text("BOOK")
        assert await world.replies(2) == ["hello", "booked"]
        while "on_delivered" not in seen:
            await asyncio.sleep(0.01)
    assert set(seen.values()) == {(app_thread.loop, app_thread.thread_id)}
    assert set(seen) == {
        *("services", "services left", "on_start", "around", "once", "on_delivered", "handler")
    }


async def test_the_services_are_entered_and_left_in_one_task_and_their_context_is_the_handlers(
    app_thread, tmp_path
):
    tasks = []

    @asynccontextmanager
    async def services():
        tasks.append(asyncio.current_task())
        TENANT.set("from the services")
        async with asyncio.TaskGroup():  # refuses to be left in another task
            yield
        tasks.append(asyncio.current_task())

    app = App(lifespan=services)

    @app.otherwise
    async def answer(chat):
        before = TENANT.get()
        TENANT.set("from a handler")
        return before

    async with running(app, app_thread, tmp_path) as world:
        await world.text("one")
        await world.replies(1)
        await world.text("two")
        assert await world.replies(2) == ["from the services"] * 2
    assert tasks[0] is tasks[1]


async def test_a_handler_may_send_and_start_and_so_may_any_other_loop(app_thread, tmp_path):
    app = App()

    @app.on("SEND")
    async def send(chat):
        await app.send(chat.theirs, "sent")

    @app.on("SYNC")
    def send_from_a_thread(chat):
        asyncio.run(app.send(chat.theirs, "sent by a loop of its own"))

    async with running(app, app_thread, tmp_path) as world:
        await world.text("SEND")
        assert await world.replies(1) == ["sent"]
        await world.text("SYNC")
        assert await world.replies(2) == ["sent", "sent by a loop of its own"]
        await app.send(ANNA, "and from the loop that receives")
        assert len(await world.replies(3)) == 3


@pytest.mark.parametrize("when", ["entered", "left"])
async def test_services_that_fail_are_heard_of(app_thread, tmp_path, when):
    @asynccontextmanager
    async def services():
        if when == "entered":
            raise LookupError("no such host")
        yield
        raise LookupError("no such host")

    with pytest.raises(LookupError, match="no such host"):
        async with running(App(lifespan=services), app_thread, tmp_path):
            assert when == "left"


async def test_services_that_never_come_are_given_up_with_their_caller(app_thread):
    steps = []

    @asynccontextmanager
    async def services():
        try:
            await asyncio.Event().wait()
            yield
        finally:
            steps.append("left")

    entering = asyncio.create_task(AppLoop(app_thread).enter(services))
    await asyncio.sleep(0.05)
    entering.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await entering
    while not steps:
        await asyncio.sleep(0.01)


ENDINGS = {
    "stop": lambda: asyncio.get_running_loop().stop(),
    "exit": lambda: asyncio.get_running_loop().call_soon(exit_now),
}


def exit_now():
    raise SystemExit(3)


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_loop_that_the_app_ends_is_heard_of_and_ends_the_service(tmp_path, how):
    app = App()

    @app.otherwise
    async def end(chat):
        ENDINGS[how]()
        await asyncio.Event().wait()

    async with running(app, AppThread(), tmp_path) as world:
        await world.text("hi")
        lost = await world.service.until_failed()
        assert isinstance(lost, AppUnresponsive)
        assert "the event loop of the app has ended by" in str(lost)


async def test_a_loop_that_the_app_blocks_shows_in_health_and_ends_the_service_uncleanly(
    app_thread, tmp_path, monkeypatch
):
    monkeypatch.setattr(service_module, "CLAIM_TIMEOUT_S", 3.0)
    monkeypatch.setattr(watchdog, "_TROUBLE_AFTER_S", 2.0)
    gate, app = threading.Event(), App()

    @app.otherwise
    async def block(chat):
        gate.wait()

    async with running(app, app_thread, tmp_path) as world:
        await world.text("hi")
        lost = await world.service.until_failed()
        is_healthy, report = await world.service.health()
        assert not is_healthy
        assert "stands still" in report["handlers"]
        assert "threading.py" in report["handlers"]
        assert isinstance(lost, AppUnresponsive)
        store = world.service.store
    await store.close()  # which the service has not: the next start counts the attempt
    gate.set()


async def test_the_app_is_imported_in_its_thread_and_its_errors_come_back(app_thread):
    assert app_thread.call(threading.get_ident) == app_thread.thread_id
    with pytest.raises(SystemExit):
        app_thread.call(exit_now)
    assert app_thread.call(lambda: "and it goes on") == "and it goes on"
