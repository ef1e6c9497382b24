"""Events tell of each text's turn: at its handler's call, and when the handler has run."""

from asyncio import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from cooee import App
from cooee.core.messages import Inbound
from cooee.runtime.events import Events, HandlerRan, HandlerStarted
from cooee.runtime.turns.claim_turns import run_claim
from cooee.runtime.turns.context import TurnContext
from cooee.runtime.turns.effects import HandlerCall
from cooee.runtime.turns.turn_thread import TurnRunner
from cooee.storage import Claim, PendingText

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Count:
    n: int = 0


def run_texts(*words):
    app, seen = App(state=Count), []

    @app.on("ADD {n:d}")
    def add(chat, n):
        chat.state.n += n
        return "ok"

    @app.on("BREAK")
    def broken(chat):
        chat.state.n = 99
        raise ValueError("no")

    texts = [
        PendingText(
            bytes([seq]), seq, Inbound(sender="a", recipient="b", text=text, received_at=NOW)
        )
        for seq, text in enumerate(words, 1)
    ]
    claim = Claim(b"c", "b", "a", 1, 1, None, None, texts)
    events = Events([seen.append])
    context = TurnContext(app, None, lambda: NOW + timedelta(1), lambda *_: None, events=events)
    runner = TurnRunner(run_claim(context, claim))
    step = runner.advance()
    while isinstance(step, HandlerCall):
        try:
            reply = step.run()
        except ValueError as error:
            step = runner.advance(error=error)
        else:
            step = runner.advance(reply)
    return seen


def test_each_text_is_seen_with_its_handler_and_its_state_before_and_after():
    seen = run_texts("ADD 2", "ADD 3")
    assert [type(one) for one in seen] == [HandlerStarted, HandlerRan] * 2
    assert {one.handler.name.rpartition(".")[2] for one in seen[::2]} == {"add"}
    assert [(one.state_before, one.state_after) for one in seen[1::2]] == [
        (None, b'{"n":2}'),
        (b'{"n":2}', b'{"n":5}'),
    ]


def test_a_failed_turn_is_seen_with_its_exception_and_an_unchanged_state():
    *_, last = run_texts("ADD 2", "BREAK", "ADD 3")
    assert (last.pending.seq, last.state_before, last.state_after) == (2, b'{"n":2}', b'{"n":2}')
    assert isinstance(last.error, ValueError)
    assert "test_events.py:" in last.location


def test_a_text_that_nothing_answers_is_seen_as_over():
    (only,) = run_texts("what?")
    assert (type(only), only.error) == (HandlerRan, None)


@pytest.mark.parametrize("error", [ValueError, SystemExit, CancelledError, GeneratorExit])
def test_a_listener_that_raises_hurts_nobody_and_one_that_ended_hears_nothing(caplog, error):
    heard = []

    def broken(event):
        raise error("+61491570156")

    events = Events([broken])
    end = events.subscribe(heard.append)
    events.publish("one")
    end()
    events.publish("two")
    assert heard == ["one"]
    assert [record.getMessage() for record in caplog.records] == ["listener-failed"] * 2
