"""A dialogue on the code as it is now: where it stands, before anything new happens to it."""

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
    """What it comes to at the moment when it last stood still; None: to something to do once.

    Raises:
        Exception: what the code raises there.
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
