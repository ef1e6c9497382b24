"""A person's words as the type that was asked for."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NewType, get_args, get_origin

import msgspec

from cooee.core.parsing.choices import pick, yes_or_no
from cooee.core.parsing.keywords import LONGEST, fold
from cooee.core.phone_numbers import normalise

Email = NewType("Email", str)
"""``ask("Your e-mail?", Email)``: an address that could exist; nobody writes to it to see."""

PhoneNumber = NewType("PhoneNumber", str)
"""``ask("Your number?", PhoneNumber)``: in E.164, read as in the country of our number."""


class NotUnderstood(ValueError):
    """A text that is no answer of the type that was asked for."""


class Circumstances(msgspec.Struct, frozen=True):
    """When and where a text was written, which "tomorrow" and "3/4" depend on.

    `zone` is the person's; `near` is a number of ours, whose country's customs are taken.
    """

    at: datetime
    zone: tzinfo
    near: str


class Reader(msgspec.Struct, frozen=True):
    """How answers of one type are read; raises ValueError for what is none.

    `tag` names the type in the journal: where it has changed, the text is read anew.
    """

    tag: str
    read: Callable[[str, Circumstances], Any]
    hint: str = "Sorry, I did not understand that."


def read(reader: Reader, text: str, circumstances: Circumstances) -> Any:
    """The answer in a text.

    Raises:
        NotUnderstood: there is none.
    """
    words = text.strip()
    if not words or (len(words) > LONGEST and reader.tag != "str"):
        raise NotUnderstood
    try:
        return reader.read(words, circumstances)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error


@lru_cache(maxsize=1_000)
def reader_of(wanted: Any) -> Reader:
    """How answers of a type, or of any callable that takes a str, are read."""
    known = _READERS.get(wanted)
    if known is not None:
        return known
    if get_origin(wanted) is Literal:
        return _literal(get_args(wanted))
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        return _enum(wanted)
    if not callable(wanted):
        raise TypeError(f"{wanted!r} is no type to ask for, and cannot be called with a text.")
    name = f"{getattr(wanted, '__module__', '')}:{getattr(wanted, '__qualname__', '')}"
    return Reader(f"call:{name}", lambda text, _: wanted(text))


# Numbers

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PLAIN = re.compile(r"[+-]?(\d{1,18}(\.\d{1,18})?|\.\d{1,18})")
_SIGNS = str.maketrans("\u2212\uff0d\uff0b", "--+")
_COUNTED = {
    word: str(number)
    for number, word in enumerate(
        (  # noqa: SIM905 -- a list of words reads better than a wall of quotes
            "zero one two three four five six seven eight nine ten eleven twelve thirteen"
            " fourteen fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
}


def _figure(text: str) -> str:
    """The figure in a text that is nothing else: "4.", "$1,250.50", "four"."""
    text = text.translate(_SIGNS).strip(" \t\n$€£#!?").removesuffix(".")
    text = _COUNTED.get(text.casefold(), text)
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _PLAIN.fullmatch(text):
        raise NotUnderstood
    return text


def _whole(text: str, _: Circumstances) -> int:
    return int(_figure(text))


def _float(text: str, _: Circumstances) -> float:
    return float(_figure(text))


def _decimal(text: str, _: Circumstances) -> Decimal:
    return Decimal(_figure(text))


# Addresses


def _email(text: str, _: Circumstances) -> str:
    from email_validator import validate_email  # noqa: PLC0415 -- only who asks for one pays

    address = text.strip("<>\"' ,;").removeprefix("mailto:")
    return validate_email(address, check_deliverability=False).normalized


def _phone(text: str, circumstances: Circumstances) -> str:
    number = normalise(text, near=circumstances.near)
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise NotUnderstood
    return number


# One of several


def _yes(text: str, _: Circumstances) -> bool:
    answer = yes_or_no(text)
    if answer is None:
        raise NotUnderstood
    return answer


def _enum(wanted: type[enum.Enum]) -> Reader:
    members = list(wanted)
    names = [member.name.replace("_", " ") for member in members]

    def read(text: str, _: Circumstances) -> enum.Enum:
        for member in members:  # their own values first: they may be numbers
            if fold(str(member.value)) == fold(text):
                return member
        return members[pick(text, names, numbered=False)]

    return Reader(f"enum:{wanted.__module__}:{wanted.__qualname__}", read)


def _literal(values: tuple[Any, ...]) -> Reader:
    names = [str(value) for value in values]

    def read(text: str, _: Circumstances) -> Any:
        return values[pick(text, names, numbered=False)]

    return Reader(f"literal:{names!r}", read)


# Days and times


def _day(text: str, here: Circumstances) -> date:
    from cooee.core.parsing.dates import day  # noqa: PLC0415 -- 0.2 s that only who asks for one pays

    return day(text, here.at.astimezone(here.zone), here.near)


def _clock(text: str, here: Circumstances) -> time:
    from cooee.core.parsing.dates import clock  # noqa: PLC0415 -- see above

    return clock(text, here.at.astimezone(here.zone))


def _moment(text: str, here: Circumstances) -> datetime:
    from cooee.core.parsing.dates import moment  # noqa: PLC0415 -- see above

    return moment(text, here.at.astimezone(here.zone), here.near)


_READERS: dict[Any, Reader] = {
    str: Reader("str", lambda text, _: text),
    int: Reader("int", _whole, "Please send a number."),
    float: Reader("float", _float, "Please send a number."),
    Decimal: Reader("Decimal", _decimal, "Please send a number."),
    bool: Reader("bool", _yes, "Please answer yes or no."),
    date: Reader("date", _day, "Please send a day, like 24 December."),
    time: Reader("time", _clock, "Please send a time, like 3:30pm."),
    datetime: Reader("datetime", _moment, "Please send a day and a time, like Friday 3:30pm."),
    Email: Reader("Email", _email, "Please send an e-mail address."),
    PhoneNumber: Reader("PhoneNumber", _phone, "Please send a phone number."),
}
