"""One turn of a dialogue: its handler, run from the first line against its journal."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import datetime
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Literal, NoReturn, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.app.chat import Restart
from cooee.core.dialogue.call_sites import coroutine_location
from cooee.core.dialogue.journal import MANY_RECORDS, Journal, JournalEntry, StoredRecord, derive_id
from cooee.core.dialogue.questions import IncomingText
from cooee.core.dialogue.run import DialogueContext, Run, foreign_await_message
from cooee.core.dialogue.sandbox import close_handler, resume_handler
from cooee.core.dialogue.state_diff import diff_states
from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.dialogue.verbs import SUSPENDED, FatalRequest, OnceRequest, Verbs, divergence_error
from cooee.core.errors import (
    DialogueError,
    Ended,
    ForeignAwait,
    NoReply,
    NotDeterministic,
    StateError,
    TooManyAttempts,
    Unanswered,
    Unstorable,
)
from cooee.core.messages import Reply

__all__ = [
    "AppendEntries",
    "CallOnce",
    "CallResult",
    "DialogueContext",
    "IncomingText",
    "OutgoingText",
    "TurnOutcome",
    "check_replay",
    "new_journal",
    "next_round",
    "run_turn",
]


class CallOnce(msgspec.Struct, frozen=True):
    """Append `entries` in a commit of their own, then call, and send back how it `CallResult`."""

    entries: Sequence[JournalEntry]
    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Any
    name: str
    token: str


class AppendEntries(msgspec.Struct, frozen=True):
    """Append `entries` in a commit of their own; send back None."""

    entries: Sequence[JournalEntry]


class CallResult(msgspec.Struct, frozen=True):
    """How a once went: its result, or what it raised."""

    value: Any = None
    error: BaseException | None = None


ReplayEffect: TypeAlias = CallOnce | AppendEntries


class OutgoingText(msgspec.Struct, frozen=True):
    """A text to send; with its `key`, it goes out once however often it is committed."""

    reply: Reply
    key: str


EndReason: TypeAlias = Literal[
    "", "returned", "restarted", "no reply", "too many attempts", "ended"
]


class TurnOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn came to, to be committed whole: append `entries`, write the journal's head.

    `state_differs` None leaves the stored state as it is. `ended` says how, and is empty while it goes
    on; after a restart, `second` makes the next round. `text_disposition` says what became of the text:
    taken, held for its own question, or unclaimed.
    """

    journal: Journal
    entries: Sequence[JournalEntry] = ()
    texts: Sequence[OutgoingText] = ()
    state: bytes | None = None
    now: datetime
    ended: EndReason = ""
    text_disposition: Literal["", "taken", "held", "unclaimed"] = ""
    warnings: Sequence[str] = ()


ReplayFlow: TypeAlias = Generator[ReplayEffect, "CallResult | None", TurnOutcome]


def new_journal(
    id: str, handler: str, inputs: dict[str, Any], state: bytes | None, now: datetime
) -> Journal:
    """The journal of a dialogue that starts now.

    Raises:
        Unstorable: an input cannot be written down.
    """
    return Journal(
        id=id, handler=handler, inputs=encode_value(inputs), initial_state=state, started_at=now
    )


def run_turn(
    context: DialogueContext, journal: Journal, text: IncomingText | None, now: datetime
) -> ReplayFlow:
    """Run a dialogue once: for a text that it `expects`, for an alarm (None), or to start it.

    Args:
        stage: what it runs in.
        journal: all that is committed of it.
        text: the text that is its to take; None where something is due, or may be.
        now: the time.

    Raises:
        DialogueError: its code cannot go on; set the text aside until the program changes.
        Exception: what the handler raised.
    """
    text, recorded = _skip_recorded_text(journal, _storable_text(text))
    now = now if text is None else max(now, text.received_at)
    run = Run(context, journal, text, now, Verbs)
    run.text_consumed = recorded
    try:
        value = yield from _run_handler(run)
        return _suspended_outcome(run) if value is SUSPENDED else _returned_outcome(run, value)
    except Unanswered as error:
        return _ended_outcome(run, _END_REASONS[type(error)])
    except Exception as error:
        if run.fatal_error is not None and error is not run.fatal_error:
            raise run.fatal_error from error
        raise
    finally:
        close_handler(run)


