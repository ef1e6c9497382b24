"""Who pushes texts waits while texts or replies wait for us, and for nothing else."""

import asyncio
from datetime import timedelta

from cooee.clocks.clock import VirtualClock
from cooee.core.app.routes import Handler
from cooee.core.messages import Inbound, Outbound, Priority
from cooee.runtime.events import HandlerStarted
from cooee.runtime.outbound.backlog import Backlog
from cooee.storage import Claim, PendingText, SendAttempt

OURS, OTHER, THEIRS = "+61491570006", "+61491570110", "+61491570156"
HANDLER = Handler(lambda chat: None, "a handler", "", sync=True)


def attempt_after(clock, waited_s, *, priority=Priority.REPLY, attempt=1):
    outbound = Outbound(id="1-c1", sender=OURS, recipient=THEIRS, text="hello", attempt=attempt)
    return SendAttempt(outbound, clock.now() - timedelta(seconds=waited_s), priority)


def turn_after(clock, waited_s, *, attempt=1, with_text=True):
    received_at = clock.now() - timedelta(seconds=waited_s)
    inbound = Inbound(sender=THEIRS, recipient=OURS, text="hi", received_at=received_at)
    text = PendingText(b"id", 1, inbound, True)
    texts = [text] if with_text else []
    claim = Claim(b"c", OURS, THEIRS, 1, attempt, None, None, texts, 0, ())
    return HandlerStarted(claim, text if with_text else None, HANDLER)


async def is_held(backlog):
    waiting = asyncio.ensure_future(backlog.wait_for_room())
    await asyncio.sleep(0)
    held = not waiting.done()
    waiting.cancel()
    return held


async def test_a_reply_that_waited_long_holds_until_one_goes_out_in_time():
    clock = VirtualClock()
    backlog = Backlog(clock)
    assert not await is_held(backlog)
    backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    waiting = [asyncio.ensure_future(backlog.wait_for_room()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    backlog.note_attempt(OURS, attempt_after(clock, 0.01))
    await asyncio.gather(*waiting)
    assert not await is_held(backlog)


async def test_a_text_that_waited_long_holds_until_one_is_answered_in_time():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.hear_event(turn_after(clock, 0.2))
    assert await is_held(backlog)
    backlog.hear_event(turn_after(clock, 0.01))
    assert not await is_held(backlog)


async def test_a_timer_and_a_text_that_is_tried_again_hold_nobody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.hear_event(turn_after(clock, 9, attempt=2))
    backlog.hear_event(turn_after(clock, 9, with_text=False))
    assert not await is_held(backlog)


async def test_an_idle_sender_holds_nobody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 1))
    assert await is_held(backlog)
    backlog.note_idle(OURS)
    assert not await is_held(backlog)


async def test_neither_bulk_nor_another_try_holds_anybody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    for late in (
        attempt_after(clock, 9, priority=Priority.BULK),
        attempt_after(clock, 9, priority=Priority.PROACTIVE),
        attempt_after(clock, 9, attempt=2),
    ):
        backlog.note_attempt(OURS, late)
        assert not await is_held(backlog)


async def test_one_number_that_has_caught_up_leaves_the_other_late():
    clock = VirtualClock()
    backlog = Backlog(clock)
    for number in (OURS, OTHER):
        backlog.note_attempt(number, attempt_after(clock, 1))
    backlog.note_idle(OTHER)
    assert await is_held(backlog)


async def test_nobody_is_held_for_more_than_two_seconds():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 1))
    waiting = clock.spawn(backlog.wait_for_room())
    await clock.advance(1.9)
    backlog.note_attempt(OURS, attempt_after(clock, 1))
    assert not waiting.done()
    await clock.advance(0.2)
    assert waiting.done()


async def test_what_was_late_long_ago_holds_nobody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.hear_event(turn_after(clock, 1))
    await clock.advance(2)
    assert not await is_held(backlog)
