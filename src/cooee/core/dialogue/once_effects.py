"""The effects of a replay: commit entries, and call the function of a once between two commits."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

import msgspec

from cooee.core.dialogue.engine_requests import OnceFailure, OnceRequest
from cooee.core.dialogue.journal import JournalEntry, StoredRecord
from cooee.core.dialogue.run import Run
from cooee.core.dialogue.shared_objects import shared_objects
from cooee.core.dialogue.state_diff import StateDiff
from cooee.core.dialogue.state_snapshot import StateSnapshot
from cooee.core.dialogue.value_codec import encode_value
from cooee.core.errors import StateError, Unstorable


class CallOnce(msgspec.Struct, frozen=True):
    """An effect: commit `entries`, call `function`, and send back its `CallResult`."""

    entries: Sequence[JournalEntry]
    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Any
    name: str
    token: str


class AppendEntries(msgspec.Struct, frozen=True):
    """An effect: commit `entries`, and send back None."""

    entries: Sequence[JournalEntry]


class CallResult(msgspec.Struct, frozen=True):
    """The result of a once, or the error that it raised."""

    value: Any = None
    error: BaseException | None = None


ReplayEffect: TypeAlias = CallOnce | AppendEntries


def perform_once(
    run: Run, request: OnceRequest
) -> Generator[ReplayEffect, CallResult | None, StoredRecord | OnceFailure]:
    """Commit the intent of a once, have its function called, and commit the result."""
    shared = shared_objects(request.function, request.args, request.kwargs)
    before = run.state.snapshot(shared)
    token = request.first_token or run.token
    # replay rule 9: the intent is on disk before the call, and the result before anything after it.
    if request.first_token is None:
        at, turn, name = run.now, run.turn_number, request.name
        run.add_entry(JournalEntry("started", request.key, at, turn, name, tag=token))
    args, kwargs = _restore_token(request, run.token, token)
    run.once_token = token
    result = yield CallOnce(
        run.take_uncommitted(), request.function, args, kwargs, request.name, token
    )
    run.once_token = ""
    assert result is not None
    if result.error is not None:
        return OnceFailure(result.error, _change_since(run, before))
    record = run.add_record(_once_entry(run, request, before, result.value))
    yield AppendEntries(run.take_uncommitted())
    return record


def _restore_token(
    request: OnceRequest, current_token: str, first_token: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with the first attempt's token, which an inserted question changed."""

    def restore(value: Any) -> Any:
        return first_token if isinstance(value, str) and value == current_token else value

    kwargs = {name: restore(value) for name, value in request.kwargs.items()}
    return tuple(map(restore, request.args)), kwargs


def _change_since(run: Run, before: StateSnapshot) -> StateDiff | None:
    """Return what the function of a once changed in the state; None for nothing."""
    try:
        return run.state.change_since(before) or None
    except StateError:  # the end of the turn raises it; the call that was made is recorded first
        return None


def _once_entry(run: Run, request: OnceRequest, before: StateSnapshot, value: Any) -> JournalEntry:
    diff = _change_since(run, before)
    try:
        encoded = encode_value(value)
    except Unstorable as error:
        message = (
            f"{request.name} was done, and will not be done again, but its result is lost: {error}"
        )
        return JournalEntry(
            "result lost", request.key, run.now, run.turn_number, message, diff=diff
        )
    at, turn, name = run.now, run.turn_number, request.name
    return JournalEntry("done", request.key, at, turn, name, encoded, diff=diff)
