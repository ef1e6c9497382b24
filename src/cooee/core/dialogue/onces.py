"""A once: its recorded result or failure, or the request to call its function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cooee.core.app.dialogue_verbs import OnceCall
from cooee.core.dialogue.argument_checks import is_key
from cooee.core.dialogue.call_sites import caller_location
from cooee.core.dialogue.engine_requests import (
    OnceFailure,
    OnceRequest,
    argument_error,
    fail_turn,
    key_error,
    new_step_error,
    request_once,
    wait_forever,
)
from cooee.core.dialogue.error_messages import (
    duplicate_once_error,
    failure_message,
    renamed_once_message,
)
from cooee.core.dialogue.journal import JournalEntry
from cooee.core.dialogue.once_checks import (
    NewOnce,
    check_once,
    former_names,
    former_once_name,
    may_be_renamed,
    once_name,
)
from cooee.core.dialogue.run import Run
from cooee.core.dialogue.shared_objects import shared_objects
from cooee.core.dialogue.value_codec import decode_value
from cooee.core.dialogue.waiting import RecordKey
from cooee.core.errors import OnceFailed, OnceUnknown, ResultLost, Unstorable
from cooee.core.parsing.used_names import used_names


async def call_once(run: Run, call: OnceCall) -> Any:
    """Return the recorded result of a once, raise its recorded failure, or have it called."""
    run.unawaited_verb = None
    if not run.may_call_once:
        await wait_forever(run)
    for name in (call.key, *former_names(call)):
        if not is_key(name):
            await fail_turn(run, key_error(name, caller_location()))
    name = once_name(call.function)
    record_key = run.keys.occurrence_key("once", call.key or name)
    if record_key[3]:  # replay rule 3: the second one would be answered with the first one's result
        await fail_turn(run, duplicate_once_error(record_key[2], caller_location()))
    record_key = _recorded_key(run, call, record_key)
    run.keys.onces_met.add(record_key)
    found = run.records.get(record_key)
    if found is not None and found.entry.kind != "started":  # replay rule 9
        entry = run.deliver_record(record_key, found)
        if entry.diff:  # replay rule 8: the function does not run again, so its change is replayed
            shared = shared_objects(call.function, call.args, call.kwargs)
            run.state.apply_changes([entry.diff], shared)
        return _once_result(entry)
    if found is None:
        location = caller_location()
        problem = new_step_error(run, record_key, f"does {name} once", location)
        problem = problem or argument_error(location, check_once(call))
        problem = problem or argument_error(location, _rename_message(run, call, record_key, name))
        if problem is not None:
            await fail_turn(run, problem)
    # From here on, `found` is an intent without a result: the process was killed in between.
    if found is not None and call.unknown == "raise":
        message = f"{name} was begun, and how it ended is not known."
        run.caught_failure = JournalEntry(
            "failed", record_key, run.now, run.turn_number, message, tag="unknown"
        )
        raise OnceUnknown(message)
    run.state.apply_changes_until(None if found is None else found.position)
    first_token = None if found is None else found.entry.tag
    outcome = await request_once(
        OnceRequest(call.function, call.args, call.kwargs, record_key, name, first_token)
    )
    if isinstance(outcome, OnceFailure):
        message, error = failure_message(name, outcome.error), outcome.error
        # Recorded only when the handler goes on, that is, when it has caught the error: an uncaught
        # one fails the turn, whose retry calls the function again.
        run.caught_failure = JournalEntry(
            "failed", record_key, run.now, run.turn_number, message, diff=outcome.diff
        )
        raise OnceFailed(message) from error
    return _once_result(run.deliver_record(record_key, outcome))


def _once_result(entry: JournalEntry) -> Any:
    if entry.kind == "failed":
        raise (OnceUnknown if entry.tag == "unknown" else OnceFailed)(entry.raw or "")
    if entry.kind == "result lost":
        raise ResultLost(entry.raw or "")
    try:
        return decode_value(entry.value)
    except Unstorable as error:
        raise ResultLost(f"{entry.key[2]} was done, and its result is lost: {error}") from error


# Renames (replay rule 3)


def _recorded_key(run: Run, call: OnceCall, key: RecordKey) -> RecordKey:
    """Return the key under which this once was recorded, perhaps by another name; else its own.

    The journal keeps each rename that a run has met, so `was` is needed for one deploy.
    """
    if key in run.records:
        return key
    names = [key[2], *former_names(call)]
    if call.key is None:
        names += [former_once_name(call.function), *_names_in_other_functions(run, key)]
    for name in names:
        former: RecordKey = ("once", key[1], name, 0)
        former = ("once", key[1], run.index.renames.get(former, name), 0)
        if former in run.records and former not in run.keys.onces_met:
            if run.index.renames.get(key) != former[2]:
                at, turn = run.now, run.turn_number
                run.add_entry(JournalEntry("reworded", key, at, turn, value=former[2]))
            return former
    return _moved_key(run, call) or key


def _moved_key(run: Run, call: OnceCall) -> RecordKey | None:
    """Return the only unmet record of a former name in another `chat.part`, or None."""
    names = former_names(call)
    found = [key for key in _unmet_onces(run) if key[2] in names] if names else []
    return found[0] if len(found) == 1 else None


def _names_in_other_functions(run: Run, key: RecordKey) -> Iterator[str]:
    """Generate the recorded names of the same inner function, of a handler that was renamed."""
    _, marker, inner = key[2].rpartition("<locals>.")
    if marker:
        for _, parts, words, _ in _unmet_onces(run):
            if parts == key[1] and words.rpartition("<locals>.")[2] == inner:
                yield words


def _unmet_onces(run: Run) -> Sequence[RecordKey]:
    """Return the keys of the recorded onces that this run has not met so far."""
    return [key for key in run.records if key[0] == "once" and key not in run.keys.onces_met]


def _rename_message(run: Run, call: OnceCall, key: RecordKey, function: str) -> str:
    """Return the mistake where a new once may be a recorded one under another name, or ""."""
    unmet = [] if run.same_code or call.was is not None else _unmet_onces(run)
    if not unmet:
        return ""
    names, texts = used_names(run.context.function)
    new = NewOnce(key, function, call.key is not None, names, texts)
    # Renamed, or removed while another was added: only the developer knows.
    found = (one for one in unmet if may_be_renamed(new, run.records[one].entry))
    former = next(found, None)
    return "" if former is None else renamed_once_message(key[2], former[2])
