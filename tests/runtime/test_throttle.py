"""Many calls are passed on as a few, the first at once and the last in a moment."""

from cooee.clocks.clock import VirtualClock
from cooee.runtime.throttle import Throttle


async def test_calls_are_gathered():
    clock, calls = VirtualClock(), []
    throttle = Throttle(lambda: calls.append(clock.now().microsecond), 0.05, clock, clock.spawn)
    throttle.call()
    assert calls == [0]  # at once
    for _ in range(1000):
        throttle.call()
    assert calls == [0]
    await clock.advance(0.05)
    assert calls == [0, 50_000]
    await clock.advance(1)
    assert len(calls) == 2  # nobody called since
    throttle.call()
    assert len(calls) == 3


async def test_the_last_call_is_never_lost():
    clock, calls = VirtualClock(), []
    throttle = Throttle(lambda: calls.append(clock.now()), 0.05, clock, clock.spawn)
    for _ in range(100):
        throttle.call()
        await clock.advance(0.01)
    last = clock.now()
    throttle.call()
    await clock.advance(0.05)
    assert len(calls) <= 22
    assert calls[-1] >= last
