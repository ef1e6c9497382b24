"""The timers of a person's waiting dialogues after a deploy, fitted to the new code."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import NoReturn

from msgspec.structs import replace

from cooee.clocks.clock import monotonic
from cooee.core.app.routes import Dialogue
from cooee.core.dialogue.timer_fit import fit_timer, has_timer_of
from cooee.runtime.turns.context import TurnContext, make_dialogue_context
from cooee.runtime.turns.effects import HandlerCall, TurnFlow
from cooee.runtime.turns.open_dialogues import OpenDialogue, load_dialogues
from cooee.runtime.turns.progress import ClaimProgress
from cooee.storage import Claim

_MILLISECOND = timedelta(milliseconds=1)  # of which a stored time has no parts


def fit_timers(
    context: TurnContext, claim: Claim, progress: ClaimProgress
) -> TurnFlow[ClaimProgress]:
    """Set the timer of each waiting dialogue that another version of the code has set.

    Nothing is said, asked, done or recorded. A dialogue whose handler fails is left as it is: its
    next turn fails too, and shows why.
    """
    version = context.code_version()
    for live in progress.dialogues.unfinished:
        definition = _definition_to_fit(context, live, version)
        if definition is not None:
            fitted = yield from _fit_timer(context, claim, progress, live, definition, version)
            progress = replace(progress, dialogues=progress.dialogues.with_replaced(fitted))
    return progress


def has_outdated_timers(context: TurnContext, claim: Claim) -> bool:
    """Tell whether `fit_timers` has anything to do for the dialogues of a claim."""
    version = context.code_version()
    dialogues = load_dialogues(claim, context.now()).unfinished
    return any(_definition_to_fit(context, live, version) for live in dialogues)


def _definition_to_fit(context: TurnContext, live: OpenDialogue, version: str) -> Dialogue | None:
    """Return today's definition of a dialogue whose timer other code has set, else None."""
    is_waiting = live.journal is not None and live.waiting is not None and not live.speaks_first
    if not is_waiting or live.journal is None or has_timer_of(live.journal, version):
        return None
    is_left = live.handler in context.app.retired_dialogues or (
        live.handler in context.hanging_handlers
    )
    if is_left or not _is_set_by_its_question(live):
        return None
    return context.app.routes.dialogue_named(live.handler)


def _is_set_by_its_question(live: OpenDialogue) -> bool:
    """Tell whether a dialogue is due when its question says; not by a retry, or put off."""
    assert live.waiting is not None
    due_at, own_due_at = live.due_at, live.waiting.due_at
    if live.attempts or due_at is None or own_due_at is None:
        return not live.attempts and due_at is own_due_at
    return abs(due_at - own_due_at) < _MILLISECOND


def _fit_timer(  # noqa: PLR0917 -- all that a run needs, once
    context: TurnContext,
    claim: Claim,
    progress: ClaimProgress,
    live: OpenDialogue,
    definition: Dialogue,
    version: str,
) -> TurnFlow[OpenDialogue]:
    assert live.journal is not None
    dialogue_context = make_dialogue_context(context, definition, claim, _no_history, strict=False)
    run = partial(fit_timer, dialogue_context, live.journal, progress.state)
    handler, limit_s = definition.handler, context.dialogue_timeout_s
    began_at = monotonic()
    try:
        # no turn, so no middleware hears of it
        waiting = yield HandlerCall(handler, claim.turn_id, None, run, True, limit_s)
    except Exception:
        waiting = None
        if monotonic() - began_at >= limit_s:  # each further run would cost a thread for good
            context.hanging_handlers.add(live.handler)
    journal = replace(live.journal, timer_version=version, waiting=waiting or live.waiting)
    due_at = live.due_at if waiting is None else waiting.due_at
    return replace(live, journal=journal, due_at=due_at, is_changed=True)


async def _no_history(_: int) -> NoReturn:
    raise AssertionError("Only a once may recall, and none is carried out.")
