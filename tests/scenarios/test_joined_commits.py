"""A text's lease comes with the text, and a reply's attempt with its turn (delivery rule 31)."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound
from cooee.providers import Accepted, Credentials, Features, Subscription
from cooee.runtime import events
from cooee.runtime.app_loop import AppThread
from cooee.runtime.service import Service
from cooee.runtime.wiring import ServiceOptions
from cooee.storage.sqlite.store import SQLite
from cooee.testing import Kit

OURS = "+61491570006"


def person(n):
    return f"+6149157{n:04}"


class Company:
    """A provider that answers when its gate is open; `sent` are the texts handed to it."""

    name = "company"
    settings = ()
    features = Features(polling=None, push=True, receipts="none", max_text=1600)

    def __init__(self):
        self.gate, self.sent, self.under_way, self.most_under_way = asyncio.Event(), [], 0, 0
        self.gate.set()

    def login(self):
        return Credentials("none")
        yield

    def subscribe(self, credentials, webhook_url, *, keep_direction=False):
        return Subscription(OURS, "elsewhere")
        yield

    def send(self, outbound, credentials):
        yield Request(method="POST", url="https://company.example", body=outbound.id.encode())
        return Accepted(outbound.id)

    async def __call__(self, request):
        self.sent.append(request.body.decode())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        return Response(status=200)

    async def close(self):
        pass


class World:
    """A running service, the verbs that its store was called with, and what it published."""

    def __init__(self, service, company):
        self.service, self.company, self.store = service, company, service.store
        self.taken, self.events = [], []
        service.events.subscribe(self.events.append)
        take, claim = self.store.take, self.store.claim

        async def noted_take(*args):
            attempts = await take(*args)
            self.taken += attempts
            return attempts

        async def noted_claim(*args, **options):
            claims = await claim(*args, **options)
            self.taken += claims
            return claims

        self.store.take, self.store.claim = noted_take, noted_claim

    async def text(self, n, words="hi"):
        now = self.service.clock.now()
        inbound = Inbound(sender=person(n), recipient=OURS, text=words, received_at=now)
        await self.service.parts.inbound_receiver.receive([inbound])

    async def until_nothing_waits(self):
        parts = self.service.parts
        while not (sender := parts.senders.with_free_place(OURS)):
            await asyncio.sleep(0.001)
        sender.send([])
        while not (lent := parts.worker.handed_claims.borrow(1)):
            await asyncio.sleep(0.001)
        parts.worker.handed_claims.hand_over(lent, [])

    async def until(self, event, count=1):
        while sum(isinstance(one, event) for one in self.events) < count:
            await asyncio.sleep(0.001)

    async def statuses(self, n):
        entries = await self.store.history(OURS, person(n), 10)
        return [entry.status for entry in entries if entry.direction == "out"]


@asynccontextmanager
async def running(app, tmp_path, *, app_thread=None, **options):
    clock, company = RealClock(), Company()
    store = await SQLite.open(tmp_path / "joined.db", now=clock.now)
    options = ServiceOptions(app_thread=app_thread, **options)
    service = Service(app, company, store, company, clock, options=options)
    async with asyncio.timeout(60), service:
        await service.connect()
        world = World(service, company)
        await world.text(999)  # from now on the worker and the sender know that nothing waits
        await world.until(events.AttemptRecorded)
        await world.until_nothing_waits()
        world.taken.clear()
        world.events.clear()
        company.sent.clear()
        yield world
        company.gate.set()


def echoing():
    app = App()

    @app.otherwise
    def echo(chat):
        return "hello"

    return app


@pytest.fixture
def app_thread():
    thread = AppThread()
    yield thread
    thread.stop()


@pytest.mark.parametrize("loops", [1, 2])
async def test_a_text_alone_is_neither_claimed_nor_its_reply_taken_apart(
    tmp_path, app_thread, loops
):
    thread = app_thread if loops == 2 else None
    async with running(echoing(), tmp_path, app_thread=thread) as world:
        for n in range(20):
            await world.text(n)
            await world.until(events.AttemptRecorded, n + 1)
            await world.until_nothing_waits()
        assert len(set(world.company.sent)) == 20
        # a text that comes while the worker or the sender looks at the store goes the long way
        assert len(world.taken) < 10


async def test_a_reply_goes_out_while_the_apps_loop_stands_still_behind_its_commit(
    tmp_path, app_thread
):
    # delivery rule 24: the attempt is recorded, and nothing of the app may lie before it
    sent = threading.Event()

    def block_behind_the_commit(event):
        if isinstance(event, events.TurnsFinished):
            app_thread.loop.call_soon(sent.wait)  # the loop goes on when the text has gone

    async with running(echoing(), tmp_path, app_thread=app_thread) as world:
        world.service.events.subscribe(block_behind_the_commit)
        await world.text(1)
        while not world.company.sent:
            await asyncio.sleep(0.001)
        assert not any(isinstance(event, events.TurnsCommitted) for event in world.events)
        sent.set()
        await world.until(events.TurnsCommitted)
        assert world.taken == []


async def test_what_is_taken_with_turns_is_no_more_than_may_be_under_way(tmp_path):
    async with running(echoing(), tmp_path, concurrency=3) as world:
        world.company.gate.clear()
        for n in range(10):
            await world.text(n)
        await world.until(events.TurnsCommitted, 10)
        await asyncio.sleep(0.05)
        statuses = [await world.statuses(n) for n in range(10)]
        assert sorted(statuses) == [["queued"]] * 7 + [["sending"]] * 3
        world.company.gate.set()
        await world.until(events.AttemptRecorded, 10)
        assert (world.company.most_under_way, len(set(world.company.sent))) == (3, 10)


async def test_a_persons_next_reply_waits_for_the_one_before(tmp_path):
    async with running(echoing(), tmp_path) as world:
        world.company.gate.clear()
        for count in (1, 2):
            await world.text(1)
            await world.until(events.TurnsCommitted, count)
        assert await world.statuses(1) == ["sending", "queued"]
        world.company.gate.set()
        await world.until(events.AttemptRecorded, 2)
        assert (world.company.most_under_way, await world.statuses(1)) == (1, ["accepted"] * 2)


async def test_a_service_that_stops_sends_what_was_taken_with_its_last_turn(tmp_path):
    clock = RealClock()
    async with running(echoing(), tmp_path) as world:
        finish, committing, go = world.store.finish, asyncio.Event(), asyncio.Event()

        async def slow_finish(results):
            committing.set()
            await go.wait()
            return await finish(results)

        world.store.finish = slow_finish
        await world.text(1)
        await committing.wait()
        closing = asyncio.create_task(world.service.close())
        await asyncio.sleep(0.05)
        go.set()
        await closing
    store = await SQLite.open(tmp_path / "joined.db", now=clock.now)
    [_, reply] = await store.history(OURS, person(1), 10)
    assert (reply.status, (await store.counts()).unclean_exits) == ("accepted", 0)
    await store.close()


async def test_a_stop_between_a_text_and_its_turn_leaves_nothing_to_send(tmp_path):
    app, begun, go = App(), threading.Event(), threading.Event()

    @app.otherwise
    def slow(chat):
        if chat.text == "slow":
            begun.set()
            go.wait(60)
        return "too late"

    async with running(app, tmp_path) as world:
        await world.text(1, "slow")
        await asyncio.to_thread(begun.wait, 60)
        await world.text(1, "STOP")
        go.set()
        await world.until(events.TurnsCommitted)
        await world.text(2)
        await world.until(events.AttemptRecorded)
        assert (await world.statuses(1), len(world.company.sent)) == (["cancelled"], 1)


async def test_a_text_of_a_conversation_under_way_waits_for_its_turn(tmp_path):
    app, begun, go = App(), threading.Event(), threading.Event()
    heard = []

    @app.otherwise
    def slow(chat):
        if chat.text == "slow":
            begun.set()
            go.wait(60)
        heard.append(chat.text)
        return chat.text

    async with running(app, tmp_path) as world:
        heard.clear()
        await world.text(1, "slow")
        await asyncio.to_thread(begun.wait, 60)
        for words in ("one", "two"):
            await world.text(1, words)
        assert heard == []
        go.set()
        await world.until(events.AttemptRecorded, 3)
        assert heard == ["slow", "one", "two"]


async def test_a_text_that_came_meanwhile_has_its_turn_as_soon_as_the_one_before_is_over():
    # delivery rule 32: the commit says that a text is left, so nobody waits for the next look
    app, begun = App(), []
    async with Kit(app) as kit:

        @app.otherwise
        async def slow(chat):
            begun.append((kit.clock.now() - start).total_seconds())
            await kit.clock.sleep(5)
            return chat.text

        anna, ben = kit.phone(), kit.phone()
        start = kit.clock.now()
        kit.send(anna, "one")
        await kit.clock.advance(1)
        kit.send(anna, "two")
        await kit.clock.advance(20)
        assert anna.read() == ["one", "two"]
        assert begun[1] - begun[0] == 5
        kit.send(ben, "three")
        await kit.clock.advance(20)
        assert ben.read() == ["three"]


async def test_an_attempt_whose_process_ends_before_it_is_made_is_in_doubt(tmp_path):
    clock = RealClock()
    async with running(echoing(), tmp_path) as world:
        world.company.gate.clear()
        await world.text(1)
        await world.until(events.AttemptStarted)
        attempts = [one for one in world.events if isinstance(one, events.AttemptStarted)]
        copy = tmp_path / "copy.db"
        await world.store.backup(str(copy))  # the file, as a killed process leaves it
    store = await SQLite.open(copy, now=clock.now)
    [doubt] = await store.due_lookups(OURS, 10)
    assert doubt.outbound.id == attempts[0].outbound.id
    assert (await store.history(OURS, person(1), 10))[-1].status == "unknown"
    await store.close()
