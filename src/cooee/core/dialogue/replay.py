"""One turn of a dialogue: replay its handler from the first line against its journal."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from datetime import datetime, timedelta
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, NoReturn, TypeAlias

from msgspec.structs import replace

from cooee.core.dialogue.call_sites import coroutine_location
from cooee.core.dialogue.dialogue_context import DialogueContext
from cooee.core.dialogue.divergence import Divergence, outside_change_message, two_ways_error
from cooee.core.dialogue.engine_requests import (
    ABANDONED,
    SUSPENDED,
    FatalRequest,
    OnceRequest,
)
from cooee.core.dialogue.error_messages import foreign_await_message
from cooee.core.dialogue.inputs import describe_retyped_input, fit_inputs
from cooee.core.dialogue.journal import (
    NO_KEY,
    Journal,
    OpeningText,
)
from cooee.core.dialogue.once_effects import (
    AppendEntries,
    CallOnce,
    CallResult,
    ReplayEffect,
    perform_once,
)
from cooee.core.dialogue.outcome import (
    EndReason,
    OutgoingText,
    TurnOutcome,
    ended_outcome,
    next_round,
    returned_outcome,
    suspended_outcome,
)
from cooee.core.dialogue.questions import IncomingText
from cooee.core.dialogue.run import Run
from cooee.core.dialogue.sandbox import close_handler, resume_handler
from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.dialogue.verbs import Verbs
from cooee.core.errors import (
    DialogueError,
    Ended,
    ForeignAwait,
    NoReply,
    NotDeterministic,
    TooManyAttempts,
    Unanswered,
)

__all__ = [
    "AppendEntries",
    "CallOnce",
    "CallResult",
    "DialogueContext",
    "IncomingText",
    "OutgoingText",
    "ReplayEffect",
    "TurnOutcome",
    "check_replay",
    "new_journal",
    "next_round",
    "run_turn",
]


_RUNS_TO_COMPARE = 2
"""Further runs of a turn that went another way than before; chance rarely agrees with itself."""


ReplayFlow: TypeAlias = Generator[ReplayEffect, "CallResult | None", TurnOutcome]


def new_journal(
    id: str,
    handler: str,
    inputs: dict[str, Any],
    state: bytes | None,
    now: datetime,
    *,
    opening: IncomingText | None = None,
) -> Journal:
    """Return the journal of a dialogue that starts now; `opening` is the text that begins it.

    Raises:
        Unstorable: an input cannot be stored.
    """
    text = _storable_text(opening)
    return Journal(
        id=id,
        handler=handler,
        inputs=encode_value(inputs),
        initial_state=state,
        started_at=now,
        opening=None if text is None else OpeningText(text.text, text.media),
    )


def run_turn(
    context: DialogueContext,
    journal: Journal,
    text: IncomingText | None,
    now: datetime,
    stored_state: bytes | None = None,
) -> ReplayFlow:
    """Replay a dialogue: for a text to its open question, for a timer, or to start it.

    Args:
        context: the handler, the app's services and the two phone numbers.
        journal: the committed journal of the dialogue.
        text: the text to its open question; None for a timer, a start or a resumed question.
        now: the time of the turn.
        stored_state: the person's stored state; it counts only where an edit moved the frontier.

    Raises:
        DialogueError: the code cannot go on; set the text aside until the code version changes.
        Exception: the handler's own error.
    """
    run = _new_run(context, journal, text, now)
    try:
        return (yield from _complete_run(run, stored_state))
    except NotDeterministic:
        if run.divergence is None:
            raise
        first = run.divergence
    # replay rule 10: only what two runs of one process do differently is not deterministic. A
    # library, a file or a setting may have changed meanwhile, and that strands nobody.
    for _ in range(_RUNS_TO_COMPARE):
        second = _find_divergence(_new_run(context, journal, text, now), first)
        if not first.is_same_step(second):
            raise two_ways_error(journal.waiting, first, second)
    run = _new_run(context, journal, text, now)
    run.same_code = False
    _take_over(run, first)
    run.warnings.append(outside_change_message(journal.waiting, first))
    return (yield from _complete_run(run, stored_state))


def _new_run(
    context: DialogueContext, journal: Journal, text: IncomingText | None, now: datetime
) -> Run:
    text, recorded = _skip_recorded_text(journal, _storable_text(text))
    now = now if text is None else max(now, text.received_at)
    run = Run(context, journal, text, now, Verbs)
    run.text_consumed = recorded
    return run


def _take_over(run: Run, earlier: Divergence) -> None:
    """Let a run begin with the entries of an earlier run of the same turn: no once is repeated."""
    for entry in earlier.entries:
        run.add_entry(entry)
    run.taken_count = earlier.taken_count


def _find_divergence(run: Run, earlier: Divergence) -> Divergence | None:
    """Return the divergence of one more run; None where it does not diverge."""
    _take_over(run, earlier)
    flow = _complete_run(run, None)
    try:
        next(flow)
    except StopIteration:
        return None
    except Exception as error:
        return run.divergence or Divergence(NO_KEY, f"raises {type(error).__name__}", "before that")
    flow.close()  # it has passed the question before, and came to a once, which is not called
    return None


def _complete_run(run: Run, stored_state: bytes | None) -> ReplayFlow:
    """Run a handler to its next question or its end, and return the outcome."""
    run.stored_state = stored_state
    try:
        value = yield from _run_handler(run)
        if value is SUSPENDED:
            return suspended_outcome(run)
        return ended_outcome(run, "ended") if run.ended else returned_outcome(run, value)
    except Ended:
        return ended_outcome(run, "ended")
    except Unanswered as error:  # replay rule 14: uncaught, it ends the dialogue in good order
        return ended_outcome(run, _END_REASONS[type(error)])
    except Exception as error:
        # replay rule 13: a handler that swallows a fatal error and raises another failed
        if run.fatal_error is not None and error is not run.fatal_error:
            raise run.fatal_error from error
        _explain_failure(run, error)
        raise
    finally:
        close_handler(run)


def _explain_failure(run: Run, error: Exception) -> None:
    """Raise in place of an error that an input of another class than today's explains."""
    if run.journal.inputs and isinstance(error, TypeError | AttributeError | ValueError):
        inputs = decode_value(run.journal.inputs)
        message = describe_retyped_input(run.context.function, run.journal.handler, inputs)
        if message:  # no retry could help, so the text is set aside at once
            failure = f"{message} It failed with {type(error).__name__}: {error}"
            raise DialogueError(failure) from error


