"""Checks of the arguments of ask, sleep and once, before they take effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from inspect import isawaitable
from typing import Any, Literal, get_origin

from cooee.core.app.question import Question


def check_question(question: Question) -> str:
    """Return the mistake in a question and its remedy, or "".

    The types say the same; the check is for users without a type checker.
    """
    return _check_settings(question) or _check_answer_type(question.type, question.options)


def _check_settings(question: Any) -> str:
    if question.kind == "ask" and not question.prompt:
        return "a question needs words. To wait without asking, write chat.receive()."
    if question.timeout is not None and not isinstance(question.timeout, timedelta):
        return _bad_duration_message("timeout", question.timeout)
    if question.attempts is not None and not _is_positive_int(question.attempts):
        return f"attempts={question.attempts!r} leaves nobody a chance. Write 1 or more."
    if question.retry is not None and not isinstance(question.retry, str):
        return f"retry={question.retry!r} is no text. For how often, write attempts=…"
    return _check_reminders(question.remind)


def check_sleep(length: Any, until: Any) -> str:
    """Return the mistake in a sleep and its remedy, or ""."""
    if length is None and until is None:
        return "say how long to sleep: chat.sleep(hours(8)), or until=…"
    if length is not None and until is not None:
        return "a sleep has a length or an end (until=…), and this one has both."
    if length is not None and not isinstance(length, timedelta):
        return _bad_duration_message("chat.sleep", length)
    if until is None or isinstance(until, datetime):
        return ""
    if isinstance(until, date):
        return "until is a day, and at what time? Write datetime.combine(day, time(9))."
    return f"until={until!r} is no moment. Write a datetime."


def check_once(function: Any) -> str:
    """Return the mistake in the function of a once and its remedy, or ""."""
    if callable(function):
        return ""
    if isawaitable(function):
        _close_awaitable(function)
        return "this was called already. Write chat.once(function, …), without calling it."
    return f"{function!r:.80} cannot be called. Write chat.once(function, …), with its arguments."


def _bad_duration_message(argument: str, value: Any) -> str:
    shown = f"{argument}={value!r}" if argument == "timeout" else f"{argument}({value!r})"
    return f"{shown} is no length of time. Write hours(24), minutes(5) or a timedelta."


def _check_reminders(remind: Any) -> str:
    if remind is None or _is_reminder(remind):
        return ""
    if isinstance(remind, Sequence) and not isinstance(remind, str):
        wrong = [reminder for reminder in remind if not _is_reminder(reminder)]
        if not wrong:
            return ""
        remind = wrong[0]
    return f"remind={remind!r} is no reminder. Write hours(1), or (hours(1), 'Still there?')."


def _is_reminder(value: Any) -> bool:
    if isinstance(value, tuple) and len(value) == 2:
        return isinstance(value[0], timedelta) and isinstance(value[1], str)
    return isinstance(value, timedelta)


def _check_answer_type(answer_type: Any, options: Any) -> str:
    if options is None:
        origin = get_origin(answer_type)
        if origin is Literal or (callable(answer_type) and origin is None):
            return ""
        shown = f"{answer_type!r:.80}"
        return f"{shown} is no type to ask for. Write int, date, a function of the text, …"
    if isinstance(options, str) or not isinstance(options, Sequence):
        return f'{options!r:.80} is no list to choose from. Write ["Friday", "Saturday"].'
    if not options:
        return "there is nothing to choose from."
    wrong = [option for option in options if not isinstance(option, str)]
    return f"an option is a text, and this is none: {wrong[0]!r:.80}." if wrong else ""


def _is_positive_int(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _close_awaitable(awaitable: Any) -> None:
    """Close a coroutine that nobody will await, so that Python does not warn."""
    if hasattr(awaitable, "close"):
        awaitable.close()
