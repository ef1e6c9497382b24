"""Whoever observes sees each text of a turn: at its handler's call, and when it is over."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cooee import App
from cooee.core.messages import Inbound
from cooee.runtime.turns.claim_turns import turns
from cooee.runtime.turns.context import Surroundings
from cooee.runtime.turns.effects import Call
from cooee.runtime.turns.turn_thread import Game
from cooee.storage import Claim, Pending

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Count:
    n: int = 0


def play(*words):
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
        Pending(bytes([seq]), seq, Inbound(sender="a", recipient="b", text=text, received_at=NOW))
        for seq, text in enumerate(words, 1)
    ]
    claim = Claim(b"c", "b", "a", 1, 1, None, None, texts)
    around = Surroundings(app, None, lambda: NOW + timedelta(1), lambda *_: None, seen.append)
    game = Game(turns(around, claim))
    step = game.move()
    while isinstance(step, Call):
        try:
            reply = step.run()
        except ValueError as error:
            step = game.move(error=error)
        else:
            step = game.move(reply)
    return seen


def test_each_text_is_seen_with_its_handler_and_its_state_before_and_after():
    seen = play("ADD 2", "ADD 3")
    assert [one.handler and one.handler.name.rpartition(".")[2] for one in seen] == [
        "add",
        None,
    ] * 2
    assert [one.over for one in seen] == [False, True, False, True]
    assert [(one.before, one.after) for one in seen if one.over] == [
        (None, b'{"n":2}'),
        (b'{"n":2}', b'{"n":5}'),
    ]


def test_a_failed_turn_is_seen_with_its_exception_and_an_unchanged_state():
    *_, last = play("ADD 2", "BREAK", "ADD 3")
    assert (last.pending.seq, last.before, last.after) == (2, b'{"n":2}', b'{"n":2}')
    assert isinstance(last.error, ValueError)


def test_a_text_that_nothing_answers_is_seen_as_over():
    (only,) = play("what?")
    assert (only.over, only.handler, only.error) == (True, None, None)
