"""Checks of the arguments of ask and sleep, before they take effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import UNSET

from cooee.core.app.question import Question
from cooee.core.dialogue.value_codec import encode_value
from cooee.core.errors import Unstorable
from cooee.core.folding import visible_text
from cooee.core.parsing.answer_types import answer_type_problem

MAX_LENGTH = timedelta(days=36_525)
"""The longest time-out, reminder and sleep: 100 years."""
MAX_KEY_CHARS = 1_000


def check_question(question: Question) -> str:
    """Return the mistake in a question and its remedy, or "".

    The types say the same; the check is for users without a type checker.
    """
    return _check_settings(question) or _check_answer_type(question.type, question.options)


def _check_settings(question: Any) -> str:
    if question.kind == "ask" and not visible_text(question.prompt):
        return "a question needs words. To wait without asking, write chat.receive()."
    if question.attempts is not None and not _is_positive_int(question.attempts):
        return f"attempts={question.attempts!r} leaves nobody a chance. Write 1 or more."
    if not isinstance(question.fresh, bool):
        return f"fresh={question.fresh!r:.80} is no yes or no. Write True or False."
    if question.retry is not None and not isinstance(question.retry, str):
        return f"retry={question.retry!r} is no text. For how often, write attempts=…"
    return (
        check_key(question.key)
        or _check_length("timeout", question.timeout)
        or _check_length("settle", question.settle)
        or _check_reminders(question.remind)
        or _check_default(question.default)
    )


def is_key(key: object) -> bool:
    """Return whether a key can be looked up in the journal, or is None."""
    return key is None or (isinstance(key, str) and key != "")


def check_key(key: Any) -> str:
    """Return the mistake in a `key=` and its remedy, or ""."""
    if key is None:
        return ""
    if not is_key(key):
        return f'key={key!r:.80} is no name. Write a text, like key="party" or key=f"guest:{{i}}".'
    if len(key) > MAX_KEY_CHARS:
        return f"a key of {len(key):,} characters is no name. Write up to {MAX_KEY_CHARS:,}."
    return ""


def check_sleep(length: Any, until: Any, key: Any = None) -> str:
    """Return the mistake in a sleep and its remedy, or ""."""
    if length is None and until is None:
        return "say how long to sleep: chat.sleep(hours(8)), or until=…"
    if length is not None and until is not None:
        return "a sleep has a length or an end (until=…), and this one has both."
    return check_key(key) or _check_sleep_end(length, until)


def _check_sleep_end(length: Any, until: Any) -> str:
    if length is not None:
        return _check_length("chat.sleep", length)
    if isinstance(until, datetime):
        if _FIRST_YEAR <= until.year <= _LAST_YEAR:
            return ""
        return f"until={until:%Y} is beyond the calendar. To wait for ever, write chat.receive()."
    if isinstance(until, date):
        return "until is a day, and at what time? Write datetime.combine(day, time(9))."
    return f"until={until!r:.80} is no moment. Write a datetime."


_FIRST_YEAR, _LAST_YEAR = 1900, 9000  # in every time zone, and so is a moment some weeks away


def _check_default(default: Any) -> str:
    if default is UNSET:
        return ""
    try:
        encode_value(default)
    except Unstorable as error:
        return f"default={default!r:.80} could not be kept. {error}"
    return ""


def _check_length(argument: str, value: Any) -> str:
    if value is None:
        return ""
    shown = f"{argument}({value!r})" if argument == "chat.sleep" else f"{argument}={value!r}"
    if not isinstance(value, timedelta):
        return f"{shown} is no length of time. Write hours(24), minutes(5) or a timedelta."
    if value <= timedelta():
        return f"{shown} is over before it begins.{_OVER_HINTS.get(argument, '')}"
    if value > MAX_LENGTH:
        return f"{shown} is longer than 100 years. To wait for ever, write chat.receive()."
    return ""


_OVER_HINTS = {
    "timeout": " Leave it out to wait without an end.",
    "settle": " Leave it out to take each text by itself.",
    "chat.sleep": " For a moment that may have passed, write until=…",
}


def _check_reminders(remind: Any) -> str:
    single = remind is None or _is_reminder(remind)
    if not single and (isinstance(remind, str) or not isinstance(remind, Sequence)):
        return _bad_reminder_message(remind)
    for reminder in () if remind is None else (remind,) if single else remind:
        if not _is_reminder(reminder):
            return _bad_reminder_message(reminder)
        problem = _check_length("remind", reminder[0] if isinstance(reminder, tuple) else reminder)
        if problem:
            return problem
    return ""


def _bad_reminder_message(remind: Any) -> str:
    return f"remind={remind!r} is no reminder. Write hours(1), or (hours(1), 'Still there?')."


def _is_reminder(value: Any) -> bool:
    if isinstance(value, tuple) and len(value) == 2:
        return isinstance(value[0], timedelta) and isinstance(value[1], str)
    return isinstance(value, timedelta)


def _check_answer_type(answer_type: Any, options: Any) -> str:
    if options is None:
        return answer_type_problem(answer_type)
    if isinstance(options, str) or not isinstance(options, Sequence):
        return f'{options!r:.80} is no list to choose from. Write ["Friday", "Saturday"].'
    if not options:
        return "there is nothing to choose from."
    wrong = [option for option in options if not isinstance(option, str)]
    return f"an option is a text, and this is none: {wrong[0]!r:.80}." if wrong else ""


def _is_positive_int(value: Any) -> bool:
    return type(value) is int and value > 0
