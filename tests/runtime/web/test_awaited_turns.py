"""Replies are taken for a webhook right behind their commit, and come back if it has left."""

import asyncio

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.core.errors import StoreUnavailable
from cooee.core.messages import Inbound, Outbound
from cooee.runtime.web.awaited_turns import AwaitedTurns
from cooee.storage import Claim, ClaimResult, PendingText, SendAttempt
from cooee.testing import Kit

NOW = RealClock().now()
TEXT = Inbound(
    sender="+61491570156", recipient="+61491570006", text="hi", received_at=NOW, provider_id="SM1"
)
CLAIM = Claim(
    b"\xc1", TEXT.recipient, TEXT.sender, 1, 1, None, None, [PendingText(b"1", 1, TEXT)], 0
)
REPLY = Outbound(id="1-c1", sender=TEXT.recipient, recipient=TEXT.sender, text="hello")


class Outbox:
    """A store with one reply, handed over when told."""

    def __init__(self, error=None):
        self.gate, self.error, self.taken = asyncio.Event(), error, 0

    async def take_replies(self, ours, theirs, limit):
        self.taken += 1
        await self.gate.wait()
        if self.error:
            raise self.error
        return [SendAttempt(REPLY, NOW)]


class World:
    def __init__(self, error=None):
        self.outbox, self.unwanted = Outbox(error), []
        self.turns = AwaitedTurns(self.outbox, RealClock(), self.unwanted.extend)
        self.turn = self.turns.expect("SM1")

    def finish(self):
        self.turns.turns_finished([ClaimResult(claim=CLAIM, handled_seq=1, last_turn_at=NOW)])

    def waiting(self, seconds=60.0, *, hung_up=False):
        return asyncio.create_task(self.turns.replies(self.turn, seconds, lambda: hung_up))


async def test_the_replies_of_a_finished_turn_are_the_webhooks():
    world = World()
    waiting = world.waiting()
    world.finish()
    world.outbox.gate.set()
    assert await waiting == [REPLY]
    world.turns.leave(world.turn)
    assert (world.unwanted, world.outbox.taken) == ([], 1)


async def test_a_turn_that_is_over_before_anybody_waits_is_there():
    world = World()
    world.finish()
    world.outbox.gate.set()
    assert await world.waiting() == [REPLY]


async def test_a_webhook_that_waited_too_long_leaves_its_replies_to_the_sender():
    world = World()
    assert await world.waiting(0.001) == ()
    world.turns.leave(world.turn)
    world.finish()
    assert world.outbox.taken == 0


async def test_a_webhook_whose_time_is_up_as_its_replies_are_taken_waits_for_them():
    world = World()
    world.finish()
    waiting = world.waiting(0.001)
    await asyncio.sleep(0.01)
    world.outbox.gate.set()
    assert await waiting == [REPLY]


@pytest.mark.parametrize("leaves", ["before", "after"])
async def test_what_is_taken_for_a_webhook_that_has_left_comes_back(leaves):
    world = World()
    world.finish()
    if leaves == "before":
        world.turns.leave(world.turn)
    world.outbox.gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    if leaves == "after":
        world.turns.leave(world.turn)
    assert world.unwanted == [REPLY]


async def test_what_is_taken_for_a_provider_that_hung_up_comes_back_once():
    world = World()
    waiting = world.waiting(hung_up=True)
    world.finish()
    world.outbox.gate.set()
    assert await waiting == ()
    world.turns.leave(world.turn)
    assert world.unwanted == [REPLY]


async def test_a_database_that_refuses_leaves_the_replies_to_the_sender():
    world = World(StoreUnavailable("locked"))
    waiting = world.waiting()
    world.finish()
    world.outbox.gate.set()
    assert await waiting == ()


async def test_one_webhook_awaits_a_text_and_the_next_after_it():
    world = World()
    assert world.turns.expect("SM1") is None
    world.turns.leave(world.turn)
    assert world.turns.expect("SM1") is not None


async def test_the_take_follows_its_commit_before_any_other_take():
    app = App()

    @app.otherwise
    def echo(chat):
        return "hello"

    async with Kit(app, provider="twilio", settings={"TWILIO_REPLY_BY": "webhook"}) as kit:
        verbs, write = [], kit.store._write

        def noted(function, *args, **kwargs):
            verbs.append(function.__name__)
            return write(function, *args, **kwargs)

        kit.store._write = noted
        assert await kit.phone().text("hi") == ["hello"]
    at = verbs.index("finish_claims")
    assert verbs[at + 1] == "take_replies"
