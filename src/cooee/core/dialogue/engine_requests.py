"""Requests of a verb to the replay loop, and the checks before a verb takes a new step."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import coroutine
from typing import Any, TypeAlias

import msgspec

from cooee.core.dialogue.argument_checks import check_key
from cooee.core.dialogue.divergence import Divergence, divergence_error
from cooee.core.dialogue.error_messages import endless_loop_message
from cooee.core.dialogue.questions import QuestionStep
from cooee.core.dialogue.run import Run
from cooee.core.dialogue.waiting import RecordKey, Waiting
from cooee.core.errors import DialogueError, NotDeterministic, Unstorable


class OnceRequest(msgspec.Struct, frozen=True):
    """A once to carry out now; `first_token` is the token of an earlier attempt."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    key: RecordKey
    name: str
    first_token: str | None = None


class OnceFailure(msgspec.Struct, frozen=True):
    """The error that the function of a once raised, and its change of the state before that."""

    error: BaseException
    diff: Any


class FatalRequest(msgspec.Struct, frozen=True):
    """A fatal error: it fails the turn, even where the handler catches it."""

    error: Exception


MAX_RECORDS_PER_TURN = 10_000
"""Records that one run may add before it waits; a run with more is in an endless loop."""

SUSPENDED, ABANDONED = object(), object()
"""`SUSPENDED`: the run stops at this question. `ABANDONED`: the turn is over, and the awaiting code
must not continue."""

EngineRequest: TypeAlias = Generator[object, Any, Any]
"""A request of a verb to the replay loop, and the loop's answer."""


@coroutine
def wait_forever(run: Run) -> EngineRequest:
    """Wait for ever."""
    # replay rule 13: it yields and never raises, since `while True: try: ask / except: pass` would
    # catch the error and ask again, for ever.
    while True:
        run.check_open()
        yield ABANDONED if run.fatal_error is None else FatalRequest(run.fatal_error)


@coroutine
def fail_turn(run: Run, error: Exception) -> EngineRequest:
    """Fail the turn with an error, even where the handler catches it."""
    yield FatalRequest(run.fail_turn(error))
    yield from wait_forever(run)


@coroutine
def suspend_run(
    run: Run, key: RecordKey, waiting: Waiting, step: QuestionStep | None
) -> EngineRequest:
    """Stop the run at a question or a sleep."""
    run.suspend(key, waiting, step)
    yield SUSPENDED
    yield from wait_forever(run)


@coroutine
def request_once(request: OnceRequest) -> EngineRequest:
    """Return the record of a once that the loop has carried out, or the error that it raised."""
    return (yield request)


# Checks before a new step takes effect


def new_step_error(
    run: Run, key: RecordKey, action: str, location: str, prompt: str = ""
) -> DialogueError | None:
    """Return the error that forbids a new step, or None."""
    if run.same_code and not run.reached_waiting and key != run.waiting_key:
        return diverge(run, key, action, location)
    texts = (*key[1], key[2], prompt)
    if not all(map(_is_storable_text, texts)):
        return Unstorable(f"{location}: prompts, keys and parts are texts, unlike {texts!r}.")
    if len(run.new_entries) < MAX_RECORDS_PER_TURN:
        return None
    return DialogueError(endless_loop_message(location, MAX_RECORDS_PER_TURN))


def diverge(run: Run, key: RecordKey, action: str, location: str) -> NotDeterministic:
    """Record the step at which unchanged code diverged, and return the error to raise."""
    # replay rule 10: before the step takes effect
    entries, taken_count = tuple(run.new_entries), run.taken_count
    run.divergence = Divergence(key, action, location, entries, taken_count)
    return divergence_error(run.journal.waiting, run.divergence)


def argument_error(location: str, message: str) -> DialogueError | None:
    """Return the error of a mistake in a verb's arguments; None without a message."""
    return DialogueError(f"{location}: {message}") if message else None


def _is_storable_text(value: object) -> bool:
    """Return whether the value is a str without half a surrogate pair."""
    if not isinstance(value, str):
        return False
    return value.isascii() or value.encode(errors="replace").decode() == value


def key_error(key: object, location: str) -> DialogueError:
    """Return the error of a key that is no text."""
    return DialogueError(f"{location}: {check_key(key)}")
