"""Who pushes texts waits while texts or replies wait for us, and for nothing else."""

import asyncio
from datetime import timedelta

from cooee.clocks.clock import VirtualClock
from cooee.core.app.routes import Handler
from cooee.core.messages import Inbound, Outbound, Priority
from cooee.runtime.events import HandlerStarted, TurnsCommitted
from cooee.runtime.outbound.backlog import Backlog
from cooee.storage import Claim, ClaimResult, PendingText, SendAttempt

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


def committed(started):
    return TurnsCommitted(ClaimResult(claim=started.claim, handled_seq=1), 0.1)


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


class Pushes:
    """Pushes that wait to be answered, in the order in which they came."""

    def __init__(self, backlog, count):
        self.waiting = [asyncio.ensure_future(backlog.wait_for_room()) for _ in range(count)]

    async def answered(self):
        """Return how many were answered; none before one that came earlier."""
        await settle()
        done = [one.done() for one in self.waiting]
        assert done == sorted(done, reverse=True)
        return sum(done)

    def cancel(self):
        for one in self.waiting:
            one.cancel()


async def is_held(backlog):
    pushes = Pushes(backlog, 1)
    held = not await pushes.answered()
    pushes.cancel()
    return held


async def test_who_comes_while_all_is_in_time_waits_for_nothing():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 0.01))
    backlog.hear_event(turn_after(clock, 0.01))
    backlog.note_full(OURS)
    assert not await is_held(backlog)


async def test_while_replies_go_out_late_three_pushes_are_answered_for_four_of_them():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    pushes = Pushes(backlog, 20)
    assert await pushes.answered() == 0
    for _ in range(8):
        backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    assert await pushes.answered() == 6
    for _ in range(3):
        backlog.note_attempt(OURS, attempt_after(clock, 0.01))
    assert await pushes.answered() == 12, "two for each one that goes out in time"
    pushes.cancel()


async def test_while_texts_wait_for_their_handlers_the_turns_set_the_pace():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.hear_event(turn_after(clock, 0.2))
    pushes = Pushes(backlog, 20)
    for _ in range(8):
        backlog.note_attempt(OURS, attempt_after(clock, 0.01))
    assert await pushes.answered() == 0
    for _ in range(4):
        backlog.hear_event(turn_after(clock, 0.2))
    assert await pushes.answered() == 3
    backlog.hear_event(committed(turn_after(clock, 0.2)))
    assert await pushes.answered() == 20, "no handler has begun since, so none may wait"


async def test_while_both_are_late_the_replies_set_the_pace():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    backlog.hear_event(turn_after(clock, 0.2))
    pushes = Pushes(backlog, 20)
    for _ in range(8):
        backlog.hear_event(turn_after(clock, 0.2))
    assert await pushes.answered() == 0
    for _ in range(4):
        backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    assert await pushes.answered() == 3
    pushes.cancel()


async def test_a_timer_and_a_text_that_is_tried_again_hold_nobody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.hear_event(turn_after(clock, 9, attempt=2))
    backlog.hear_event(turn_after(clock, 9, with_text=False))
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


async def test_a_reply_that_waits_for_a_place_holds_before_one_is_free():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_full(OURS)
    await clock.advance(0.02)
    backlog.note_full(OURS)
    assert not await is_held(backlog)
    await clock.advance(0.02)
    backlog.note_full(OURS)
    assert await is_held(backlog)


async def test_the_next_reply_in_the_queue_waits_since_the_last_one_that_was_taken():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_taken(OURS, [attempt_after(clock, 0.2)], free=0, is_idle=False)
    backlog.note_full(OURS)
    assert await is_held(backlog)


async def test_what_is_no_reply_was_taken_after_all_replies():
    clock = VirtualClock()
    backlog = Backlog(clock)
    bulk = attempt_after(clock, 9, priority=Priority.BULK)
    backlog.note_taken(OURS, [attempt_after(clock, 0.2), bulk], free=0, is_idle=False)
    backlog.note_full(OURS)
    assert not await is_held(backlog)


async def test_free_places_are_for_as_many_pushes_and_an_idle_sender_for_all():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    pushes = Pushes(backlog, 20)
    assert await pushes.answered() == 0
    backlog.note_taken(OURS, [attempt_after(clock, 0.01)], free=5, is_idle=False)
    assert await pushes.answered() == 5
    backlog.note_taken(OURS, [], free=16, is_idle=True)
    assert await pushes.answered() == 20


async def test_a_sender_that_waits_for_its_rate_holds_nobody():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 0.2))
    pushes = Pushes(backlog, 20)
    assert await pushes.answered() == 0
    backlog.note_idle(OURS)
    assert await pushes.answered() == 20


async def test_one_number_that_has_caught_up_leaves_the_other_late():
    clock = VirtualClock()
    backlog = Backlog(clock)
    for number in (OURS, OTHER):
        backlog.note_attempt(number, attempt_after(clock, 1))
    pushes = Pushes(backlog, 1)
    backlog.note_idle(OURS)
    assert await pushes.answered() == 0
    backlog.note_idle(OTHER)
    assert await pushes.answered() == 1


async def test_nobody_is_held_for_more_than_two_seconds():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.note_attempt(OURS, attempt_after(clock, 1))
    waiting = clock.spawn(backlog.wait_for_room())
    backlog.note_full(OURS)
    for _ in range(4):
        assert not waiting.done()
        await clock.advance(0.5)
        backlog.note_full(OURS)
    assert waiting.done()


async def test_after_a_calm_second_pushes_are_answered_at_once_again():
    clock = VirtualClock()
    backlog = Backlog(clock)
    backlog.hear_event(turn_after(clock, 1))
    backlog.hear_event(turn_after(clock, 0.01))
    assert await is_held(backlog), "the next text that goes on has it answered"
    waiting = clock.spawn(backlog.wait_for_room())
    await clock.advance(1)
    assert waiting.done()
    assert not await is_held(backlog)
