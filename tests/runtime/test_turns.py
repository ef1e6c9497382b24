"""A claim played by hand: who is blamed where the process ended in the middle of it."""

from datetime import UTC, datetime, timedelta

import pytest

from cooee import App
from cooee.core.dialogue import begin
from cooee.core.journal import write_head
from cooee.core.messages import Inbound
from cooee.runtime.steps import Call
from cooee.runtime.surroundings import Surroundings
from cooee.runtime.turns import turns
from cooee.storage import Claim, Dialogue, Pending

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def played(attempts, *, dialogue=True, text=True):
    """What comes of a claim's given attempt: a dialogue that is to begin, and a text."""
    app, ran = App(sorry=None), []

    @app.dialogue()
    async def chase(chat):
        ran.append("chase")
        return await chat.ask("Is it paid?")

    @app.otherwise
    def otherwise(chat):
        ran.append("text")

    head = write_head(begin("d", "chase", {}, None, NOW))
    due = [Dialogue(id="d", handler="chase", head=head, due_at=NOW)] if dialogue else []
    inbound = Inbound(sender="a", recipient="b", text="hello", received_at=NOW)
    texts = [Pending(b"t", 3, inbound)] if text else []
    claim = Claim(b"c", "b", "a", 1, attempts, None, None, texts, 2, due)
    now = NOW + timedelta(minutes=1)
    around = Surroundings(app, None, lambda: now, lambda *_: None, program="v1")
    game = turns(around, claim)
    try:
        step = next(game)
        while True:
            assert isinstance(step, Call)
            step = game.send(step.run())
    except StopIteration as done:
        return ran, done.value


def test_a_dialogue_that_goes_before_a_text_is_blamed_before_it():
    ran, finish = played(6)
    assert ran == []
    assert (finish.failure.dialogue, finish.failure.seq) == ("d", 0)
    assert (finish.failure.retry_at, finish.failure.program) == (None, "v1")
    assert "ended 5 times while chase went on by itself" in finish.failure.error
    assert finish.handled == 2, "the text has its turn in the next claim"


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_both_have_their_turn_while_there_are_attempts_left(attempts):
    ran, finish = played(attempts)
    assert ran[0] == "chase"
    assert finish.failure is None
    assert finish.handled == 3


def test_a_text_alone_and_an_alarm_alone_are_blamed_themselves():
    ran, finish = played(6, dialogue=False)
    assert (ran, finish.failure.seq, finish.failure.program) == ([], 3, "")
    ran, finish = played(6, text=False)
    assert (ran, finish.failure.dialogue) == ([], "d")
