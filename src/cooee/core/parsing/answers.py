"""Parses a person's text as a question's type."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, Literal, NewType, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec

from cooee.core.errors import DialogueError
from cooee.core.folding import (
    MAX_MATCH_CHARS,
    fold_text,
    plain_text,
    strip_categories,
    visible_text,
)
from cooee.core.parsing.callables import fingerprint, innermost, qualified_name
from cooee.core.parsing.choices import match_option
from cooee.core.parsing.courtesies import without_courtesies
from cooee.core.parsing.numbers import plain_number
from cooee.core.parsing.yes_no import yes_or_no
from cooee.core.phone_numbers import may_be_dialled, normalise_number

Email = NewType("Email", str)
"""``ask("Your e-mail?", Email)``: an address that could exist; nobody writes to it to see."""

PhoneNumber = NewType("PhoneNumber", str)
"""``ask("Your number?", PhoneNumber)``: in E.164, read as in the country of our number."""


Birthday = NewType("Birthday", date)
"""``ask("Your birthday?", Birthday)``: a day that is over, with its year: 12/3/85 is in 1985."""


class NotUnderstood(ValueError):
    """The text is no answer of the question's type.

    `hint` is what to tell the person; "" for the type's own words.
    """

    def __init__(self, message: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ParseContext(msgspec.Struct, frozen=True):
    """The time and place of a text, for "tomorrow" and "3/4".

    `find_zone` returns the person's time zone; looking it up takes time, and few types need it.
    The customs are those of two countries: of `our_number`, a number of ours, and of
    `their_number`, the person's.
    """

    at: datetime
    find_zone: Callable[[], tzinfo]
    our_number: str
    their_number: str = ""


class AnswerParser(msgspec.Struct, frozen=True):
    """A parser of a type's answers; `parse` raises one of `WRONG_ANSWER_ERRORS` for other texts.

    `type_tag` stands for the meaning of the type in the journal: where it has changed, the text is
    parsed again. Behind a `#` follows a fingerprint of what the type does.
    """

    type_tag: str
    parse: Callable[[str, ParseContext], Any]
    hint: str = "Sorry, I did not understand that."


def offers_answers(parser: AnswerParser) -> bool:
    """Tell whether a question of this type offers its answers, as a menu and a `confirm` do."""
    return parser.type_tag.startswith(("choose", "enum:", "literal:", "bool"))


def offered_labels(answer_type: Any) -> Sequence[str]:
    """Return the words that a question of an `Enum` or a `Literal` offers; () for other types."""
    answer_type = unwrap_type(answer_type)
    if get_origin(answer_type) is Literal:
        return [str(value) for value in get_args(answer_type)]
    if isinstance(answer_type, type) and issubclass(answer_type, enum.Enum):
        names = [member.name.replace("_", " ") for member in answer_type]
        return [*names, *(str(member.value) for member in answer_type)]
    return ()


WRONG_ANSWER_ERRORS = (ValueError, LookupError, ArithmeticError, TypeError)
"""The errors by which a type says that a text is no answer; the text is asked for again.

A text causes them: `int` raises ValueError, a dict KeyError, a split text IndexError, `Fraction`
ZeroDivisionError, and whatever is handed a None by `re.match` TypeError (argparse counts it too).
Any other error is a bug of the function, and fails the turn.
"""


def parse_answer(parser: AnswerParser, text: str, context: ParseContext) -> Any:
    """Return the answer in a text; every type is handed the text without invisible characters.

    Raises:
        NotUnderstood: there is none.
        DialogueError: the type returned something that has to be awaited.
        Exception: a bug of the type's own.
    """
    # texts rule 1: no type is handed a character that nobody sees
    visible = visible_text(text)
    if not visible or (len(visible) > MAX_MATCH_CHARS and parser.type_tag != "str"):
        raise NotUnderstood
    try:
        value = parser.parse(visible, context)
    except NotUnderstood:
        raise
    except WRONG_ANSWER_ERRORS as error:
        raise NotUnderstood(str(error)) from error
    if type(value) is not str and inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # nobody will await it, and Python would warn
        raise DialogueError(
            f"{parser.type_tag.partition('#')[0]} returned something to await, and an answer is"
            " parsed without an event loop. Ask for the text, and await the rest in chat.once(…)."
        )
    return value


def known_parser(answer_type: Any) -> AnswerParser | None:
    """Return cooee's own parser of a type, or None."""
    try:
        return _PARSERS.get(answer_type)
    except TypeError:  # a callable object without a hash
        return None


