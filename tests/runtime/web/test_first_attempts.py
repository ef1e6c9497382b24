"""Who takes the first attempts of a turn's replies: its webhook, its sender, or nobody yet."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from threading import Thread

import pytest
from msgspec.structs import replace

from cooee.clocks.clock import RealClock
from cooee.core.errors import StoreUnavailable
from cooee.core.messages import Inbound, Outbound, Priority
from cooee.runtime.web.awaited_turns import MAX_INLINE_REPLIES, AwaitedTurns
from cooee.runtime.web.first_attempts import FirstAttempts
from cooee.storage import (
    Claim,
    ClaimResult,
    FinishedClaim,
    NewOutbound,
    PendingText,
    SendAttempt,
)

NOW = RealClock().now()
OURS, ANNA = "+61491570006", "+61491570156"
TEXT = Inbound(sender=ANNA, recipient=OURS, text="hi", received_at=NOW, provider_id="SM1")
CLAIM = Claim(b"\xc1", OURS, ANNA, 1, 1, None, None, [PendingText(b"1", 1, TEXT)], 0)
REPLY = Outbound(id="1-c1", sender=OURS, recipient=ANNA, text="hello")


class World:
    """A store that takes what it is asked to take, a webhook, and a sender with places."""

    def __init__(self, *, places=0, error=None):
        self.places, self.error = places, error
        self.limits, self.sent, self.is_woken, self.unwanted = [], [], False, []
        self.awaited_turns = AwaitedTurns(RealClock(), self.unwanted.extend)
        self.first_attempts = FirstAttempts(self, self.awaited_turns, self, asyncio.ensure_future)

    async def finish(self, results):
        self.limits += [one.take_limit for one in results]
        if self.error:
            raise self.error
        attempts = [SendAttempt(REPLY, NOW)]
        return [FinishedClaim(True, attempts[: one.take_limit]) for one in results]

    def with_free_place(self, ours):
        assert ours == OURS
        if not self.places:
            return None
        self.places -= 1
        return self

    def send(self, attempts):
        self.places += 1
        self.sent += attempts

    def wake_all(self):
        self.is_woken = True

    def commit(self, *drafts, **fields):
        result = ClaimResult(claim=CLAIM, handled_seq=1, drafts=drafts, **fields)
        return self.first_attempts.finish([result])


async def test_the_sender_gets_the_first_reply_where_it_has_a_free_place():
    world = World(places=1)
    await world.commit(NewOutbound(text="hello"))
    assert (world.limits, world.sent) == ([1], [SendAttempt(REPLY, NOW)])
    assert (world.places, world.is_woken) == (1, False)


async def test_replies_without_a_place_are_queued_and_the_senders_woken():
    world = World(places=0)
    await world.commit(NewOutbound(text="hello"))
    assert (world.limits, world.sent, world.is_woken) == ([0], [], True)


async def test_the_senders_hear_of_replies_behind_the_first():
    world = World(places=1)
    await world.commit(NewOutbound(text="hello"), NewOutbound(text="and more"))
    assert (world.limits, world.is_woken) == ([1], True)


@pytest.mark.parametrize(
    "draft",
    [
        NewOutbound(text="later", due_at=NOW + timedelta(hours=1)),
        NewOutbound(text="news", priority=Priority.BULK),
        NewOutbound(text="a reminder", priority=Priority.PROACTIVE),
        NewOutbound(text="to nobody", cancelled=True),
    ],
    ids=lambda draft: draft.text,
)
async def test_what_is_no_reply_for_now_is_left_to_the_sender(draft):
    world = World(places=1)
    await world.commit(draft)
    assert (world.limits, world.sent, world.is_woken) == ([0], [], True)


async def test_a_turn_that_says_nothing_borrows_no_place_and_wakes_nobody():
    world = World(places=1)
    await world.commit()
    assert (world.limits, world.is_woken) == ([0], False)


async def test_a_webhook_that_waits_goes_before_the_sender():
    world = World(places=1)
    turn = world.awaited_turns.expect("SM1")
    await world.commit(NewOutbound(text="hello"))
    assert (world.limits, list(turn.replies), world.sent) == ([MAX_INLINE_REPLIES], [REPLY], [])


async def test_a_turn_that_says_nothing_lets_its_webhook_go():
    world = World()
    world.finish = committing_nothing
    turn = world.awaited_turns.expect("SM1")
    await world.commit()
    assert list(turn.replies) == []


async def committing_nothing(results):
    return [FinishedClaim(is_committed=False) for _ in results]


@pytest.mark.parametrize("error", [StoreUnavailable("locked"), ValueError("a bug")])
async def test_a_commit_that_fails_frees_the_place_and_lets_the_webhook_go(error):
    world = World(places=1, error=error)
    with pytest.raises(type(error)):
        await world.commit(NewOutbound(text="hello"))
    assert (world.places, world.sent) == (1, [])
    turn = world.awaited_turns.expect("SM1")
    with pytest.raises(type(error)):
        await world.commit(NewOutbound(text="hello"))
    assert list(turn.replies) == []


async def test_attempts_are_made_though_nobody_waits_for_the_commit_any_more():
    world = World(places=1)
    committing = asyncio.create_task(world.commit(NewOutbound(text="hello")))
    await asyncio.sleep(0)
    committing.cancel()
    with suppress(asyncio.CancelledError):
        await committing
    for _ in range(5):
        await asyncio.sleep(0)
    assert (world.sent, world.places) == ([SendAttempt(REPLY, NOW)], 1)


async def test_a_worker_in_another_loop_hears_of_the_commit_there():
    world, heard = World(places=1), []

    async def commit():
        heard.extend(await world.commit(NewOutbound(text="hello")))

    thread = Thread(target=lambda: asyncio.run(commit()))
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.001)
    assert [one.is_committed for one in heard] == [True]
    assert world.sent == [SendAttempt(REPLY, NOW)]


async def test_each_turn_of_a_batch_has_its_own_taker():
    world = World(places=1)
    turn = world.awaited_turns.expect("SM1")
    drafts = [NewOutbound(text="hello")]
    other = replace(CLAIM, texts=[PendingText(b"2", 2, replace(TEXT, provider_id="SM2"))])
    results = [
        ClaimResult(claim=claim, handled_seq=1, drafts=drafts) for claim in (CLAIM, other, other)
    ]
    await world.first_attempts.finish(results)
    assert world.limits == [MAX_INLINE_REPLIES, 1, 0]
    assert (list(turn.replies), len(world.sent), world.is_woken) == ([REPLY], 1, True)