def check_replay(context: DialogueContext, outcome: TurnOutcome, now: datetime) -> None:
    """Replay an outcome's journal, and compare (replay rule 10; in tests and development).

    Raises:
        NotDeterministic: the second run says, does or remembers something else.
    """
    journal = outcome.journal
    due_at = None if journal.waiting is None else journal.waiting.due_at
    if due_at is not None:  # a timer that is due by now is the next turn's
        now = min(now, due_at - timedelta.resolution)
    flow = _complete_run(_new_run(context, journal, None, now), outcome.state)
    try:
        effect = next(flow)
    except StopIteration as done:
        second: TurnOutcome = done.value
    else:
        flow.close()
        message = f"run again with the same answers, this dialogue comes to {effect!r:.80}."
        raise NotDeterministic(_location_prefix(journal) + message)
    says_more = second.entries or (second.texts and not outcome.ended)
    moved = _waiting_key(second.journal) != _waiting_key(journal)
    state_differs = outcome.state is not None and second.state not in {None, outcome.state}
    if says_more or moved or state_differs or second.ended != outcome.ended:
        location = _location_prefix(second.journal) or _location_prefix(journal)
        raise NotDeterministic(
            f"{location}run again with the same answers, this dialogue says, does or remembers"
            " something else. What changes from run to run belongs into `await chat.once(…)`."
        )


def _waiting_key(journal: Journal) -> Any:
    return None if journal.waiting is None else journal.waiting.key


def _location_prefix(journal: Journal) -> str:
    """Return the location of the open question as the beginning of a message, or ""."""
    return "" if journal.waiting is None else f"{journal.waiting.location}: "


def _storable_text(text: IncomingText | None) -> IncomingText | None:
    """Return the text as JSON can hold it: half a surrogate pair becomes a question mark."""
    if text is None or text.text.isascii():
        return text
    return replace(text, text=text.text.encode(errors="replace").decode())


def _skip_recorded_text(
    journal: Journal, text: IncomingText | None
) -> tuple[IncomingText | None, bool]:
    """Return the text and False; or None and True where a crashed attempt has recorded it."""
    if text is None:
        return None, False
    # replay rule 9: a once commits the answer before it with its intent. When the process is
    # killed inside the once, the retried turn finds that answer and must not take it twice.
    recorded = any(
        entry.text_id == text.text_id for entry in journal.entries[journal.finished_count :]
    )
    return (None if recorded else text), recorded


def _run_handler(run: Run) -> Generator[ReplayEffect, CallResult | None, Any]:
    """Run the handler until it is suspended (`SUSPENDED`), or return its value."""
    function, stored = run.context.function, decode_value(run.journal.inputs) or {}
    inputs, warning = fit_inputs(function, run.journal.handler, stored)
    if warning and not run.same_code:
        run.warnings.append(warning)
    started = resume_handler(run, lambda _: function(run.chat, **inputs), None)
    if isinstance(started, GeneratorType | AsyncGeneratorType):
        raise DialogueError(
            f"{run.journal.handler} has a `yield`, and a dialogue cannot yield what it says: use"
            " chat.say(…), and return the last text."
        )
    if not isinstance(started, CoroutineType):
        return started
    run.coroutine, answer = started, None
    del started
    while True:
        try:
            request = resume_handler(run, run.coroutine.send, answer)
        except StopIteration as done:
            return done.value
        if request is SUSPENDED and run.suspended_at is not None:
            return SUSPENDED
        if request is ABANDONED and run.ended:  # replay rule 14: an end is the end when caught, too
            raise Ended
        if type(request) is not OnceRequest:  # replay rule 5: nobody could resume another await
            _fail_foreign_await(run, request)
        answer = yield from perform_once(run, request)


def _fail_foreign_await(run: Run, request: object) -> NoReturn:
    """Fail the turn with the line of an await that the engine cannot serve."""
    location = coroutine_location(run.coroutine)
    if isinstance(request, FatalRequest):
        error = request.error
    else:
        awaited = (
            "another chat's question" if request is SUSPENDED else f"a {type(request).__name__}"
        )
        error = ForeignAwait(foreign_await_message(awaited, location))
    run.fail_turn(error)
    run.start_leaving()
    with suppress(BaseException):  # replay rule 13: the turn has failed, whatever comes now
        resume_handler(run, run.coroutine.throw, error)
    raise error


_END_REASONS: dict[type, EndReason] = {
    NoReply: "no reply",
    TooManyAttempts: "too many attempts",
}