def unwrap_type(answer_type: Any) -> Any:
    """Return the type behind a NewType unknown to cooee, or behind a ``type X = …``."""
    while known_parser(answer_type) is None:
        if isinstance(answer_type, NewType):
            answer_type = answer_type.__supertype__
        elif type(answer_type).__name__ == "TypeAliasType":
            answer_type = answer_type.__value__
        else:
            break
    return answer_type


def parser_for(answer_type: Any) -> AnswerParser:
    """Return the parser of a type, or of any callable from str."""
    answer_type = unwrap_type(answer_type)
    known = known_parser(answer_type)
    if known is not None:
        return known
    if get_origin(answer_type) is Literal:
        return _literal_parser(get_args(answer_type))
    if isinstance(answer_type, type) and issubclass(answer_type, enum.Enum):
        return _enum_parser(answer_type)
    if not callable(answer_type):
        raise TypeError(f"{answer_type!r} is no type to ask for, and cannot be called with a text.")
    function = innermost(answer_type)
    name = f"{getattr(function, '__module__', '')}:{qualified_name(function)}"
    tag = f"call:{name}#{fingerprint(answer_type)}"
    return AnswerParser(tag, lambda text, _: answer_type(text))


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

    address = _undecorated(text, keep="_+-")
    named = _NAMED_ADDRESS.search(address)  # "Ann <ann@example.com>", as mail programs copy it
    address = _undecorated(named[1] if named else address, keep="_+-")
    address = _MAILTO.sub("", address).partition("?")[0]
    return validate_email(address, check_deliverability=False).normalized


_NAMED_ADDRESS = re.compile(r"<([^<>]+@[^<>]+)>?$")
_MAILTO = re.compile("mailto:", re.IGNORECASE)


def _undecorated(text: str, *, keep: str) -> str:
    """Return a text without courtesies, quotes, brackets and emoji around it."""
    plain = without_courtesies(plain_text(text).rstrip(" .,;!"))
    return strip_categories(plain, ("P", "S", "Z"), keep=keep)


def _parse_phone_number(text: str, context: ParseContext) -> str:
    number = normalise_number(_undecorated(text, keep="+()"), our_number=context.our_number)
    if not may_be_dialled(number):
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

    name = f"{enum_type.__module__}:{enum_type.__qualname__}"
    return AnswerParser(f"enum:{name}#{fingerprint(enum_type)}", parse)


def _literal_parser(values: tuple[Any, ...]) -> AnswerParser:
    names = [str(value) for value in values]

    def parse(text: str, _: ParseContext) -> Any:
        return values[match_option(text, names, numbered=False)]

    return AnswerParser(f"literal:{values!r}", parse)


# Days and times


def _dates_parser(name: str) -> Callable[[str, ParseContext], Any]:
    """Return a parser of days or times: the function of that name in `cooee.core.parsing.dates`."""

    def parse(text: str, context: ParseContext) -> Any:
        from cooee.core.parsing import dates  # noqa: PLC0415 -- 20 ms that only who asks for one pays

        now = context.at.astimezone(context.find_zone())
        try:
            return getattr(dates, name)(text, now, context.our_number, context.their_number)
        except dates.DateNotUnderstood as error:
            raise NotUnderstood(str(error), error.hint) from error

    return parse


def _parse_zone(text: str, _: ParseContext) -> ZoneInfo:
    try:
        return ZoneInfo(text.replace(" ", "_"))
    except OSError as error:  # "Europe" is a folder of the time zone data
        raise NotUnderstood from error


_PARSERS: dict[Any, AnswerParser] = {
    str: AnswerParser("str", lambda text, _: text),
    int: AnswerParser("int", _parse_int, "Please send a number."),
    float: AnswerParser("float", _parse_float, "Please send a number."),
    Decimal: AnswerParser("Decimal", _parse_decimal, "Please send a number."),
    bool: AnswerParser("bool", _parse_yes_or_no, "Please answer yes or no."),
    # dates rule 9: a tag that changes has every recorded answer parsed anew.
    date: AnswerParser("date", _dates_parser("parse_date"), "Please send a day, like 24 December."),
    Birthday: AnswerParser(
        "Birthday",
        _dates_parser("parse_birthday"),
        "Please send the day, month and year, like 24 December 1985.",
    ),
    time: AnswerParser("time", _dates_parser("parse_time"), "Please send a time, like 3:30pm."),
    datetime: AnswerParser(
        "datetime",
        _dates_parser("parse_datetime"),
        "Please send a day and a time, like Friday 3:30pm.",
    ),
    ZoneInfo: AnswerParser("ZoneInfo", _parse_zone, "Please send a time zone, like Europe/Paris."),
    Email: AnswerParser("Email", _parse_email, "Please send an e-mail address."),
    PhoneNumber: AnswerParser("PhoneNumber", _parse_phone_number, "Please send a phone number."),
}
