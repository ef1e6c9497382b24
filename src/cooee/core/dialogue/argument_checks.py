"""What cannot be asked, slept or done: found at its line, before it takes effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from inspect import isawaitable
from typing import Any, Literal, get_origin

from cooee.core.app.question import Question


def in_question(question: Question) -> str:
    """What is wrong with a question, and what to write; "" where nothing is.

    Its types say the same; this is for those who have no type checker.
    """
    return _in_how(question) or _in_answer(question.type, question.options)


def _in_how(question: Any) -> str:
    if question.kind == "ask" and not question.prompt:
        return "a question needs words. To wait without asking, write chat.receive()."
    if question.timeout is not None and not isinstance(question.timeout, timedelta):
        return _length("timeout", question.timeout)
    if question.attempts is not None and not _positive(question.attempts):
        return f"attempts={question.attempts!r} leaves nobody a chance. Write 1 or more."
    if question.retry is not None and not isinstance(question.retry, str):
        return f"retry={question.retry!r} is no text. For how often, write attempts=…"
    return _in_reminders(question.remind)


def in_sleep(length: Any, until: Any) -> str:
    """What is wrong with a sleep, and what to write; "" where nothing is."""
    if length is None and until is None:
        return "say how long to sleep: chat.sleep(hours(8)), or until=…"
    if length is not None and until is not None:
        return "a sleep has a length or an end (until=…), and this one has both."
    if length is not None and not isinstance(length, timedelta):
        return _length("chat.sleep", length)
    if until is None or isinstance(until, datetime):
        return ""
    if isinstance(until, date):
        return "until is a day, and at what time? Write datetime.combine(day, time(9))."
    return f"until={until!r} is no moment. Write a datetime."


def in_once(call: Any) -> str:
    """What is wrong with something to be done once; "" where nothing is."""
    if callable(call):
        return ""
    if isawaitable(call):
        _close(call)
        return "this was called already. Write chat.once(function, …), without calling it."
    return f"{call!r:.80} cannot be called. Write chat.once(function, …), with its arguments."


def _length(what: str, given: Any) -> str:
    shown = f"{what}={given!r}" if what == "timeout" else f"{what}({given!r})"
    return f"{shown} is no length of time. Write hours(24), minutes(5) or a timedelta."


def _in_reminders(remind: Any) -> str:
    if remind is None or _is_reminder(remind):
        return ""
    if isinstance(remind, Sequence) and not isinstance(remind, str):
        wrong = [one for one in remind if not _is_reminder(one)]
        if not wrong:
            return ""
        remind = wrong[0]
    return f"remind={remind!r} is no reminder. Write hours(1), or (hours(1), 'Still there?')."


def _is_reminder(one: Any) -> bool:
    if isinstance(one, tuple) and len(one) == 2:
        return isinstance(one[0], timedelta) and isinstance(one[1], str)
    return isinstance(one, timedelta)


def _in_answer(wanted: Any, options: Any) -> str:
    if options is None:
        if get_origin(wanted) is Literal or (callable(wanted) and get_origin(wanted) is None):
            return ""
        return f"{wanted!r:.80} is no type to ask for. Write int, date, a function of the text, …"
    if isinstance(options, str) or not isinstance(options, Sequence):
        return f'{options!r:.80} is no list to choose from. Write ["Friday", "Saturday"].'
    if not options:
        return "there is nothing to choose from."
    wrong = [option for option in options if not isinstance(option, str)]
    return f"an option is a text, and this is none: {wrong[0]!r:.80}." if wrong else ""


def _positive(attempts: Any) -> bool:
    return isinstance(attempts, int) and attempts > 0


def _close(waiting: Any) -> None:
    """End a coroutine that nobody will await, without the interpreter's complaint."""
    if hasattr(waiting, "close"):
        waiting.close()
