"""Values that an app hands over, as the exact built-in types: what a store and a journal can hold.

A subclass of `str` (a StrEnum, markupsafe's Markup, a lazy translation), `int`, `datetime`
(pendulum's) or `timedelta` passes for its base in the app's code, and is refused or misread by
JSON, by databases and by comparisons of their own making. Every door of cooee (the verbs of a
chat, a reply, a route, `App.send`) takes such a value as its base, and goes on with nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


def built_in_text(value: T) -> T:
    """Return a text as an exact `str`; any other value as it is.

    A member of an Enum is its value. Where a class has a `__str__` of its own, as a lazy
    translation has, its words are those that `str(value)` returns now.
    """
    if type(value) is str or not isinstance(value, str):
        return value
    is_member = issubclass(type(value), Enum)
    return str.__str__(value if is_member else str(value))  # type: ignore[return-value]  # a str for a str


def required_text(value: object, what: str) -> str:
    """Return a text as an exact `str`.

    Args:
        value: the text.
        what: the name of the value in the error, such as "A prompt".

    Raises:
        TypeError: the value is no `str`; an object that only has a `__str__` is none.
    """
    if type(value) is str:
        return value
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}. Write str(…).")
    return built_in_text(value)


def built_in_length(value: T) -> T:
    """Return a length of time as an exact `timedelta`; any other value as it is."""
    if type(value) is timedelta or not isinstance(value, timedelta):
        return value
    return timedelta(microseconds=round(value.total_seconds() * 1e6))  # type: ignore[return-value]  # see above


def built_in_moment(value: T) -> T:
    """Return a moment as an exact `datetime`; any other value as it is."""
    if type(value) is datetime or not isinstance(value, datetime):
        return value
    return datetime.combine(_base_date(value), _base_time(value))  # type: ignore[return-value]  # see above


def built_in_reminders(remind: Any) -> Any:
    """Return reminders with exact lengths and texts."""
    if isinstance(remind, tuple | list):
        return type(remind)(map(built_in_reminders, remind)) if _is_plain(remind) else remind
    return built_in_length(built_in_text(remind))


def built_in_options(options: Any) -> Any:
    """Return the options of a menu with exact texts; anything but a sequence as it is."""
    if isinstance(options, str) or not isinstance(options, Sequence):
        return options
    return options if all(type(one) is str for one in options) else [*map(built_in_text, options)]


def built_in_names(names: Any) -> Any:
    """Return one name or several with exact texts; any other value as it is."""
    return built_in_text(names) if isinstance(names, str) else built_in_options(names)


def built_in_scalar(value: object) -> object:
    """Return an instance of a subclass of a scalar built-in type as that type.

    Raises:
        TypeError: the value is no such instance.
    """
    for base, convert in _SCALARS:
        if isinstance(value, base):
            return convert(value)
    raise TypeError(f"JSON has no form for a {type(value).__name__}")


def _is_plain(remind: object) -> bool:
    return type(remind) in {tuple, list}


def _base_date(value: date) -> date:
    return date(value.year, value.month, value.day)


def _base_time(value: datetime | time) -> time:
    parts = (value.hour, value.minute, value.second, value.microsecond, value.tzinfo)
    return time(*parts, fold=value.fold)


_SCALARS: Sequence[tuple[type, Callable[[Any], object]]] = (
    (str, built_in_text),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, bytes),
    (datetime, built_in_moment),
    (date, _base_date),
    (time, _base_time),
    (timedelta, built_in_length),
)
