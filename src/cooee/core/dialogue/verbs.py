"""What a dialogue awaits: a recorded outcome is handed out, and else the run ends here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import datetime, timedelta
from random import Random
from types import coroutine
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from cooee.core.app.question import Question
from cooee.core.dialogue.argument_checks import in_once, in_question, in_sleep
from cooee.core.dialogue.call_sites import chain, line
from cooee.core.dialogue.journal import Entry, Found, Key, Waiting
from cooee.core.dialogue.questions import Step, Text, consider, recall
from cooee.core.dialogue.run import Run, Verb
from cooee.core.dialogue.value_codec import unpack
from cooee.core.errors import (
    AmbiguousQuestion,
    DialogueError,
    DuplicateOnce,
    NoReply,
    NotDeterministic,
    OnceFailed,
    OnceUnknown,
    ResultLost,
    TooManyAttempts,
    Unanswered,
    Unstorable,
)
from cooee.core.messages import Inbound


class Doing(msgspec.Struct, frozen=True):
    """A once that has to be carried out now; `begun` says with which token, where it was before."""

    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    key: Key
    name: str
    begun: str | None = None


class Failing(msgspec.Struct, frozen=True):
    """An error that fails the turn, even where the handler catches it."""

    error: Exception


MOST = 10_000
"""How much a run may record before it waits; whoever records more is in a loop without end."""

STOP, DEAD = object(), object()
"""The run stands still; or it was left before, and whatever asks waits for ever."""

Asking: TypeAlias = Generator[object, Any, Any]
"""What is asked of whoever drives the run, and what that comes to."""


@coroutine
def _never(run: Run) -> Asking:
    """Wait for ever, and raise nothing: what a loop around it could catch, it would."""
    while True:
        run.not_gone()
        yield DEAD if run.fatal is None else Failing(run.fatal)


@coroutine
def _fail(run: Run, error: Exception) -> Asking:
    yield Failing(run.fail(error))
    yield from _never(run)


@coroutine
def _stop(run: Run, key: Key, waiting: Waiting, step: Step | None) -> Asking:
    run.stand(key, waiting, step)
    yield STOP
    yield from _never(run)


@coroutine
def _do(doing: Doing) -> Asking:
    return (yield doing)


# Asking


async def ask(run: Run, question: Question) -> Any:
    """An answer, or what there is instead of one; without a record, the run ends here."""
    run.opened = None
    if not run.ready:
        await _never(run)
    if question.kind == "receive":
        key = run.place("receive", question.key or "")
    else:
        key, elsewhere = run.asked(question.key or question.prompt, chain(run.coroutine))
        if elsewhere:
            words = _ambiguous(question, line())
            if run.stage.strict:
                await _fail(run, AmbiguousQuestion(words))
            run.warnings.append(words)
    if question.was is not None:
        key = run.carried(key, question.was)
    found = known = run.records.get(key)
    if found is not None and (run.passed or not run.same):
        # Up to where it stood, this very program has taken the records as they are before.
        found = _recalled(run, question, found)
    if found is None:
        where = line()
        refusal = _refusal(run, key, f"asks {question.prompt!r}", where, question.prompt)
        refusal = refusal or _mistaken(where, in_question(question))
        if refusal is not None:
            await _fail(run, refusal)
        step = _considered(run, question, key, where, afresh=known is not None)
        if step.outcome is None:
            await _stop(run, key, step.waiting, step)
        found = run.record(_entry(run, question, key, step))
    entry = run.hand(key, found)
    if entry.kind in _UNANSWERED:
        error, words = _UNANSWERED[entry.kind]
        raise error(f"{words} to: {question.prompt}")
    return unpack(entry.value)


_UNANSWERED: dict[str, tuple[type[Unanswered], str]] = {
    "no reply": (NoReply, "There was no answer in time"),
    "attempts": (TooManyAttempts, "No answer was understood"),
}


def _entry(run: Run, question: Question, key: Key, step: Step) -> Entry:
    assert step.outcome is not None
    tag = "" if question.kind == "receive" else question.reader.tag
    at = run.now if step.at is None else step.at
    entry = Entry(step.outcome, key, at, run.turn, step.raw, step.value, tag, step.message)
    return replace(entry, media=step.media) if step.media else entry


def _considered(run: Run, question: Question, key: Key, where: str, *, afresh: bool) -> Step:
    held = run.view.held.get(key)
    if held is not None:
        step = _considered_held(run, question, held, where)
        if step is not None:
            return step
    waiting = run.journal.waiting if key == run.waited else None
    text = run.text if waiting is not None else None
    if afresh and text is None:
        waiting = None  # the person has answered it, and has to be told that it is asked again
    here = run.here(run.now if text is None else text.sent_at)
    standing = waiting or Waiting(key, question.prompt, run.now)
    standing = replace(standing, line=where)
    step = consider(question, standing, text, run.now, here, asked=waiting is not None)
    if step.took:
        run.take_text()
    return step


def _considered_held(run: Run, question: Question, held: Entry, where: str) -> Step | None:
    """What a text comes to that came for this question while another stood before it."""
    received_at, asked_at = (unpack(each) for each in held.value)
    text = Text(held.raw or "", held.message, held.at, received_at, held.media)
    standing = Waiting(held.key, question.prompt, asked_at, line=where)
    step = consider(question, standing, text, received_at, run.here(held.at), asked=True)
    if step.outcome is None:
        run.add(Entry("dropped", held.key, run.now, run.turn))
    if not step.took:
        return None
    return replace(step, waiting=replace(step.waiting, asked_at=run.now))


def _recalled(run: Run, question: Question, found: Found) -> Found | None:
    """A record as the changed program wants it; None where it has to be asked afresh."""
    here, entry = run.here(found.entry.at), found.entry
    try:
        unpack(entry.value)
    except Unstorable:  # its class is gone, and the person's words are read anew
        entry = replace(entry, tag="")
    recalled = recall(entry, question, here)
    if recalled is None:
        run.add(Entry("stale", entry.key, run.now, run.turn))
        return None
    return found if recalled is found.entry else run.record(recalled)


# Sleeping


async def sleep(
    run: Run, length: timedelta | None, until: datetime | None, key: str | None
) -> None:
    """Nothing, once it is time; before that, the run ends here."""
    run.opened = None
    if not run.ready:
        await _never(run)
    place = run.place("sleep", key or str(length if until is None else until))
    found = run.records.get(place)
    if found is None:
        where = line()
        refusal = _refusal(run, place, "sleeps", where)
        refusal = refusal or _mistaken(where, in_sleep(length, until))
        if refusal is not None:
            await _fail(run, refusal)
        waiting = _asleep(run, place, length, until, where)
        if waiting.due_at is not None and waiting.due_at > run.now:
            await _stop(run, place, waiting, None)
        found = run.record(Entry("slept", place, run.now, run.turn))
    run.hand(place, found)


def _asleep(
    run: Run, key: Key, length: timedelta | None, until: datetime | None, where: str
) -> Waiting:
    waiting = run.journal.waiting
    since = waiting.asked_at if waiting is not None and key == run.waited else run.now
    if until is None:
        return Waiting(key, "", since, since + (length or timedelta()), line=where)
    local = until if until.tzinfo is not None else until.replace(tzinfo=run.chat.zone)
    return Waiting(key, "", since, local.astimezone(since.tzinfo), line=where)


# Once


async def once(  # noqa: PLR0917 -- what Chat.once has
    run: Run,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    key: str | None,
    unknown: str,
) -> Any:
    """The result of something that is done once, or the failure that the handler caught."""
    run.opened = None
    if not run.ready:
        await _never(run)
    name = getattr(call, "__qualname__", None) or type(call).__qualname__
    place = run.place("once", key or name)
    if place[3]:
        await _fail(run, _duplicate(place[2], line()))
    found = run.records.get(place)
    if found is not None and found.entry.kind != "begun":
        entry = run.hand(place, found)
        if entry.change:
            run.lay([entry.change])
        return _result(entry)
    if found is None:
        where = line()
        refusal = _refusal(run, place, f"does {name} once", where)
        refusal = refusal or _mistaken(where, in_once(call))
        if refusal is not None:
            await _fail(run, refusal)
    if found is not None and unknown == "raise":
        words = f"{name} was begun, and how it ended is not known."
        run.failure = Entry("failed", place, run.now, run.turn, words, tag="unknown")
        raise OnceUnknown(words)
    run.lay_until(None if found is None else found.place)
    begun = None if found is None else found.entry.tag
    done = await _do(Doing(call, args, kwargs, place, name, begun))
    if isinstance(done, BaseException):
        words = _failed(name, done)
        run.failure = Entry("failed", place, run.now, run.turn, words)
        raise OnceFailed(words) from done
    return _result(run.hand(place, done))


def _result(entry: Entry) -> Any:
    if entry.kind == "failed":
        raise (OnceUnknown if entry.tag == "unknown" else OnceFailed)(entry.raw or "")
    if entry.kind == "lost":
        raise ResultLost(entry.raw or "")
    try:
        return unpack(entry.value)
    except Unstorable as error:
        raise ResultLost(f"{entry.key[2]} was done, and its result is lost: {error}") from error


class Verbs:
    """What a dialogue's chat delegates to."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.say, self.part, self.end = run.say, run.part, run.end
        self.restart, self.may_recall = run.restart, run.may_recall

    @property
    def message(self) -> Inbound:
        """The text that was answered last."""
        return self._run.message

    @property
    def token(self) -> str:
        """A name of this step."""
        return self._run.token

    @property
    def chance(self) -> Random:
        """Chance that is the same in every replay."""
        return self._run.chance

    def question(self, question: Question) -> Verb:
        """Ask, choose, confirm or receive."""
        return self._run.opened_verb(question.kind, ask(self._run, question))

    def sleep(self, length: timedelta | None, until: datetime | None, key: str | None) -> Verb:
        """Let time pass."""
        return self._run.opened_verb("sleep", sleep(self._run, length, until, key))

    def once(
        self,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        key: str | None,
        unknown: str,
    ) -> Verb:
        """Do what a replay must not do again."""
        return self._run.opened_verb("once", once(self._run, call, args, kwargs, key, unknown))


