"""Answers and results come back as exactly what they were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.errors import Unstorable


@dataclass
class Booking:
    ref: str
    days: tuple[datetime, ...] = ()


class Point(msgspec.Struct):
    x: int
    tags: set[str]


class Guest(BaseModel):
    name: str


class Size(IntEnum):
    LARGE = 3


class Word(StrEnum):
    YES = "yes"


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary() | st.dates() | st.times() | st.timedeltas() | st.uuids() | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC)) | st.fractions() | st.sampled_from([Size.LARGE, Word.YES])
)  # fmt: skip
hashable = st.integers() | st.text(st.characters(exclude_categories=["Cs"])) | st.dates()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(hashable, inner)
        | st.dictionaries(st.sampled_from(["$", "v", "a"]), inner)
        | st.frozensets(hashable)
        | st.sets(hashable)
        | st.builds(Booking, st.just("r"), st.lists(inner).map(tuple))
    ),
    max_leaves=12,
)


def stored(value):
    return decode_value(msgspec.json.decode(msgspec.json.encode(encode_value(value))))


@given(values)
def test_a_value_comes_back_as_it_was(value):
    found = stored(value)
    assert found == value
    assert type(found) is type(value)


def test_objects_and_zones_come_back():
    moment = datetime(2026, 4, 5, 2, 30, fold=1, tzinfo=ZoneInfo("Australia/Melbourne"))
    assert stored(moment) == moment
    assert stored(moment).tzinfo == moment.tzinfo
    assert stored(moment).utcoffset() == timedelta(hours=10)
    for value in (Point(1, {"a"}), Guest(name="Ann"), Booking("x", (moment,)), UUID(int=5)):
        assert stored(value) == value


def test_what_cannot_come_back_is_refused():
    @dataclass
    class Local:
        x: int = 1

    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (object(), open, Local(), "\ud800", [lambda: 1], deep, {"a": object()}):
        with pytest.raises(Unstorable):
            encode_value(value)


def test_a_class_that_is_gone_is_an_error_that_says_so():
    for gone in ("no.such.module:X", f"{__name__}:Gone", f"{__name__}:Booking"):
        with pytest.raises(Unstorable, match="cannot be read any more"):
            decode_value({"$": "object", "v": [gone, {"unknown": 1}]})
    with pytest.raises(Unstorable):
        decode_value({"$": "enum", "v": [f"{__name__}:Size", "SMALL"]})
    with pytest.raises(Unstorable):
        decode_value({"$": "something newer", "v": 1})
