"""Who pushes texts waits while replies wait for their sender, and for nothing else."""

import asyncio
from datetime import timedelta

from cooee.clocks.clock import VirtualClock
from cooee.core.messages import Outbound, Priority
from cooee.runtime.outbound.backlog import Backlog
from cooee.storage import SendAttempt

OURS, OTHER = "+61491570006", "+61491570110"


def taken(clock, waited_s, *, priority=Priority.REPLY, attempt=1):
    outbound = Outbound(
        id="1-c1", sender=OURS, recipient="+61491570156", text="hello", attempt=attempt
    )
    return SendAttempt(outbound, clock.now() - timedelta(seconds=waited_s), priority)


async def is_held(backlog):
    waiting = asyncio.ensure_future(backlog.wait_for_room())
    await asyncio.sleep(0)
    held = not waiting.done()
    waiting.cancel()
    return held


async def test_a_reply_that_waited_long_holds_until_the_sender_has_caught_up():
    clock = VirtualClock()
    backlog = Backlog(clock)
    assert not await is_held(backlog)
    backlog.note_taken(OURS, [taken(clock, 0.01), taken(clock, 0.2)], clock.now())
    waiting = [asyncio.ensure_future(backlog.wait_for_room()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    backlog.note_taken(OURS, [taken(clock, 0.01)], clock.now())
    await asyncio.gather(*waiting)
    assert not await is_held(backlog)


async def test_an_empty_queue_and_an_idle_sender_hold_nobody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    for end in (lambda: backlog.note_taken(OURS, [], clock.now()), lambda: backlog.note_idle(OURS)):
        backlog.note_taken(OURS, [taken(clock, 1)], clock.now())
        assert await is_held(backlog)
        end()
        assert not await is_held(backlog)


async def test_neither_bulk_nor_another_try_holds_anybody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    late = [taken(clock, 9, priority=Priority.BULK), taken(clock, 9, attempt=2)]
    backlog.note_taken(OURS, [*late, taken(clock, 9, priority=Priority.PROACTIVE)], clock.now())
    assert not await is_held(backlog)


async def test_one_number_that_has_caught_up_leaves_the_other_late():
    clock = VirtualClock()
    backlog = Backlog(clock)
    for number in (OURS, OTHER):
        backlog.note_taken(number, [taken(clock, 1)], clock.now())
    backlog.note_idle(OTHER)
    assert await is_held(backlog)


async def test_nobody_is_held_for_more_than_two_seconds():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_taken(OURS, [taken(clock, 1)], clock.now())
    waiting = clock.spawn(backlog.wait_for_room())
    await clock.advance(1.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert waiting.done()
