"""A question at its next step: answered by a text, ended by a timer, or asked again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from cooee.core.app.question import Question
from cooee.core.dialogue.answer_records import stored_value
from cooee.core.dialogue.journal import EntryKind
from cooee.core.dialogue.question_texts import (
    came_ahead,
    came_in_between,
    had_gone_out,
    is_lost,
)
from cooee.core.dialogue.value_codec import encode_value
from cooee.core.dialogue.waiting import BurstText, Waiting
from cooee.core.messages import Media
from cooee.core.parsing.answers import NotUnderstood, ParseContext, offers_answers, parse_answer
from cooee.core.parsing.choices import requested_page


class IncomingText(msgspec.Struct, frozen=True):
    """A person's text, as a dialogue sees it; `chat.now` becomes its `sent_at`.

    `stamped_at` is the moment of the sending as the provider has it, where that is credible;
    `sent_at` is the same, but never before the turn before.
    `is_keyword` says that the text would begin another handler if no question waited.
    `opt_out_prompt` is the reply to a text that may be a wish for no more texts, else empty.
    """

    text: str
    text_id: str
    sent_at: datetime
    received_at: datetime
    media: tuple[Media, ...] = ()
    is_keyword: bool = False
    opt_out_prompt: str = ""
    stamped_at: datetime | None = None


class QuestionStep(msgspec.Struct, frozen=True):
    """The next step of a question: a record, or its new `waiting` and an outgoing text.

    `text_consumed` says whether the question consumed the text, understood or not.
    """

    waiting: Waiting
    outcome: EntryKind | None = None
    value: Any = None
    at: datetime | None = None
    raw: str | None = None
    text_id: str = ""
    media: tuple[Media, ...] = ()
    outgoing: tuple[str, str] | None = None
    text_consumed: bool = False


def advance_question(
    question: Question,
    waiting: Waiting,
    text: IncomingText | None,
    now: datetime,
    context: ParseContext,
    *,
    already_asked: bool,
) -> QuestionStep:
    """Return the next step of a question. `already_asked` says whether its prompt was sent before.

    A text sent by the deadline wins against the timer (replay rule 11). After an outage, only
    the last due reminder is sent. A paused question sends none; a resumed one is asked again.
    """
    deadline = _deadline_of(question, waiting)
    if text is not None and _is_in_time(waiting, text, deadline):
        step = _offer_text(question, waiting, text, context)
        if step is not None:
            return step
    burst = waiting.burst
    if burst and _burst_end(question, burst) <= now:
        return _burst_step(waiting)
    if not already_asked:
        outgoing = ("prompt", question.render_prompt()) if question.prompt else None
        return QuestionStep(_with_due_time(question, waiting), outgoing=outgoing)
    if deadline is not None and deadline <= now and not burst:
        return _timeout_step(question, waiting, now)
    if waiting.paused:
        return QuestionStep(_with_due_time(question, waiting))
    return _reminder_step(question, waiting, now)


def _is_in_time(waiting: Waiting, text: IncomingText, deadline: datetime | None) -> bool:
    return deadline is None or _answered_at(waiting, text) <= deadline


def _answered_at(waiting: Waiting, text: IncomingText) -> datetime:
    """Return the moment that counts against the deadline: of the sending, where that is credible.

    Not before the question was asked: such a stamp is of a clock that is wrong, or of a text that
    was meant for something else.
    """
    # replay rule 11: an answer that was sent in time counts, however late we read it.
    stamped_at = text.stamped_at or text.received_at
    return min(stamped_at, text.received_at) if stamped_at >= waiting.asked_at else text.received_at


def _offer_text(
    question: Question, waiting: Waiting, text: IncomingText, context: ParseContext
) -> QuestionStep | None:
    """Return the step of a question by a text in time; None where the text is not for it."""
    if text.opt_out_prompt and not _is_offered(question, text, context):
        # texts rule 7: a doubtful wish is asked about, and counts as no attempt
        waiting = _with_due_time(question, replace(waiting, re_ask=False))
        outgoing = ("opt-out", text.opt_out_prompt)
        return QuestionStep(waiting, outgoing=outgoing, text_consumed=True)
    if is_lost(question, waiting) and not came_ahead(waiting, text.received_at):
        # replay rule 18: nobody has read the question, so this text answers another, or none
        return None if text.is_keyword else _asked_again(question, waiting)
    # replay rule 17: a "yes" typed before the prompt went out confirms something else.
    if question.fresh and not had_gone_out(waiting, text.received_at, text.stamped_at):
        # replay rule 18: it may have gone out before we know, so whoever answered is asked again
        is_doubtful = came_in_between(waiting, text.received_at, text.stamped_at)
        asks_again = is_doubtful and question.prompt and not text.is_keyword
        return _asked_again(question, waiting) if asks_again else None
    step = _take_text(question, waiting, text, context)
    # replay rule 17: what a question that nobody has read does not understand is not for it
    return None if waiting.went_out == "not yet" and _is_misunderstood(step) else step


def _asked_again(question: Question, waiting: Waiting) -> QuestionStep:
    outgoing = ("again", question.render_prompt(waiting.page))
    return QuestionStep(_with_due_time(question, waiting), outgoing=outgoing, text_consumed=True)


def _is_misunderstood(step: QuestionStep) -> bool:
    is_reply = step.outgoing is not None and step.outgoing[0] in {"retry", "page"}
    return is_reply or step.outcome == "too many attempts"


def _take_text(
    question: Question, waiting: Waiting, text: IncomingText, context: ParseContext
) -> QuestionStep:
    waiting = replace(waiting, re_ask=False) if waiting.re_ask else waiting
    if question.settle or waiting.burst:
        burst_text = BurstText(text.text, text.text_id, text.received_at, text.media)
        waiting = replace(waiting, burst=(*waiting.burst, burst_text))
        if not question.settle:  # an edit has removed `settle`: the burst is over
            return replace(_burst_step(waiting), text_consumed=True)
        return QuestionStep(_with_due_time(question, waiting), text_consumed=True)
    if question.kind == "receive":
        return _answer_step(waiting, text, text.text)
    page = requested_page(text.text, question.options, waiting.page) if question.options else None
    if page is not None:
        waiting = _with_due_time(question, replace(waiting, page=page))
        return QuestionStep(
            waiting, outgoing=("page", question.render_prompt(page)), text_consumed=True
        )
    try:
        return _answer_step(waiting, text, parse_answer(question.parser, text.text, context))
    except NotUnderstood as error:
        return _misunderstood_step(question, waiting, text, error.hint)


def _is_offered(question: Question, text: IncomingText, context: ParseContext) -> bool:
    """Tell whether a text is one of the answers that the question itself offers."""
    if question.kind == "receive" or not offers_answers(question.parser):
        return False
    with suppress(NotUnderstood):
        parse_answer(question.parser, text.text, context)
        return True
    return False


def _answer_step(waiting: Waiting, text: IncomingText, value: Any) -> QuestionStep:
    # replay rule 2: the value is parsed as of this moment: "tomorrow" is never parsed again.
    at, raw, text_id = text.sent_at, text.text, text.text_id
    return QuestionStep(
        waiting, "answer", stored_value(value), at, raw, text_id, text.media, text_consumed=True
    )


def _burst_end(question: Question, burst: Sequence[BurstText]) -> datetime:
    return burst[-1].received_at + (question.settle or timedelta())


def _burst_step(waiting: Waiting) -> QuestionStep:
    """Return the step of a burst that is over: its texts are one answer, a line each."""
    burst = waiting.burst
    text = "\n".join(each.text for each in burst)
    last, media = burst[-1], sum((each.media for each in burst), ())
    return QuestionStep(waiting, "answer", text, last.received_at, text, last.text_id, media)


def _misunderstood_step(
    question: Question, waiting: Waiting, text: IncomingText, hint: str
) -> QuestionStep:
    """Count a wrong answer; record only that there were too many (replay rule 6)."""
    attempts = waiting.attempts + 1
    waiting = _with_due_time(question, replace(waiting, attempts=attempts))
    if question.attempts is not None and attempts >= question.attempts:
        raw, text_id = text.text, text.text_id
        return QuestionStep(
            waiting, "too many attempts", None, text.sent_at, raw, text_id, text_consumed=True
        )
    retry_text = (
        question.retry or f"{hint or question.parser.hint} {question.render_prompt(waiting.page)}"
    )
    return QuestionStep(waiting, outgoing=("retry", retry_text), text_consumed=True)


def _timeout_step(question: Question, waiting: Waiting, now: datetime) -> QuestionStep:
    if question.default is UNSET:
        return QuestionStep(waiting, "no reply", None, now)
    return QuestionStep(waiting, "default", encode_value(question.default), now)


def _reminder_step(question: Question, waiting: Waiting, now: datetime) -> QuestionStep:
    reminders = _sorted_reminders(question)
    due = sum(waiting.asked_at + after <= now for after, _ in reminders)
    if due <= waiting.reminder_count and not waiting.re_ask:
        return QuestionStep(_with_due_time(question, waiting))
    asks_again = waiting.re_ask or is_lost(question, waiting)
    own_text = "" if asks_again else reminders[due - 1][1]
    reminder_text = own_text or question.render_prompt(waiting.page)
    reminded = max(due, waiting.reminder_count)
    waiting = _with_due_time(question, replace(waiting, reminder_count=reminded, re_ask=False))
    kind = "again" if asks_again else "remind"
    return QuestionStep(waiting, outgoing=(kind, reminder_text) if reminder_text else None)


def _with_due_time(question: Question, waiting: Waiting) -> Waiting:
    """Return `waiting` with the time of its timer, by today's code."""
    if not (question.timeout or question.remind or waiting.burst or waiting.due_at):
        return waiting
    reminders = [] if waiting.paused else _sorted_reminders(question)[waiting.reminder_count :]
    moments = [waiting.asked_at + after for after, _ in reminders]
    deadline = _deadline_of(question, waiting)
    if deadline is not None:
        moments.append(deadline)
    if waiting.burst:
        moments.append(_burst_end(question, waiting.burst))
    return replace(waiting, due_at=min(moments, default=None), deadline=deadline)


def _deadline_of(question: Question, waiting: Waiting) -> datetime | None:
    # replay rule 11: from today's code, so that an edit moves the deadline of an open question.
    return None if question.timeout is None else waiting.asked_at + question.timeout


def _sorted_reminders(question: Question) -> list[tuple[timedelta, str]]:
    remind = question.remind
    if remind is None:
        return []
    is_single = isinstance(remind, timedelta | tuple) and not _is_reminder_tuple(remind)
    reminders: Any = [remind] if is_single else remind
    pairs = [(each, "") if isinstance(each, timedelta) else each for each in reminders]
    return sorted(pairs, key=lambda pair: pair[0])


def _is_reminder_tuple(remind: Any) -> bool:
    """Return whether a tuple holds reminders, rather than being one: (timedelta, text)."""
    return isinstance(remind, tuple) and not (len(remind) == 2 and isinstance(remind[1], str))