# What may not be


def _refusal(run: Run, key: Key, what: str, where: str, prompt: str = "") -> DialogueError | None:
    """What stands against anything new that a run is about to do."""
    if run.strays(key):
        return strayed(run, what, where)
    words = (*key[1], key[2], prompt)
    if not all(map(_is_text, words)):
        return Unstorable(f"{where}: prompts, keys and parts are texts, unlike {words!r}.")
    return DialogueError(_endless(where)) if len(run.entries) >= MOST else None


def _mistaken(where: str, mistake: str) -> DialogueError | None:
    return DialogueError(f"{where}: {mistake}") if mistake else None


def _is_text(words: object) -> bool:
    """Whether it is a str, and all of it can be written down and read again."""
    if not isinstance(words, str):
        return False
    return words.isascii() or words.encode(errors="replace").decode() == words


# Words


def strayed(run: Run, what: str, where: str) -> NotDeterministic:
    """The same code went another way: the words that show both."""
    waiting = run.journal.waiting
    assert waiting is not None
    stood = f"it waited for {waiting.prompt!r}" if waiting.asks else "it slept"
    return NotDeterministic(
        f"{where}: this dialogue {what}, while before, with the same code and the same answers,"
        f" {stood} ({waiting.line}). What changes from run to run belongs into `await"
        " chat.once(…)`; for the time and for chance there are chat.now and chat.random."
    )


def _endless(where: str) -> str:
    return (
        f"{where}: this dialogue does {MOST:,} things without waiting for an answer, so its loop"
        " may never end. Ask in every pass, or bound the loop."
    )


def _failed(name: str, error: BaseException) -> str:
    try:
        words = f"{name} failed: {type(error).__name__}: {error}"
    except Exception:  # it cannot say what it is
        words = f"{name} failed: {type(error).__name__}"
    return words.encode(errors="backslashreplace").decode()


def _ambiguous(question: Question, where: str) -> str:
    return (
        f"{where}: {question.key or question.prompt!r} is asked from two places of this dialogue,"
        " so that an edit could swap their answers. Give each its own key=, or call the helper"
        ' inside `with chat.part("…"):`.'
    )


def _duplicate(name: str, where: str) -> DuplicateOnce:
    return DuplicateOnce(
        f"{where}: {name} is done once, and was done in this dialogue before, so it would never"
        ' be done again. Give each its own key, like key=f"charge:{i}".'
    )
