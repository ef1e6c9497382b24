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
from cooee.core.dialogue.call_sites import standing
from cooee.core.dialogue.journal import LONG, Entry, Found, Journal, digest
from cooee.core.dialogue.questions import Text
from cooee.core.dialogue.run import Run, Stage, foreign
from cooee.core.dialogue.sandbox import leave, resume
from cooee.core.dialogue.state_diff import difference
from cooee.core.dialogue.value_codec import pack, unpack
from cooee.core.dialogue.verbs import STOP, Doing, Failing, Verbs, strayed
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
    "Keep",
    "Outcome",
    "Ran",
    "RunOnce",
    "Said",
    "Stage",
    "Text",
    "again",
    "begin",
    "replay",
    "turn",
]


class RunOnce(msgspec.Struct, frozen=True):
    """Append `entries` in a commit of their own, then call, and send back how it `Ran`."""

    entries: Sequence[Entry]
    call: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Any
    name: str
    token: str


class Keep(msgspec.Struct, frozen=True):
    """Append `entries` in a commit of their own; send back None."""

    entries: Sequence[Entry]


class Ran(msgspec.Struct, frozen=True):
    """How a once went: its result, or what it raised."""

    value: Any = None
    error: BaseException | None = None


Effect: TypeAlias = RunOnce | Keep


class Said(msgspec.Struct, frozen=True):
    """A text to send; with its `key`, it goes out once however often it is committed."""

    reply: Reply
    key: str


