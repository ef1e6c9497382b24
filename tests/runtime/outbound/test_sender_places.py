"""When a sender lends a place to a turn, and what comes of the place."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from cooee.clocks.clock import RealClock, VirtualClock
from cooee.core.errors import TemporaryFailure
from cooee.core.messages import Outbound, Status
from cooee.providers import Accepted, Credentials, Features
from cooee.runtime.events import Events
from cooee.runtime.outbound.backlog import Backlog
from cooee.runtime.outbound.quiet_hours import QuietHoursGate
from cooee.runtime.outbound.sender import Sender
from cooee.storage import NextDue, SendAttempt

OURS, ANNA = "+61491570006", "+61491570156"


def attempt(number):
    outbound = Outbound(id=f"{number}-c1", sender=OURS, recipient=ANNA, text="hello", attempt=1)
    return SendAttempt(outbound, RealClock().now())


class Hold:
    """A number that this process holds, or another."""

    is_held, is_shared = True, False

    @asynccontextmanager
    async def kept(self, on_gain):
        on_gain()
        yield


class World:
    """A sender, its store and its provider: `queued` texts wait, `sent` ones left."""

    def __init__(self, *, rate=None, places=2, queued=0):
        self.clock, self.hold, self.queued = VirtualClock(RealClock().now()), Hold(), queued
        self.sent, self.recorded, self.answers, self.failure = [], [], asyncio.Event(), None
        self.deferred = []
        self.provider, self.webhook_base_url, self.unknown_grace = self, None, timedelta(minutes=1)
        self.features = Features(polling=None, push=True, receipts="none", max_text=1600, rate=rate)
        self.sender = Sender(
            OURS,
            hold=self.hold,
            session=self,
            store=self,
            receipt_handler=self,
            clock=self.clock,
            policy="hold",
            quiet_hours=QuietHoursGate(None, OURS),
            max_concurrency=places,
            backlog=Backlog(self.clock),
            events=Events(),
        )
        self.running = self.clock.spawn(self.sender.run())

    def with_callback(self, outbound):
        return outbound

    async def call(self, flow):
        self.sent.append(flow(Credentials("none")))
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
        return Accepted("p")

    def send(self, outbound, credentials):
        return outbound

    async def take(self, ours, limit):
        taken, self.queued = min(limit, self.queued), max(self.queued - limit, 0)
        return [attempt(100 + n) for n in range(taken)]

    async def next_due(self, *, turns):
        return NextDue(send=self.clock.now() if self.queued else None)

    async def record_results(self, results):
        self.recorded += results
        return ()

    async def defer(self, deferred):
        self.deferred += [outbound.id for outbound, _ in deferred]

    def report_failure(self, outbound):
        raise AssertionError("no text fails for good here")

    async def settle(self):
        for _ in range(20):
            await asyncio.sleep(0)

    async def stop(self):
        self.sender.stop()
        self.answers.set()
        await self.running


async def test_a_sender_lends_the_places_that_it_has_and_sends_what_was_taken():
    world = World(places=2)
    await world.settle()
    assert [world.sender.borrow_place() for _ in range(3)] == [True, True, False]
    world.sender.send([attempt(1)])
    world.sender.send([])
    await world.settle()
    assert [one.id for one in world.sent] == ["1-c1"]
    assert [world.sender.borrow_place() for _ in range(2)] == [True, False]
    world.sender.send([])
    await world.stop()
    assert len(world.recorded) == 1


async def test_a_sender_that_has_not_looked_yet_lends_nothing():
    world = World()
    assert not world.sender.borrow_place()
    await world.stop()


async def test_whoever_waits_for_a_place_goes_before_what_is_said_now():
    world = World(places=2, queued=3)
    await world.settle()
    assert (len(world.sent), world.sender.borrow_place()) == (2, False)
    world.answers.set()
    await world.settle()
    assert len(world.sent) == 3
    await world.settle()
    assert world.sender.borrow_place()  # nobody waits any more
    world.sender.send([])
    await world.stop()


async def test_a_place_that_is_lent_is_not_used_for_a_queued_text():
    world = World(places=2)
    await world.settle()
    assert world.sender.borrow_place()
    world.queued = 5
    world.sender.wake()
    await world.settle()
    assert len(world.sent) == 1
    world.sender.send([])  # the commit took nothing: the place is free for the next
    await world.settle()
    assert len(world.sent) == 2
    world.queued = 0
    await world.stop()


async def test_a_rate_holds_for_what_is_taken_with_turns():
    world = World(rate=2, places=10)
    await world.settle()
    assert [world.sender.borrow_place() for _ in range(3)] == [True, True, False]
    for number in range(2):
        world.sender.send([attempt(number)])
    assert not world.sender.borrow_place()
    await world.stop()


async def test_a_provider_that_asks_for_a_pause_gets_no_text_of_a_turn_meanwhile():
    world = World(places=10)
    await world.settle()
    world.failure = TemporaryFailure("slow down", status=429, retry_after=30)
    assert world.sender.borrow_place()
    world.sender.send([attempt(1)])
    world.answers.set()
    await world.settle()
    assert not world.sender.borrow_place()  # delivery rule 16
    await world.stop()


@pytest.mark.parametrize("reason", ["another process sends", "it stops"])
async def test_a_sender_that_may_not_send_lends_nothing(reason):
    world = World()
    await world.settle()
    if reason == "it stops":
        world.sender.stop()
    else:
        world.hold.is_held = False
    assert not world.sender.borrow_place()
    world.hold.is_held = True
    await world.stop()


async def test_a_sender_that_stops_waits_for_the_places_that_it_lent():
    world = World()
    await world.settle()
    assert world.sender.borrow_place()
    world.sender.stop()
    await world.settle()
    assert not world.running.done()
    world.sender.send([attempt(1)])
    world.answers.set()
    await world.running
    assert [one.outbound.id for one in world.recorded] == ["1-c1"]


async def test_a_process_that_stood_still_makes_no_attempt_that_it_took_before():
    """Another process may have doubted the attempt, looked it up, and sent the text meanwhile."""
    world = World()
    await world.settle()
    assert world.sender.borrow_place()
    world.sender.send([attempt(1)])
    world.hold.is_held = False
    world.answers.set()
    await world.settle()
    assert world.sent == []
    assert [result.status for result in world.recorded] == [Status.QUEUED]
    world.hold.is_held = True
    await world.stop()


async def test_what_comes_to_a_sender_that_was_out_of_time_is_queued_again():
    world = World()
    await world.settle()
    assert world.sender.borrow_place()
    world.sender.stop()
    world.running.cancel()
    with suppress(asyncio.CancelledError):
        await world.running
    world.sender.send([attempt(1)])
    await world.settle()
    assert (world.deferred, world.sent) == (["1-c1"], [])
