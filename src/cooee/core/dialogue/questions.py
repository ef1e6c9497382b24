"""A question: what is asked, what a text does to it, and what time does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from cooee.core.app.question import Question
from cooee.core.dialogue.journal import Entry, Heard, Kind, Waiting
from cooee.core.dialogue.value_codec import pack
from cooee.core.messages import Media
from cooee.core.parsing.answers import Circumstances, NotUnderstood, read
from cooee.core.parsing.choices import turned


class Text(msgspec.Struct, frozen=True):
    """A person's text, as a dialogue sees it: `sent_at` is what `chat.now` becomes by it."""

    words: str
    message: str
    sent_at: datetime
    received_at: datetime
    media: tuple[Media, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """What a question came to: a record, or where it stands now and what is said to that.

    `took` says whether the text was taken for it, understood or not.
    """

    waiting: Waiting
    outcome: Kind | None = None
    value: Any = None
    at: datetime | None = None
    raw: str | None = None
    message: str = ""
    media: tuple[Media, ...] = ()
    says: tuple[str, str] | None = None
    took: bool = False


def consider(
    question: Question,
    waiting: Waiting,
    text: Text | None,
    now: datetime,
    here: Circumstances,
    *,
    asked: bool,
) -> Step:
    """What a question comes to now. `asked` says whether it has gone out before.

    A text wins against the deadline where it was received by then. After an outage, only the
    last of the reminders due goes out. While another dialogue asks, there are none; once this
    question has come back, it is asked again.
    """
    deadline = _deadline(question, waiting)
    if text is not None and _may_answer(question, waiting, text, deadline):
        return _heard(question, waiting, text, here)
    burst = waiting.burst
    if burst and question.settle and burst[-1].received_at + question.settle <= now:
        words = "\n".join(each.words for each in burst)
        last, media = burst[-1], sum((each.media for each in burst), ())
        return Step(waiting, "answer", words, last.received_at, words, last.message, media)
    if not asked:
        said = ("prompt", question.shown()) if question.prompt else None
        return Step(_timed(question, waiting), says=said)
    if deadline is not None and deadline <= now and not burst:
        return _overdue(question, waiting, now)
    if waiting.parked:
        return Step(_timed(question, waiting))
    return _reminded(question, waiting, now)


def recall(entry: Entry, question: Question, here: Circumstances) -> Entry | None:
    """A record under a program that has changed: as it was, read anew, or None: ask afresh.

    What was chosen has to be on the menu still. Where another type is asked for now, the
    person's own words are read as of their own time.
    """
    if entry.kind != "answer":
        return entry  # a recorded outcome stays
    if question.kind == "receive":
        return entry
    reader = question.reader
    if reader.tag == entry.tag:
        gone = question.options is not None and entry.value not in question.options
        return None if gone else entry
    try:
        value = pack(read(reader, entry.raw or "", replace(here, at=entry.at)))
    except NotUnderstood:
        return None
    return replace(entry, value=value, tag=reader.tag, said=())


def _may_answer(
    question: Question, waiting: Waiting, text: Text, deadline: datetime | None
) -> bool:
    if question.fresh and text.received_at < waiting.asked_at:
        return False
    return deadline is None or text.received_at <= deadline


def _heard(question: Question, waiting: Waiting, text: Text, here: Circumstances) -> Step:
    waiting = replace(waiting, again=False) if waiting.again else waiting
    if question.settle:
        heard = Heard(text.words, text.message, text.received_at, text.media)
        waiting = replace(waiting, burst=(*waiting.burst, heard))
        return Step(_timed(question, waiting), took=True)
    if question.kind == "receive":
        return _answered(waiting, text, text.words)
    page = turned(text.words, question.options, waiting.page) if question.options else None
    if page is not None:
        waiting = _timed(question, replace(waiting, page=page))
        return Step(waiting, says=("page", question.shown(page)), took=True)
    try:
        return _answered(waiting, text, read(question.reader, text.words, here))
    except NotUnderstood:
        return _misunderstood(question, waiting, text)


def _answered(waiting: Waiting, text: Text, value: Any) -> Step:
    at, raw, message = text.sent_at, text.words, text.message
    return Step(waiting, "answer", pack(value), at, raw, message, text.media, took=True)


def _misunderstood(question: Question, waiting: Waiting, text: Text) -> Step:
    """A wrong answer is counted and never recorded, save that there were too many."""
    attempts = waiting.attempts + 1
    waiting = _timed(question, replace(waiting, attempts=attempts))
    if question.attempts is not None and attempts >= question.attempts:
        raw, message = text.words, text.message
        return Step(waiting, "attempts", None, text.sent_at, raw, message, took=True)
    words = question.retry or f"{question.reader.hint} {question.shown(waiting.page)}"
    return Step(waiting, says=("retry", words), took=True)


def _overdue(question: Question, waiting: Waiting, now: datetime) -> Step:
    if question.default is UNSET:
        return Step(waiting, "no reply", None, now)
    return Step(waiting, "default", pack(question.default), now)


def _reminded(question: Question, waiting: Waiting, now: datetime) -> Step:
    reminders = _reminders(question)
    due = sum(waiting.asked_at + after <= now for after, _ in reminders)
    if due <= waiting.reminded and not waiting.again:
        return Step(_timed(question, waiting))
    own = "" if waiting.again else reminders[due - 1][1]
    words = own or question.shown(waiting.page)
    reminded = max(due, waiting.reminded)
    waiting = _timed(question, replace(waiting, reminded=reminded, again=False))
    return Step(waiting, says=("remind", words) if words else None)


def _timed(question: Question, waiting: Waiting) -> Waiting:
    """With the moment at which it has to be looked at again, by today's code."""
    if not (question.timeout or question.remind or waiting.burst or waiting.due_at):
        return waiting
    reminders = [] if waiting.parked else _reminders(question)[waiting.reminded :]
    moments = [waiting.asked_at + after for after, _ in reminders]
    deadline = _deadline(question, waiting)
    if deadline is not None:
        moments.append(deadline)
    if waiting.burst and question.settle:
        moments.append(waiting.burst[-1].received_at + question.settle)
    return replace(waiting, due_at=min(moments, default=None), deadline=deadline)


def _deadline(question: Question, waiting: Waiting) -> datetime | None:
    return None if question.timeout is None else waiting.asked_at + question.timeout


def _reminders(question: Question) -> list[tuple[timedelta, str]]:
    remind = question.remind
    if remind is None:
        return []
    one = isinstance(remind, timedelta | tuple) and not _several(remind)
    several: Any = [remind] if one else remind
    pairs = [(each, "") if isinstance(each, timedelta) else each for each in several]
    return sorted(pairs, key=lambda pair: pair[0])


def _several(remind: Any) -> bool:
    """Whether a tuple holds reminders, rather than being one: (timedelta, words)."""
    return isinstance(remind, tuple) and not (len(remind) == 2 and isinstance(remind[1], str))