Ending: TypeAlias = Literal["", "returned", "restarted", "no reply", "too many attempts", "ended"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn came to, to be committed whole: append `entries`, write the journal's head.

    `state` None leaves the stored state as it is. `ended` says how, and is empty while it goes
    on; after a restart, `again` makes the next round. `text` says what became of the text:
    taken, held for its own question, or unclaimed.
    """

    journal: Journal
    entries: Sequence[Entry] = ()
    says: Sequence[Said] = ()
    state: bytes | None = None
    now: datetime
    ended: Ending = ""
    text: Literal["", "taken", "held", "unclaimed"] = ""
    warnings: Sequence[str] = ()


Flow: TypeAlias = Generator[Effect, "Ran | None", Outcome]


def begin(
    id: str, handler: str, inputs: dict[str, Any], state: bytes | None, now: datetime
) -> Journal:
    """The journal of a dialogue that starts now.

    Raises:
        Unstorable: an input cannot be written down.
    """
    return Journal(id=id, handler=handler, inputs=pack(inputs), base=state, started_at=now)


def turn(stage: Stage, journal: Journal, text: Text | None, now: datetime) -> Flow:
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
    text, heard = _not_yet_heard(journal, _storable(text))
    now = now if text is None else max(now, text.received_at)
    run = Run(stage, journal, text, now, Verbs)
    run.took = heard
    try:
        value = yield from _played(run)
        return _standing(run) if value is STOP else _returned(run, value)
    except Unanswered as error:
        return _ended(run, _ENDS[type(error)])
    except Exception as error:
        if run.fatal is not None and error is not run.fatal:
            raise run.fatal from error
        raise
    finally:
        leave(run)


def replay(stage: Stage, outcome: Outcome, now: datetime) -> None:
    """Run an outcome's journal again, which has to come to the same (tests, development).

    Raises:
        NotDeterministic: it does not.
    """
    journal = outcome.journal
    flow = turn(stage, journal, None, now)
    try:
        effect = next(flow)
    except StopIteration as done:
        again: Outcome = done.value
    else:
        flow.close()
        words = f"run again with the same answers, this dialogue comes to {effect!r:.80}."
        raise NotDeterministic(_line(journal) + words)
    fresh = again.entries or (again.says and not outcome.ended)
    moved = again.ended != outcome.ended or _place(again.journal) != _place(journal)
    state = outcome.state is not None and again.state not in {None, outcome.state}
    if fresh or moved or state:
        raise NotDeterministic(
            f"{_line(again.journal) or _line(journal)}run again with the same answers, this"
            " dialogue says, does or remembers something else. What changes from run to run belongs"
            " into `await chat.once(…)`."
        )


def _place(journal: Journal) -> Any:
    return None if journal.waiting is None else journal.waiting.key


def _line(journal: Journal) -> str:
    """Where it stands, to begin an error's words with."""
    return "" if journal.waiting is None else f"{journal.waiting.line}: "


def _storable(text: Text | None) -> Text | None:
    """The text as JSON can hold it: half a surrogate pair becomes a question mark."""
    if text is None or text.words.isascii():
        return text
    return replace(text, words=text.words.encode(errors="replace").decode())


def _not_yet_heard(journal: Journal, text: Text | None) -> tuple[Text | None, bool]:
    """The text, unless an earlier attempt of this turn recorded it before a once."""
    if text is None:
        return None, False
    heard = any(entry.message == text.message for entry in journal.entries[journal.settled :])
    return (None if heard else text), heard


def _played(run: Run) -> Generator[Effect, Ran | None, Any]:
    """Run the handler until it stands still (STOP) or returns."""
    call, inputs = run.stage.call, unpack(run.journal.inputs) or {}
    begun = resume(run, lambda _: call(run.chat, **inputs), None)
    if isinstance(begun, GeneratorType | AsyncGeneratorType):
        raise DialogueError(
            f"{run.journal.handler} has a `yield`, and a dialogue cannot yield what it says: use"
            " chat.say(…), and return the last text."
        )
    if not isinstance(begun, CoroutineType):
        return begun
    run.coroutine, given = begun, None
    del begun
    while True:
        try:
            request = resume(run, run.coroutine.send, given)
        except StopIteration as done:
            return done.value
        if request is STOP and run.standing is not None:
            return STOP
        if type(request) is not Doing:
            _refuse(run, request)
        given = yield from _done(run, request)


def _refuse(run: Run, request: object) -> NoReturn:
    """Fail the turn, at the line that waits for what cannot be waited for."""
    where = standing(run.coroutine)
    if isinstance(request, Failing):
        error = request.error
    else:
        what = "another chat's question" if request is STOP else f"a {type(request).__name__}"
        error = ForeignAwait(foreign(what, where))
    run.fail(error)
    run.leave()
    with suppress(Exception):  # what the handler makes of it changes nothing
        resume(run, run.coroutine.throw, error)
    raise error


def _done(run: Run, doing: Doing) -> Generator[Effect, Ran | None, Found | BaseException]:
    """Have something done once: its intent, the thing itself, its result."""
    before, token = run.state(), doing.begun or run.token
    if doing.begun is None:
        run.add(Entry("begun", doing.key, run.now, run.turn, tag=token))
    args, kwargs = _given(doing, run.token, token)
    run.doing = token
    ran = yield RunOnce(run.unkept(), doing.call, args, kwargs, doing.name, token)
    run.doing = ""
    assert ran is not None
    if ran.error is not None:
        return ran.error
    found = run.record(_result(run, doing, before, ran.value))
    yield Keep(run.unkept())
    return found


def _given(doing: Doing, now: str, first: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Its arguments, with the token of the first attempt where a new question changed it since."""

    def same(value: Any) -> Any:
        return first if isinstance(value, str) and value == now else value

    kwargs = {name: same(value) for name, value in doing.kwargs.items()}
    return tuple(map(same, doing.args)), kwargs


def _result(run: Run, doing: Doing, before: bytes, value: Any) -> Entry:
    try:
        change = difference(before, run.state()) or None
    except StateError:  # which the end of the turn will say; that it was done is recorded first
        change = None
    try:
        packed = pack(value)
    except Unstorable as error:
        words = (
            f"{doing.name} was done, and will not be done again, but its result is lost: {error}"
        )
        return Entry("lost", doing.key, run.now, run.turn, words, change=change)
    return Entry("done", doing.key, run.now, run.turn, None, packed, change=change)


# How a run ends


_ENDS: dict[type, Ending] = {
    NoReply: "no reply",
    TooManyAttempts: "too many attempts",
    Ended: "ended",
}


def _standing(run: Run) -> Outcome:
    """It waits."""
    assert run.standing is not None
    says = _says(run)
    step = run.step
    if step is not None and step.says is not None:
        kind, words = step.says
        says.append(Said(Reply(words), _named(run, kind, run.standing.key, run.turn)))
    return _outcome(run, says, "")


def _returned(run: Run, value: object) -> Outcome:
    """It came to its end, and may have a last word."""
    if not isinstance(value, Restart):
        run.say(value, None)
        return _ended(run, "returned")
    if run.turn == 1:
        raise DialogueError("This dialogue restarts without ever asking. Ask something first.")
    return _ended(run, "restarted")


def _ended(run: Run, how: Ending) -> Outcome:
    run.tidy()
    if run.fatal is not None:
        raise run.fatal
    if run.same and not run.passed:
        raise strayed(run, "ends", "At its end")
    run.caught_up, run.standing = True, None
    return _outcome(run, _says(run), how)


def _outcome(run: Run, says: list[Said], ended: Ending) -> Outcome:
    run.lay_until(None)
    state = run.state() if run.caught_up else None
    kept = _disposed(run, ended)
    entries = (*run.journal.entries, *run.entries)
    standing = None if run.standing is None else run.standing.key
    return Outcome(
        journal=replace(
            run.journal,
            entries=entries,
            program=run.stage.program,
            waiting=run.standing,
            furthest=standing if run.caught_up else run.journal.furthest,
            settled=len(entries),
            unsettled=tuple(sorted(run.unsettled & run.records.keys())) if run.unsettled else (),
            turn=run.turn,
        ),
        entries=run.unkept(),
        says=says,
        state=state,
        now=run.chat.now,
        ended=ended,
        text=kept,
        warnings=(*run.warnings, *_long(run)),
    )


def _says(run: Run) -> list[Said]:
    """What was said and has not gone out before; it is noted as gone."""
    says: list[Said] = []
    new: list[str] = []
    for name, n, reply in run.told.told_apart():
        identity = digest("say", name, n)
        if identity not in run.view.said:
            says.append(Said(reply, _named(run, "say", identity)))
            new.append(identity)
    if new:
        run.note(new)
    return says


def _named(run: Run, *identity: object) -> str:
    """The key of a text in the outbox: this dialogue's, and again after each going back."""
    return digest(run.journal.id, run.journal.era, *identity)


def _disposed(run: Run, ended: Ending) -> Literal["", "taken", "held", "unclaimed"]:
    """What becomes of the text; it is held for a question that this run did not come to."""
    if run.text is None:
        return "taken" if run.took else ""
    waiting, text = run.journal.waiting, run.text
    if waiting is None or not waiting.asks or run.passed or ended:
        return "unclaimed"
    times = [pack(text.received_at), pack(waiting.asked_at)]
    run.add(Entry("held", waiting.key, text.sent_at, run.turn, text.words, times, "", text.message))
    return "held"


def _long(run: Run) -> Sequence[str]:
    if len(run.records) <= LONG:
        return ()
    words = (
        f"This dialogue has {len(run.records)} records, and each of its turns runs through them"
        " all. End a round with `return chat.restart()`."
    )
    return [words]


def again(over: Outcome) -> Journal:
    """The journal of the next round of a dialogue that restarted, with the state as it is."""
    return Journal(
        id=digest(over.journal.id, "restart"),
        handler=over.journal.handler,
        inputs=over.journal.inputs,
        base=over.state,
        started_at=over.now,
    )
