"""The verbs of a dialogue: ask and sleep return a record, or suspend the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from cooee.core.app.dialogue_verbs import OnceCall
from cooee.core.app.offered_words import offered_words
from cooee.core.app.question import Question
from cooee.core.dialogue.answer_records import (
    adapt_recorded_answer,
    keeps_text_alone,
    recorded_answer,
)
from cooee.core.dialogue.argument_checks import check_question, check_sleep, is_key
from cooee.core.dialogue.call_sites import call_chain, caller_location, user_location
from cooee.core.dialogue.engine_requests import (
    argument_error,
    fail_turn,
    key_error,
    new_step_error,
    suspend_run,
    wait_forever,
)
from cooee.core.dialogue.error_messages import (
    ambiguity_message,
    answer_bug_message,
    text_alone_message,
)
from cooee.core.dialogue.journal import JournalEntry, StoredRecord
from cooee.core.dialogue.onces import call_once
from cooee.core.dialogue.questions import (
    IncomingText,
    QuestionStep,
    advance_question,
)
from cooee.core.dialogue.rewordings import check_former_words, known_key
from cooee.core.dialogue.run import Run, Verb
from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.dialogue.waiting import BurstText, RecordKey, Waiting
from cooee.core.errors import (
    AmbiguousQuestion,
    DialogueError,
    NoReply,
    TooManyAttempts,
    Unanswered,
    Unstorable,
)
from cooee.core.messages import Inbound

T = TypeVar("T")

# Asking


async def ask_question(run: Run, question: Question) -> Any:
    """Return the answer to a question, or raise its recorded failure; suspend without a record."""
    # No lambda closes over what is here: each run runs this function for every answer, and a closed
    # name costs at every use.
    run.unawaited_verb = None
    if not run.active:
        await wait_forever(run)
    if question.key is not None and not is_key(question.key):  # this line runs for every answer
        await fail_turn(run, key_error(question.key, caller_location()))
    if question.kind == "receive":
        key = run.keys.occurrence_key("receive", question.key or "")
    else:
        key, ambiguous = run.keys.question_key(
            question.key or question.prompt, call_chain(run.coroutine)
        )
        if ambiguous:
            message = ambiguity_message(question, caller_location())
            if run.context.strict:
                await fail_turn(run, AmbiguousQuestion(message))
            run.warnings.append(message)
    if question.was is not None or run.index.renames:
        mistake = check_former_words(question)
        if mistake:
            await fail_turn(run, DialogueError(f"{caller_location()}: {mistake}"))
        key = known_key(run, question, key)
    found = original = run.records.get(key)
    if found is not None and (run.reached_waiting or not run.same_code):
        # replay rule 2: the same code accepted these records before, so up to the waiting key it
        # does not check them again; changed code may ask for another type or other options.
        found = await _with_type(run, question, partial(_adapt_record, run, question, found))
    if found is None:
        location = caller_location()
        problem = new_step_error(run, key, f"asks {question.prompt!r}", location, question.prompt)
        problem = problem or argument_error(location, check_question(question))
        if problem is not None:
            await fail_turn(run, problem)
        stale = original is not None
        step = await _with_type(
            run, question, partial(_next_step, run, question, key, location, stale=stale)
        )
        if step.outcome is None:  # replay rule 6: the first question without a record stops the run
            await suspend_run(run, key, step.waiting, step)
        found = run.add_step_record(_record_of_step(run, question, key, step))
        if keeps_text_alone(found.entry):
            run.warnings.append(text_alone_message(question, location))
    entry = run.deliver_record(key, found)
    if entry.kind in _UNANSWERED_ERRORS:
        error, message = _UNANSWERED_ERRORS[entry.kind]
        raise error(f"{message} to: {question.prompt}")
    if type(entry.value) is dict and keeps_text_alone(entry):
        context = run.parse_context(entry.at)
        return await _with_type(run, question, partial(recorded_answer, entry, question, context))
    return decode_value(entry.value)


async def _with_type(run: Run, question: Question, parse: Callable[[], T]) -> T:
    """Return the result of a step that calls the type of a question; fail the turn at its bug.

    The text is not recorded then: it is retried, and at last set aside until the code changes.
    """
    try:
        return parse()
    except Exception as error:
        if not isinstance(error, DialogueError):  # which has its own words
            error.add_note(answer_bug_message(question))
        await fail_turn(run, error)
        raise


_UNANSWERED_ERRORS: dict[str, tuple[type[Unanswered], str]] = {
    "no reply": (NoReply, "There was no answer in time"),
    "too many attempts": (TooManyAttempts, "No answer was understood"),
}


def _record_of_step(
    run: Run, question: Question, key: RecordKey, step: QuestionStep
) -> JournalEntry:
    assert step.outcome is not None
    tag = "" if question.kind == "receive" else question.parser.type_tag
    at = run.now if step.at is None else step.at
    entry = JournalEntry(
        step.outcome, key, at, run.turn_number, step.raw, step.value, tag, step.text_id
    )
    return replace(entry, media=step.media) if step.media else entry


def _next_step(
    run: Run, question: Question, key: RecordKey, location: str, *, stale: bool
) -> QuestionStep:
    held = run.index.held_texts.get(key)
    if held is not None:
        step = _step_for_held_texts(run, question, held, location)
        if step is not None:
            return step
    # replay rule 4: the text belongs to the question that was sent last, not to the first one met.
    waiting = run.journal.waiting if key == run.waiting_key else None
    text = run.text if waiting is not None else None
    if stale and text is None:
        waiting = (
            None  # its record became stale: the person has answered, and needs the prompt again
        )
    context = run.parse_context(run.now if text is None else text.sent_at)
    current = waiting or Waiting(key, question.prompt, run.now)
    current = _as_written(run, question, current, location)
    step = advance_question(
        question, current, text, run.now, context, already_asked=waiting is not None
    )
    if step.text_consumed:
        run.consume_text()
    return step


def _as_written(run: Run, question: Question, waiting: Waiting, location: str) -> Waiting:
    """Return `waiting` with the place and the offered words of the question in today's code."""
    offered = offered_words(question, run.context.reserved_words)
    return replace(waiting, location=location, offered=offered)


