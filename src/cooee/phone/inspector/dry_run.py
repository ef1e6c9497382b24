"""Replays a suspended dialogue in today's code, without a new text or timer."""

from __future__ import annotations

from typing import NoReturn

from cooee.core.app.routes import Dialogue
from cooee.core.dialogue import replay as driver
from cooee.core.dialogue.journal import Journal
from cooee.core.dialogue.replay import TurnOutcome
from cooee.runtime.turns.context import TurnContext, make_dialogue_context
from cooee.storage import StoredDialogue


def replay_current_code(
    context: TurnContext, dialogue: Dialogue, stored: StoredDialogue, journal: Journal
) -> TurnOutcome | None:
    """Replay a dialogue at the moment of its last suspension; None: it would call something once.

    Raises:
        Exception: the app's code raised it.
    """
    waiting = journal.waiting
    now = journal.started_at if waiting is None else waiting.asked_at
    flow = driver.run_turn(
        make_dialogue_context(context, dialogue, stored, _refuse_history, strict=True),
        journal,
        None,
        now,
    )
    try:
        next(flow)
    except StopIteration as done:
        outcome: TurnOutcome = done.value
        return outcome
    flow.close()
    return None


async def _refuse_history(_: int) -> NoReturn:
    raise AssertionError("Only a once may recall, and none is carried out.")
