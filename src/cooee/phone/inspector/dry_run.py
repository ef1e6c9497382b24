"""Replays a suspended dialogue in today's code, without a new text or timer."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from cooee.core.app.routes import Dialogue
from cooee.core.dialogue.journal import Journal
from cooee.core.dialogue.replay import TurnOutcome, run_turn
from cooee.runtime.turns.context import TurnContext, make_dialogue_context
from cooee.runtime.turns.thread_call import ThreadCall, dialogue_timeout_error, stack_of_thread
from cooee.storage import StoredDialogue

_TIMEOUT_S = 2.0  # seconds after which a replay is given up


async def replay_in_thread(
    context: TurnContext, dialogue: Dialogue, stored: StoredDialogue, journal: Journal
) -> TurnOutcome | None:
    """Replay a dialogue at the moment of its last suspension; None: it would call something once.

    Raises:
        DialogueError: the replay took too long.
        BaseException: the app's code raised it.
    """
    call = ThreadCall(_replay, context, dialogue, stored, journal)
    timeout = asyncio.timeout(_TIMEOUT_S)
    try:
        async with timeout:
            return await asyncio.wrap_future(call.future)
    except TimeoutError:
        if not timeout.expired():
            raise
        stack = stack_of_thread(call.thread_id)
        raise dialogue_timeout_error(dialogue.name, _TIMEOUT_S, stack) from None


def _replay(
    context: TurnContext, dialogue: Dialogue, stored: StoredDialogue, journal: Journal
) -> TurnOutcome | None:
    waiting = journal.waiting
    now = journal.started_at if waiting is None else waiting.asked_at
    replayed = make_dialogue_context(context, dialogue, stored, _refuse_history, strict=True)
    flow = run_turn(replayed, journal, None, now)
    try:
        next(flow)
    except StopIteration as done:
        outcome: TurnOutcome = done.value
        return outcome
    flow.close()
    return None


async def _refuse_history(_: int) -> NoReturn:
    raise AssertionError("Only a once may recall, and none is carried out.")
