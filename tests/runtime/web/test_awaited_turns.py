"""Replies are taken for a webhook in their commit, and come back if it has left."""

import asyncio

import pytest
from msgspec.structs import replace

from cooee.clocks.clock import RealClock
from cooee.core.messages import Inbound, Outbound
from cooee.runtime.web.awaited_turns import AwaitedTurns
from cooee.storage import Claim, PendingText, SendAttempt

NOW = RealClock().now()
TEXT = Inbound(
    sender="+61491570156", recipient="+61491570006", text="hi", received_at=NOW, provider_id="SM1"
)
CLAIM = Claim(
    b"\xc1", TEXT.recipient, TEXT.sender, 1, 1, None, None, [PendingText(b"1", 1, TEXT)], 0
)
REPLY = Outbound(id="1-c1", sender=TEXT.recipient, recipient=TEXT.sender, text="hello")


class World:
    """A webhook that waits for a turn; `begin` and `commit` are the two ends of the commit."""

    def __init__(self):
        self.unwanted = []
        self.turns = AwaitedTurns(RealClock(), self.unwanted.extend)
        self.turn = self.turns.expect("SM1")

    def begin(self, claim=CLAIM):
        self.finishing = self.turns.finish(claim)

    def commit(self, *replies):
        self.turns.hand_over(self.finishing, [SendAttempt(reply, NOW) for reply in replies])

    def waiting(self, seconds=60.0, *, hung_up=False):
        return asyncio.create_task(self.turns.replies(self.turn, seconds, lambda: hung_up))


async def test_the_replies_of_a_finished_turn_are_the_webhooks():
    world = World()
    waiting = world.waiting()
    world.begin()
    world.commit(REPLY)
    assert await waiting == [REPLY]
    world.turns.leave(world.turn)
    assert world.unwanted == []


async def test_a_turn_that_is_over_before_anybody_waits_is_there():
    world = World()
    world.begin()
    world.commit(REPLY)
    assert await world.waiting() == [REPLY]


async def test_a_webhook_that_waited_too_long_leaves_its_replies_to_the_sender():
    world = World()
    assert await world.waiting(0.001) == ()
    world.turns.leave(world.turn)
    world.begin()
    assert list(world.finishing) == []


async def test_a_webhook_whose_time_is_up_during_the_commit_waits_for_its_replies():
    world = World()
    world.begin()
    waiting = world.waiting(0.001)
    await asyncio.sleep(0.01)
    world.commit(REPLY)
    assert await waiting == [REPLY]


@pytest.mark.parametrize("leaves", ["before", "after"])
async def test_what_is_taken_for_a_webhook_that_has_left_comes_back(leaves):
    world = World()
    world.begin()
    if leaves == "before":
        world.turns.leave(world.turn)
    world.commit(REPLY)
    if leaves == "after":
        world.turns.leave(world.turn)
    assert world.unwanted == [REPLY]


async def test_what_is_taken_for_a_provider_that_hung_up_comes_back_once():
    world = World()
    waiting = world.waiting(hung_up=True)
    world.begin()
    world.commit(REPLY)
    assert await waiting == ()
    world.turns.leave(world.turn)
    assert world.unwanted == [REPLY]


async def test_a_commit_that_takes_nothing_lets_the_webhook_go():
    world = World()
    waiting = world.waiting()
    world.begin()
    world.commit()
    assert list(await waiting) == []


async def test_of_two_webhooks_of_one_turn_the_first_answers_and_none_waits():
    world = World()
    second = world.turns.expect("SM2")
    texts = [PendingText(b"1", 1, TEXT), PendingText(b"2", 2, replace(TEXT, provider_id="SM2"))]
    world.begin(replace(CLAIM, texts=texts))
    world.commit(REPLY)
    assert await world.waiting() == [REPLY]
    assert list(await world.turns.replies(second, 60.0, lambda: False)) == []


async def test_one_webhook_awaits_a_text_and_the_next_after_it():
    world = World()
    assert world.turns.expect("SM1") is None
    world.turns.leave(world.turn)
    assert world.turns.expect("SM1") is not None
