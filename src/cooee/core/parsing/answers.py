"""Parses a person's text as the type that a question asks for."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NewType, get_args, get_origin

import msgspec

from cooee.core.parsing.choices import match_option, yes_or_no
from cooee.core.parsing.keywords import MAX_MATCH_CHARS, fold_text
from cooee.core.parsing.numbers import plain_number
from cooee.core.phone_numbers import normalise_number

Email = NewType("Email", str)
"""``ask("Your e-mail?", Email)``: an address that could exist; nobody writes to it to see."""

PhoneNumber = NewType("PhoneNumber", str)
"""``ask("Your number?", PhoneNumber)``: in E.164, read as in the country of our number."""


class NotUnderstood(ValueError):
    """The text is no answer of the question's type."""


class ParseContext(msgspec.Struct, frozen=True):
    """The time and place of a text, on which "tomorrow" and "3/4" depend.

    `zone` is the person's; `our_number` is a number of ours, whose country's customs are taken.
    """

    at: datetime
    zone: tzinfo
    our_number: str


class AnswerParser(msgspec.Struct, frozen=True):
    """A parser of a type's answers; `parse` raises ValueError for other texts.

    `type_tag` names the type in the journal: where it has changed, the text is read anew.
    """

    type_tag: str
    parse: Callable[[str, ParseContext], Any]
    hint: str = "Sorry, I did not understand that."


def parse_answer(parser: AnswerParser, text: str, context: ParseContext) -> Any:
    """Return the answer in a text.

    Raises:
        NotUnderstood: there is none.
    """
    stripped = text.strip()
    if not stripped or (len(stripped) > MAX_MATCH_CHARS and parser.type_tag != "str"):
        raise NotUnderstood
    try:
        return parser.parse(stripped, context)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error


@lru_cache(maxsize=1_000)
def parser_for(answer_type: Any) -> AnswerParser:
    """Return the parser of a type, or of any callable that takes a str."""
    known = _PARSERS.get(answer_type)
    if known is not None:
        return known
    if get_origin(answer_type) is Literal:
        return _literal_parser(get_args(answer_type))
    if isinstance(answer_type, type) and issubclass(answer_type, enum.Enum):
        return _enum_parser(answer_type)
    if not callable(answer_type):
        raise TypeError(f"{answer_type!r} is no type to ask for, and cannot be called with a text.")
    name = f"{getattr(answer_type, '__module__', '')}:{getattr(answer_type, '__qualname__', '')}"
    return AnswerParser(f"call:{name}", lambda text, _: answer_type(text))


# Numbers


def _extract_number(text: str) -> str:
    number = plain_number(text)
    if number is None:
        raise NotUnderstood
    return number


def _parse_int(text: str, _: ParseContext) -> int:
    return int(_extract_number(text))


def _parse_float(text: str, _: ParseContext) -> float:
    return float(_extract_number(text))


def _parse_decimal(text: str, _: ParseContext) -> Decimal:
    return Decimal(_extract_number(text))


# Addresses


def _parse_email(text: str, _: ParseContext) -> str:
    from email_validator import validate_email  # noqa: PLC0415 -- only who asks for one pays

    address = text.strip("<>\"' ,;").removeprefix("mailto:")
    return validate_email(address, check_deliverability=False).normalized


def _parse_phone_number(text: str, context: ParseContext) -> str:
    number = normalise_number(text, our_number=context.our_number)
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise NotUnderstood
    return number


# One of several


def _parse_yes_or_no(text: str, _: ParseContext) -> bool:
    answer = yes_or_no(text)
    if answer is None:
        raise NotUnderstood
    return answer


def _enum_parser(enum_type: type[enum.Enum]) -> AnswerParser:
    members = list(enum_type)
    names = [member.name.replace("_", " ") for member in members]

    def parse(text: str, _: ParseContext) -> enum.Enum:
        for member in members:  # their own values first: they may be numbers
            if fold_text(str(member.value)) == fold_text(text):
                return member
        return members[match_option(text, names, numbered=False)]

    return AnswerParser(f"enum:{enum_type.__module__}:{enum_type.__qualname__}", parse)


def _literal_parser(values: tuple[Any, ...]) -> AnswerParser:
    names = [str(value) for value in values]

    def parse(text: str, _: ParseContext) -> Any:
        return values[match_option(text, names, numbered=False)]

    return AnswerParser(f"literal:{names!r}", parse)


# Days and times


def _parse_date(text: str, context: ParseContext) -> date:
    from cooee.core.parsing.dates import parse_date  # noqa: PLC0415 -- 0.2 s that only who asks for one pays

    return parse_date(text, context.at.astimezone(context.zone), context.our_number)


def _parse_time(text: str, context: ParseContext) -> time:
    from cooee.core.parsing.dates import parse_time  # noqa: PLC0415 -- see above

    return parse_time(text, context.at.astimezone(context.zone))


def _parse_datetime(text: str, context: ParseContext) -> datetime:
    from cooee.core.parsing.dates import parse_datetime  # noqa: PLC0415 -- see above

    return parse_datetime(text, context.at.astimezone(context.zone), context.our_number)


_PARSERS: dict[Any, AnswerParser] = {
    str: AnswerParser("str", lambda text, _: text),
    int: AnswerParser("int", _parse_int, "Please send a number."),
    float: AnswerParser("float", _parse_float, "Please send a number."),
    Decimal: AnswerParser("Decimal", _parse_decimal, "Please send a number."),
    bool: AnswerParser("bool", _parse_yes_or_no, "Please answer yes or no."),
    date: AnswerParser("date", _parse_date, "Please send a day, like 24 December."),
    time: AnswerParser("time", _parse_time, "Please send a time, like 3:30pm."),
    datetime: AnswerParser(
        "datetime", _parse_datetime, "Please send a day and a time, like Friday 3:30pm."
    ),
    Email: AnswerParser("Email", _parse_email, "Please send an e-mail address."),
    PhoneNumber: AnswerParser("PhoneNumber", _parse_phone_number, "Please send a phone number."),
}