def check_replay(context: DialogueContext, outcome: TurnOutcome, now: datetime) -> None:
    """Run an outcome's journal again, which has to come to the same (tests, development).

    Raises:
        NotDeterministic: it does not.
    """
    journal = outcome.journal
    flow = run_turn(context, journal, None, now)
    try:
        effect = next(flow)
    except StopIteration as done:
        second: TurnOutcome = done.value
    else:
        flow.close()
        message = f"run again with the same answers, this dialogue comes to {effect!r:.80}."
        raise NotDeterministic(_location_prefix(journal) + message)
    says_more = second.entries or (second.texts and not outcome.ended)
    elsewhere = second.ended != outcome.ended or _waiting_key(second.journal) != _waiting_key(
        journal
    )
    state_differs = outcome.state is not None and second.state not in {None, outcome.state}
    if says_more or elsewhere or state_differs:
        raise NotDeterministic(
            f"{_location_prefix(second.journal) or _location_prefix(journal)}run again with the same answers, this"
            " dialogue says, does or remembers something else. What changes from run to run belongs"
            " into `await chat.once(…)`."
        )


def _waiting_key(journal: Journal) -> Any:
    return None if journal.waiting is None else journal.waiting.key


def _location_prefix(journal: Journal) -> str:
    """Where it stands, to begin an error's words with."""
    return "" if journal.waiting is None else f"{journal.waiting.location}: "


def _storable_text(text: IncomingText | None) -> IncomingText | None:
    """The text as JSON can hold it: half a surrogate pair becomes a question mark."""
    if text is None or text.text.isascii():
        return text
    return replace(text, text=text.text.encode(errors="replace").decode())


def _skip_recorded_text(
    journal: Journal, text: IncomingText | None
) -> tuple[IncomingText | None, bool]:
    """The text, unless an earlier attempt of this turn recorded it before a once."""
    if text is None:
        return None, False
    recorded = any(
        entry.text_id == text.text_id for entry in journal.entries[journal.finished_count :]
    )
    return (None if recorded else text), recorded


def _run_handler(run: Run) -> Generator[ReplayEffect, CallResult | None, Any]:
    """Run the handler until it stands still (STOP) or returns."""
    function, inputs = run.context.function, decode_value(run.journal.inputs) or {}
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
        if type(request) is not OnceRequest:
            _fail_foreign_await(run, request)
        answer = yield from _perform_once(run, request)


def _fail_foreign_await(run: Run, request: object) -> NoReturn:
    """Fail the turn, at the line that waits for what cannot be waited for."""
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
    with suppress(Exception):  # what the handler makes of it changes nothing
        resume_handler(run, run.coroutine.throw, error)
    raise error


def _perform_once(
    run: Run, request: OnceRequest
) -> Generator[ReplayEffect, CallResult | None, StoredRecord | BaseException]:
    """Have something done once: its intent, the thing itself, its result."""
    before, token = run.encoded_state(), request.first_token or run.token
    if request.first_token is None:
        run.add_entry(JournalEntry("begun", request.key, run.now, run.turn_number, tag=token))
    args, kwargs = _restore_token(request, run.token, token)
    run.once_token = token
    result = yield CallOnce(
        run.take_uncommitted(), request.function, args, kwargs, request.name, token
    )
    run.once_token = ""
    assert result is not None
    if result.error is not None:
        return result.error
    record = run.add_record(_once_entry(run, request, before, result.value))
    yield AppendEntries(run.take_uncommitted())
    return record


