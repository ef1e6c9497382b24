"""Each type is understood, or refused with what to write, before anybody is asked."""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from fractions import Fraction
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    Union,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pydantic import BaseModel, EmailStr, Field, HttpUrl, RootModel, TypeAdapter
from typing_extensions import TypeAliasType

from cooee.core.parsing.answer_types import answer_type_problem
from cooee.core.parsing.answers import Email, ParseContext, PhoneNumber, parse_answer, parser_for

HERE = ParseContext(
    datetime(2026, 11, 25, 10, 0, tzinfo=ZoneInfo("UTC")), lambda: ZoneInfo("UTC"), "+614"
)
UserId = NewType("UserId", int)
Nested = NewType("Nested", UserId)
Age = TypeAliasType("Age", int)


class Size(Enum):
    SMALL = 1


class May(Flag):
    READ = 1


class Nothing(Enum):
    pass


class Guest(BaseModel):
    name: str


class Numbers(RootModel[list[int]]):
    pass


@dataclass
class Name:
    value: str


@dataclass
class Two:
    one: str
    two: str


@dataclass
class Years:
    years: int


class Word(NamedTuple):
    word: str


class Loud(str):
    __slots__ = ()


class Given(TypedDict):
    a: str


class Shape(Protocol):
    def area(self) -> int: ...


class Abstract(ABC):
    @abstractmethod
    def area(self): ...


class Post(msgspec.Struct):
    code: str


class Unhashable:
    __hash__ = None  # type: ignore[assignment]  # as a class with __eq__ alone has it

    def __call__(self, text):
        return text.upper()

    def method(self, text):
        return text


class Waiting:
    async def __call__(self, text):
        return text

    async def method(self, text):
        return text


def upper(text: str) -> str:
    return text.upper()


async def later(text):
    return text


async def in_parts(text):
    yield text


def parts(text):
    yield text


def number(n: int) -> int:
    return n


def nothing(text: str) -> None:
    pass


def iterator(text) -> Iterator[str]:
    return iter(text)


def awaitable(text) -> Awaitable[str]:
    return later(text)


def stream(text) -> AsyncIterator[str]:
    return in_parts(text)


def two(text, more):
    return text + more


def keyword(*, text):
    return text


def unknown_names(text: NoSuchName) -> NoSuchName:  # noqa: F821 -- as under TYPE_CHECKING
    return text


def pass_a_number(function):
    @functools.wraps(function)
    def inner(text):
        return function(1, text)

    return inner


@pass_a_number
def injected(n: int, text):
    return n, text


UNDERSTOOD = {
    "the known": [
        str, int, float, Decimal, bool, date, time, datetime, Email, PhoneNumber, ZoneInfo,
        Size, May, Literal["a", 1, True], Literal[Size.SMALL],
    ],
    "names of the known": [UserId, Nested, Age],
    "classes of a text": [
        Fraction, UUID, Path, complex, HttpUrl, Name, Word, Post, Loud, ipaddress.IPv4Address, Numbers,
    ],
    "functions": [
        upper, str.upper, "x".join, len, json.loads, lambda text: text, lambda *texts: texts,
        functools.partial(two, more="!"), functools.partial(functools.partial(two), more="!"),
        functools.lru_cache(upper), unknown_names, injected, iterator, re.compile("a").match,
    ],
    "objects that can be called": [Unhashable(), Unhashable().method, functools.partial(Unhashable())],
    "adapters": [
        TypeAdapter(int).validate_python, TypeAdapter(Annotated[int, Field(gt=3)]).validate_json,
        Guest.model_validate_json,
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", UNDERSTOOD)
def test_what_could_be_an_answer_is_understood(kind):
    for answer_type in UNDERSTOOD[kind]:
        assert answer_type_problem(answer_type) == "", answer_type
        assert parser_for(answer_type).type_tag


REFUSED = {
    "a list": (list, r"lambda text: text\.split\(\)"),
    "a tuple": (tuple, r"text\.split\(\)"),
    "a set": (frozenset, r"text\.split\(\)"),
    "a dict": (dict, "does not read texts"),
    "bytes": (bytes, r"text\.encode\(\)"),
    "a length": (timedelta, r"hours\(float\(text\)\)"),
    "an offset": (timezone, "does not read texts"),
    "an object": (object, "does not read texts"),
    "a type": (type, "does not read texts"),
    "an error": (ValueError, "does not read texts"),
    "a counter": (Counter, "does not read texts"),
    "a deque": (deque, "does not read texts"),
    "a list of": (list[str], r"text\.split\(\)"),
    "a dict of": (dict[str, int], "no type to ask for"),
    "a callable of": (Callable[[str], int], "no type to ask for"),
    "perhaps": (Optional[int], "default=None"),  # noqa: UP045 -- as people write it
    "perhaps, with a bar": (int | None, "default=None"),
    "either": (Union[int, str], "tries each"),  # noqa: UP007 -- as people write it
    "either, with a bar": (int | date, "tries each"),
    "conditions": (Annotated[int, Field(gt=3)], "TypeAdapter"),
    "nothing": (None, "no type to ask for"),
    "anything": (Any, "no type to ask for"),
    "a value": (5, "no type to ask for"),
    "a quoted type": ("int", "without quotes"),
    "a pattern": (re.compile("a"), "no type to ask for"),
    "an adapter": (TypeAdapter(int), "no type to ask for"),
    "an Enum of nothing": (Nothing, "nothing to choose from"),
    "a Literal of nothing": (Literal[()], "nothing to choose from"),
    "a model": (Guest, r"Guest\(…\)"),
    "a pydantic string": (EmailStr, "cannot be called with a text alone"),
    "a dataclass of two": (Two, r"'two'"),
    "a dataclass of an int": (Years, "takes int"),
    "a TypedDict": (Given, "cannot be made of a text"),
    "a Protocol": (Shape, "cannot be made of a text"),
    "an abstract class": (Abstract, "cannot be made of a text"),
    "an async function": (later, r"await chat\.once\(later, text\)"),
    "an async object": (Waiting(), "is async"),
    "an async method": (Waiting().method, "is async"),
    "an async partial": (functools.partial(later), "is async"),
    "an async generator": (in_parts, "is async"),
    "a generator": (parts, "`yield`"),
    "a function that returns an awaitable": (awaitable, "returns .*Awaitable"),
    "a function that returns a stream": (stream, "returns .*AsyncIterator"),
    "a function of an int": (number, "number takes int"),
    "a function of two": (two, "missing a required argument: 'more'"),
    "a function of none": (lambda: 5, "too many positional arguments"),
    "a function by keyword": (keyword, "too many positional arguments"),
    "a function that returns nothing": (nothing, "returns None"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_no_answer_is_refused_with_what_to_write(name):
    answer_type, words = REFUSED[name]
    problem = answer_type_problem(answer_type)
    assert re.search(words, problem), problem
    assert problem.endswith((".", "…"))


@pytest.mark.parametrize(
    ("answer_type", "text", "answer"),
    [
        (UserId, "four", 4),
        (Nested, "1,250", 1250),
        (Age, "7", 7),
        (ZoneInfo, "Australia/Sydney", ZoneInfo("Australia/Sydney")),
        (Path, "a/b", Path("a/b")),
        (Numbers, '"x"', None),
        (Unhashable(), "a", "A"),
        (May, "read", May.READ),
        (TypeAdapter(Annotated[int, Field(gt=3)]).validate_python, "4", 4),
    ],
)
def test_what_is_understood_is_parsed(answer_type, text, answer):
    try:
        assert parse_answer(parser_for(answer_type), text, HERE) == answer
    except ValueError:
        assert answer is None