def _step_for_held_texts(
    run: Run, question: Question, earlier: Sequence[JournalEntry], location: str
) -> QuestionStep | None:
    """Return the step for texts held back while an inserted question stood before this one."""
    *earlier, held = earlier
    burst = tuple(
        BurstText(each.raw or "", each.text_id, decode_value(each.value[0]), each.media)
        for each in earlier
    )
    received_at, asked_at = (decode_value(each) for each in held.value)
    text = IncomingText(
        held.raw or "", held.text_id, held.at, received_at, held.media, stamped_at=held.at
    )
    waiting = Waiting(held.key, question.prompt, asked_at, burst=burst)
    waiting = _as_written(run, question, waiting, location)
    step = advance_question(
        question, waiting, text, received_at, run.parse_context(held.at), already_asked=True
    )
    if step.outcome is None:
        run.add_entry(JournalEntry("dropped", held.key, run.now, run.turn_number))
    if not step.text_consumed:
        return None
    return replace(step, waiting=replace(step.waiting, asked_at=run.now))


def _adapt_record(run: Run, question: Question, found: StoredRecord) -> StoredRecord | None:
    """Return the record as changed code accepts it; None where the question is asked again."""
    context, entry = run.parse_context(found.entry.at), found.entry
    try:
        if not keeps_text_alone(entry):
            decode_value(entry.value)
    except Unstorable:  # the class of the value is gone: parse the original text again
        entry = replace(entry, tag="")
        if entry.kind == "default" and question.default is not UNSET:
            entry = replace(entry, value=encode_value(question.default))
    adapted = adapt_recorded_answer(entry, question, context)
    if adapted is None:
        run.add_entry(JournalEntry("stale", entry.key, run.now, run.turn_number))
        return None
    return found if adapted is found.entry else run.add_record(adapted)


# Sleeping


async def sleep_until_due(
    run: Run, length: timedelta | None, until: datetime | None, key: str | None
) -> None:
    """Return when the sleep is over; suspend the run before that."""
    run.unawaited_verb = None
    if not run.active:
        await wait_forever(run)
    if not is_key(key):
        await fail_turn(run, key_error(key, caller_location()))
    record_key = run.keys.occurrence_key("sleep", key or str(length if until is None else until))
    found = run.records.get(record_key)
    if found is None:
        location = caller_location()
        problem = new_step_error(run, record_key, "sleeps", location)
        problem = problem or argument_error(location, check_sleep(length, until, key))
        if problem is not None:
            await fail_turn(run, problem)
        waiting = _sleep_waiting(run, record_key, length, until, location)
        if waiting.due_at is not None and waiting.due_at > run.now:
            await suspend_run(run, record_key, waiting, None)
        found = run.add_step_record(JournalEntry("slept", record_key, run.now, run.turn_number))
    run.deliver_record(record_key, found)


def _sleep_waiting(
    run: Run, key: RecordKey, length: timedelta | None, until: datetime | None, location: str
) -> Waiting:
    waiting = run.journal.waiting
    # replay rule 11: a sleep counts from when it began, in the length of today's code.
    since = waiting.asked_at if waiting is not None and key == run.waiting_key else run.now
    if until is None:
        return Waiting(key, "", since, since + (length or timedelta()), location=location)
    local = until.replace(tzinfo=run.chat.zone) if until.utcoffset() is None else until
    return Waiting(key, "", since, local.astimezone(since.tzinfo), location=location)


class Verbs:
    """The verbs of one run, which its chat delegates to."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.say, self.end = run.say, run.end
        self.restart, self.may_recall = run.restart, run.check_history_allowed

    @property
    def message(self) -> Inbound:
        """Return the text of the last answer."""
        return self._run.message

    @property
    def token(self) -> str:
        """Return a stable id of this step."""
        return self._run.token

    @property
    def chance(self) -> Random:
        """Return a random generator that is the same in every replay."""
        return self._run.seeded_random

    def question(self, question: Question) -> Verb:
        """Return the awaitable of ask, choose, confirm or receive."""
        return self._run.opened_verb(question.kind, ask_question(self._run, question))

    def part(self, name: str) -> AbstractContextManager[None]:
        """Put a name in front of the keys of all steps inside."""
        if not is_key(name):
            message = f'{user_location()}: part({name!r:.80}) is no name. Write part("guest").'
            raise self._run.fail_turn(DialogueError(message))
        return self._run.keys.part(name)

    def sleep(self, length: timedelta | None, until: datetime | None, key: str | None) -> Verb:
        """Return the awaitable of a sleep."""
        return self._run.opened_verb("sleep", sleep_until_due(self._run, length, until, key))

    def once(self, call: OnceCall) -> Verb:
        """Return the awaitable of a call that no replay repeats."""
        return self._run.opened_verb("once", call_once(self._run, call))