def _restore_token(
    request: OnceRequest, current_token: str, first_token: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Its arguments, with the token of the first attempt where a new question changed it since."""

    def restore(value: Any) -> Any:
        return first_token if isinstance(value, str) and value == current_token else value

    kwargs = {name: restore(value) for name, value in request.kwargs.items()}
    return tuple(map(restore, request.args)), kwargs


def _once_entry(run: Run, request: OnceRequest, before: bytes, value: Any) -> JournalEntry:
    try:
        diff = diff_states(before, run.encoded_state()) or None
    except StateError:  # which the end of the turn will say; that it was done is recorded first
        diff = None
    try:
        encoded = encode_value(value)
    except Unstorable as error:
        message = (
            f"{request.name} was done, and will not be done again, but its result is lost: {error}"
        )
        return JournalEntry("lost", request.key, run.now, run.turn_number, message, diff=diff)
    return JournalEntry("done", request.key, run.now, run.turn_number, None, encoded, diff=diff)


# How a run ends


_END_REASONS: dict[type, EndReason] = {
    NoReply: "no reply",
    TooManyAttempts: "too many attempts",
    Ended: "ended",
}


def _suspended_outcome(run: Run) -> TurnOutcome:
    """It waits."""
    assert run.suspended_at is not None
    texts = _unsent_texts(run)
    step = run.step
    if step is not None and step.outgoing is not None:
        kind, text = step.outgoing
        texts.append(
            OutgoingText(Reply(text), _outbox_key(run, kind, run.suspended_at.key, run.turn_number))
        )
    return _build_outcome(run, texts, "")


def _returned_outcome(run: Run, value: object) -> TurnOutcome:
    """It came to its end, and may have a last word."""
    if not isinstance(value, Restart):
        run.say(value, None)
        return _ended_outcome(run, "returned")
    if run.turn_number == 1:
        raise DialogueError("This dialogue restarts without ever asking. Ask something first.")
    return _ended_outcome(run, "restarted")


def _ended_outcome(run: Run, reason: EndReason) -> TurnOutcome:
    run.flush_pending()
    if run.fatal_error is not None:
        raise run.fatal_error
    if run.same_code and not run.reached_waiting:
        raise divergence_error(run, "ends", "At its end")
    run.reached_frontier, run.suspended_at = True, None
    return _build_outcome(run, _unsent_texts(run), reason)


def _build_outcome(run: Run, texts: list[OutgoingText], ended: EndReason) -> TurnOutcome:
    run.apply_changes_until(None)
    state = run.encoded_state() if run.reached_frontier else None
    disposition = _dispose_text(run, ended)
    entries = (*run.journal.entries, *run.new_entries)
    waiting_key = None if run.suspended_at is None else run.suspended_at.key
    return TurnOutcome(
        journal=replace(
            run.journal,
            entries=entries,
            code_version=run.context.code_version,
            waiting=run.suspended_at,
            frontier=waiting_key if run.reached_frontier else run.journal.frontier,
            finished_count=len(entries),
            unfinished_keys=tuple(sorted(run.unfinished_keys & run.records.keys()))
            if run.unfinished_keys
            else (),
            turn_count=run.turn_number,
        ),
        entries=run.take_uncommitted(),
        texts=texts,
        state=state,
        now=run.chat.now,
        ended=ended,
        text_disposition=disposition,
        warnings=(*run.warnings, *_length_warnings(run)),
    )


def _unsent_texts(run: Run) -> list[OutgoingText]:
    """What was said and has not gone out before; it is noted as gone."""
    texts: list[OutgoingText] = []
    sent_ids: list[str] = []
    for content, n, reply in run.said_texts.unsent_with_identity():
        identity = derive_id("say", content, n)
        if identity not in run.index.sent_ids:
            texts.append(OutgoingText(reply, _outbox_key(run, "say", identity)))
            sent_ids.append(identity)
    if sent_ids:
        run.mark_sent(sent_ids)
    return texts


def _outbox_key(run: Run, *identity: object) -> str:
    """The key of a text in the outbox: this dialogue's, and again after each going back."""
    return derive_id(run.journal.id, run.journal.undo_count, *identity)


def _dispose_text(run: Run, ended: EndReason) -> Literal["", "taken", "held", "unclaimed"]:
    """What becomes of the text; it is held for a question that this run did not come to."""
    if run.text is None:
        return "taken" if run.text_consumed else ""
    waiting, text = run.journal.waiting, run.text
    if waiting is None or not waiting.expects_text or run.reached_waiting or ended:
        return "unclaimed"
    times = [encode_value(text.received_at), encode_value(waiting.asked_at)]
    run.add_entry(
        JournalEntry(
            "held", waiting.key, text.sent_at, run.turn_number, text.text, times, "", text.text_id
        )
    )
    return "held"


def _length_warnings(run: Run) -> Sequence[str]:
    if len(run.records) <= MANY_RECORDS:
        return ()
    message = (
        f"This dialogue has {len(run.records)} records, and each of its turns runs through them"
        " all. End a round with `return chat.restart()`."
    )
    return [message]


def next_round(outcome: TurnOutcome) -> Journal:
    """The journal of the next round of a dialogue that restarted, with the state as it is."""
    return Journal(
        id=derive_id(outcome.journal.id, "restart"),
        handler=outcome.journal.handler,
        inputs=outcome.journal.inputs,
        initial_state=outcome.state,
        started_at=outcome.now,
    )
