"""A handler's thread: shared with others, or its own where it is slow twice running."""

from types import SimpleNamespace

import pytest

from cooee import App
from cooee.clocks.clock import RealClock
from cooee.runtime.events import Events
from cooee.runtime.turns import handler_calls
from cooee.runtime.turns.handler_calls import HandlerCalls


@pytest.mark.parametrize(
    ("took", "shares"),
    [
        ([0.001] * 3, True),
        ([0.001, 0.02], True),  # the machine may have done other work
        ([0.02, 0.02], False),
        ([0.02, 0.001, 0.02], True),
        ([0.02, 0.001, 0.02, 0.02], False),
    ],
    ids=str,
)
async def test_a_handler_that_is_slow_twice_running_gets_a_thread_of_its_own(
    monkeypatch, took, shares
):
    now = [0.0]
    monkeypatch.setattr(handler_calls, "monotonic", lambda: now[0])
    context = SimpleNamespace(app=App(), handler_timeout_s=60, events=Events())
    calls = HandlerCalls(context, RealClock())

    def make_call(seconds):
        def run():
            now[0] += seconds

        return SimpleNamespace(sync=True, chat=None, handler=SimpleNamespace(name="book"), run=run)

    for seconds in took:
        calls.call_here(make_call(seconds))
    assert calls.may_share_thread(make_call(0)) is shares
