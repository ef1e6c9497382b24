"""Answers and results come back as exactly what they were."""

from __future__ import annotations

import io
import ipaddress
import math
import pathlib
import re
import struct
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import InitVar, dataclass, field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    PrivateAttr,
    RootModel,
    SecretStr,
    create_model,
    field_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass

from cooee.core.dialogue.value_codec import decode_value, encode_value
from cooee.core.errors import Unstorable

MELBOURNE = ZoneInfo("Australia/Melbourne")
T = TypeVar("T")


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


class May(Flag):
    READ = 1
    WRITE = 2
    ALL = 3


class Bits(IntFlag):
    A = 1
    B = 4


@dataclass
class Computed:
    a: int
    total: int = field(init=False)
    constant: int = field(init=False, default=7)

    def __post_init__(self):
        self.total = self.a + 1


@dataclass
class Taxed:
    price: int
    rate: InitVar[int] = 10
    _seen: list[int] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self, rate):
        self.price += rate
        self.note = "not a field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    n: int
    kept: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Base):
    name: str

    def __post_init__(self):
        object.__setattr__(self, "name", self.name.strip() + "!")


@dataclass(eq=False)
class Unequal:
    x: Any

    @cached_property
    def twice(self):
        return self.x * 2


@dataclass
class Box(Generic[T]):
    content: T


class Renamed(msgspec.Struct, rename="camel", tag="r", kw_only=True, frozen=True):
    first_name: str
    any_part: Any = None


class Partial(msgspec.Struct, omit_defaults=True):
    a: int | msgspec.UnsetType = msgspec.UNSET
    b: int | msgspec.UnsetType = msgspec.UNSET


@dataclass(slots=True, weakref_slot=True)
class Weak:
    a: int


class Counting(msgspec.Struct, dict=True):
    x: int = 0

    def __post_init__(self):
        self.x += 1


class Pair(NamedTuple):
    left: Any
    right: Any = None


Loose = namedtuple("Loose", "a b")  # noqa: PYI024 -- one without types is a case of its own
Misnamed = namedtuple("Other", "a")  # noqa: PYI024 -- see above


class Aliased(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = Field(validation_alias=AliasChoices("fullName", "n"), serialization_alias="NAME")
    anything: Any = None
    hidden: int = Field(default=1, exclude=True)
    _private: list[int] = PrivateAttr(default_factory=list)

    @cached_property
    def loud(self):
        return self.name.upper()


class Doubling(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def double(cls, x):
        return x * 2


class Numbers(RootModel[list[int]]):
    pass


class Generic1(BaseModel, Generic[T]):
    content: T


GenericOfInt = Generic1[int]


@pydantic_dataclass
class Validated:
    x: int


class Plain:
    x = 1


class Loud(str):
    __slots__ = ()


class Locked(BaseModel):
    secret: SecretStr


class FailingProperty(msgspec.Struct):
    x: int

    def __post_init__(self):
        if self.x > 5:
            raise RuntimeError("no more")
        self.x += 5


def _with_private(model, values):
    model._private.extend(values)
    return model


zones = (
    st.none()
    | st.just(UTC)
    | st.timezones()
    | st.builds(timezone, st.timedeltas(-timedelta(hours=23), timedelta(hours=23)))
)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary() | st.dates() | st.times() | st.timedeltas() | st.uuids() | st.decimals(allow_nan=False)
    | st.datetimes(timezones=zones) | st.times(timezones=zones) | st.fractions()
    | st.sampled_from([Size.LARGE, Word.YES, May(0), Bits(5), Bits(64), math.inf, -0.0, MELBOURNE])
    | st.ip_addresses() | st.complex_numbers(allow_nan=False) | st.integers(2**62, 2**80)
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
        | st.builds(Box, inner)
        | st.builds(Pair, inner, inner)
        | st.builds(Renamed, first_name=st.just("Ann"), any_part=inner)
        | st.builds(Aliased, fullName=st.just("Ann"), anything=inner, extra=inner)
        | st.lists(inner).map(deque)
        | st.dictionaries(hashable, inner).map(OrderedDict)
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


def _nested_list(depth):
    return [_nested_list(depth - 1)] if depth else []


# Classes made at random


@lru_cache
def _class_of(kind: str, count: int, first: bool, second: bool) -> Any:
    """Return a class of a shape, defined in this module as its users would define it."""
    name = f"Made_{kind}_{count}_{first}_{second}"
    names = [f"f{n}" for n in range(count)]
    made: Any
    if kind == "dataclass":
        parts = [
            (each, Any, field(default=None, init=n % 2 == 0 or not first))
            for n, each in enumerate(names)
        ]
        made = make_dataclass(name, parts, frozen=first, slots=second, kw_only=second)
    elif kind == "struct":
        options = {"frozen": first, "kw_only": True, "array_like": second, "rename": "camel"}
        made = msgspec.defstruct(name, [(each, Any, None) for each in names], **options)
    elif kind == "tuple":
        made = namedtuple(name, names, defaults=[None] * count)  # noqa: PYI024 -- made, not written
    else:
        fields: Any = {
            each: (Any, Field(None, alias=f"A{each}" if first else None)) for each in names
        }
        made = create_model(name, __config__=ConfigDict(extra="allow", frozen=second), **fields)
    made.__module__ = __name__
    globals()[name] = made
    return made


@st.composite
def objects(draw: Any) -> Any:
    kind = draw(st.sampled_from(["dataclass", "struct", "tuple", "model"]))
    cls = _class_of(kind, draw(st.integers(0, 3)), draw(st.booleans()), draw(st.booleans()))
    made = cls()
    for name in [name for name in dir(cls()) if re.fullmatch(r"f\d", name)]:
        part = draw(values | objects())
        if kind == "tuple":
            made = made._replace(**{name: part})
        elif kind == "struct":
            msgspec.structs.force_setattr(made, name, part)
        elif kind == "dataclass":
            object.__setattr__(made, name, part)
        else:
            made.__dict__[name] = part
            made.__pydantic_fields_set__.add(name)
    return made


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(objects())
def test_an_object_of_any_class_comes_back_as_it_was(value):
    found = stored(value)
    assert found == value
    assert type(found) is type(value)


def _zone_of(value):
    return getattr(value, "tzinfo", None), getattr(value, "fold", None)


VALUES = {
    "a zone": datetime(2026, 4, 5, 2, 30, tzinfo=MELBOURNE),
    "the second half past two": datetime(2026, 4, 5, 2, 30, fold=1, tzinfo=MELBOURNE),
    "a time that the clocks leave out": datetime(2026, 10, 4, 2, 30, tzinfo=MELBOURNE),
    "UTC as a zone": datetime(2026, 4, 5, tzinfo=ZoneInfo("UTC")),
    "UTC": datetime(2026, 4, 5, tzinfo=UTC),
    "no zone, with a fold": datetime(2026, 4, 5, 2, 30, fold=1),  # noqa: DTZ001 -- the case
    "an offset": datetime(2026, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30, seconds=7))),
    "the first moment": datetime.min.replace(tzinfo=MELBOURNE),
    "the last moment": datetime.max.replace(tzinfo=MELBOURNE),
    "a time in a zone": time(2, 30, fold=1, tzinfo=MELBOURNE),
    "a time with an offset": time(2, 30, tzinfo=timezone(timedelta(hours=10))),
    "a time with a tiny offset": time(2, 30, tzinfo=timezone(timedelta(microseconds=1))),
    "a moment with a tiny offset": datetime(2026, 4, 5, tzinfo=timezone(timedelta(microseconds=-1))),
    "a time in UTC": time(2, 30, tzinfo=UTC),
    "a folded time": time(2, 30, fold=1),
    "a zone alone": MELBOURNE,
    "an offset alone": timezone(timedelta(hours=3)),
    "a length below zero": timedelta(days=-3, microseconds=5),
    "flags": May.READ | May.WRITE,
    "no flag": May(0),
    "flags with an unnamed bit": Bits.A | Bits(64),
    "an int flag": Bits.A | Bits.B,
    "a flag of Python's": re.IGNORECASE | re.MULTILINE,
    "a field without init": Computed(3),
    "an InitVar": Taxed(5, 1),
    "slots and keywords, inherited": Derived(n=1, name=" Ann "),
    "an object that equals only itself": Unequal([1]),
    "a generic": Box(Box((1,))),
    "a generic by its brackets": Box[int](1),
    "a Struct with fields unset": Partial(a=1),
    "unset": [msgspec.UNSET],
    "a dataclass with a slot for weak references": Weak(1),
    "a pydantic dataclass": Validated(x=4),
    "a Struct of other names": Renamed(first_name="Ann", any_part={1: (2,)}),
    "a Struct that counts": Counting(3),
    "a named tuple": Pair((1,), [Pair(2)]),
    "an old named tuple": Loose(1, b"2"),
    "a model by aliases": _with_private(Aliased(fullName="Ann", anything=(1, {2}), more=b"x"), [3]),
    "a validator that changes": Doubling(x=2),
    "a root model": Numbers([1, 2]),
    "a model in a dataclass": Box(Guest(name="Ann")),
    "a generic model of the module": GenericOfInt(content=1),
    "a URL": HttpUrl("https://example.com/a?b=c"),
    "a path": pathlib.Path("/tmp/ä b"),
    "a path of Windows": pathlib.PureWindowsPath("c:\\x"),
    "an address": [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_interface("::1/64")],
    "a huge int": -(7**20_000),
    "2**63": 2**63,
    "minus nothing": -0.0,
    "infinity": [math.inf, -math.inf],
    "a Decimal below zero": Decimal("-0E+5"),
    "keys of all kinds": {1: "a", "1": "b", (1, 2.5): "c", None: "d", date(2026, 1, 1): "e"},
    "a key $": {"$": "int", "v": 1},
    "true and one": [True, 1, 1.0],
    "a tuple and a list": ([1], (1,)),
    "a set of sets": {frozenset({1}), frozenset({2})},
    "bytes": [b"\x00\xff", bytearray(b"x")],
    "an ordered dict": OrderedDict(b=1, a=2),
    "a counter": Counter("hello"),
    "a bounded deque": deque([1, 2], maxlen=2),
    "complex": complex(-0.0, math.inf),
    "a surrogate pair": "😀\x00",
    "moderately deep": _nested_list(60),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_every_kind_of_value_comes_back_as_it_was(name):
    value = VALUES[name]
    found = stored(value)
    assert type(found) is type(value)
    assert found == value or isinstance(value, Unequal)
    assert isinstance(value, int) or repr(found) == repr(value)
    assert _zone_of(found) == _zone_of(value)
    assert encode_value(found) == encode_value(value)


def test_what_no_field_shows_comes_back_too():
    taxed = Taxed(5, 1)
    taxed._seen.append(4)
    assert vars(stored(taxed)) == {"price": 6, "_seen": [4], "note": "not a field"}
    counting = Counting(3)
    counting.more = (1,)
    assert vars(stored(counting)) == {"more": (1,)}
    aliased = VALUES["a model by aliases"]
    assert aliased.loud == "ANN"
    assert stored(aliased) == aliased
    assert stored(aliased)._private == [3]
    assert stored(aliased).hidden == 1
    assert stored(aliased).model_fields_set == aliased.model_fields_set
    unequal = Unequal("a")
    assert unequal.twice == "aa"
    assert vars(stored(unequal)) == {"x": "a"}
    assert math.isnan(stored(math.nan))
    assert math.isnan(stored({"a": [math.nan]})["a"][0])
    assert stored(Decimal("sNaN")).is_snan()


def _nameless_zone():
    """Return a zone from the smallest file of time zone data."""
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    data = b"TZif" + bytes(16) + counts + struct.pack(">lbb", 3600, 0, 0) + b"ABC\0"
    return ZoneInfo.from_file(io.BytesIO(data))


def _made_generic():
    return Generic1[list[int]](content=[1])


def _made_in_a_function():
    class Inner(Enum):
        A = 1

    return Inner.A


REFUSED = {
    "a plain object": (Plain(), "Return plain data"),
    "a function in a list": ([len], "Return plain data"),
    "a class": (Plain, "Return plain data"),
    "an exception": (ValueError("x"), "Return plain data"),
    "a module": (math, "Return plain data"),
    "a generator": ((n for n in "ab"), "Return plain data"),
    "a dict's keys": ({"a": 1}.keys(), "Return plain data"),
    "a match": (re.match("a", "a"), "Return plain data"),
    "a string of its own kind": (Loud("x"), "Return a plain str"),
    "a dict of its own kind": (defaultdict(list, a=[1]), "Return a plain dict"),
    "a namespace": (SimpleNamespace(a=1), "Return plain data"),
    "half a surrogate": ("\ud800", "cannot be stored"),
    "half a surrogate in a key": ({"\ud800": 1}, "cannot be stored"),
    "a secret": (Locked(secret="x"), "SecretStr"),
    "a member made in a function": (_made_in_a_function(), "define it in a module"),
    "a class under another name": (Misnamed(1), "one name"),
    "a generic model, made in a function": (_made_generic(), "one name"),
    "a Struct that takes it back": (FailingProperty(1), "cannot be"),
    "a zone without a name": (_nameless_zone(), "Write ZoneInfo"),
    "a time in a zone without a name": (time(1, tzinfo=_nameless_zone()), "ZoneInfo"),
    "too much": ("x" * 1_000_001, "up to 1,000,000 bytes"),
    "too deep": (_nested_list(300), "too deep"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_come_back_is_refused_with_what_to_write(name):
    value, words = REFUSED[name]
    with pytest.raises(Unstorable, match=re.escape(words)):
        encode_value(value)


def test_a_class_may_gain_and_lose_fields():
    """A stored object is read by the class as it is today (replay rule 2)."""
    here = __name__
    old_booking = {"$": "object", "v": [f"{here}:Booking", {"ref": "r", "gone": 1}]}
    assert decode_value(old_booking) == Booking("r", ())
    assert decode_value({"$": "namedtuple", "v": [f"{here}:Pair", {"left": 1}]}) == Pair(1)
    fields = {"x": 1, "tags": {"$": "set", "v": []}, "gone": 2}
    assert decode_value({"$": "object", "v": [f"{here}:Point", fields]}) == Point(1, set())
    tree = encode_value(Aliased(fullName="Ann"))
    del tree["v"][1]["__dict__"]["hidden"]
    assert decode_value(tree) == Aliased(fullName="Ann")


def test_values_that_an_older_cooee_wrote_are_read():
    written = {
        "$": "model",
        "v": [f"{__name__}:Guest", '{"name":"Ann"}'],
    }
    assert decode_value(written) == Guest(name="Ann")
    assert decode_value({"$": "int", "v": str(2**70)}) == 2**70
    assert decode_value({"$": "time", "v": "02:30:00"}) == time(2, 30)
    old = {"$": "datetime", "v": ["2026-04-05T02:30:00+10:00", "Australia/Melbourne"]}
    assert decode_value(old).fold == 1
    assert decode_value(old).tzinfo is MELBOURNE


def test_a_class_that_is_gone_is_an_error_that_says_so():
    for gone in ("no.such.module:X", f"{__name__}:Gone", f"{__name__}:Booking"):
        with pytest.raises(Unstorable, match="cannot be read any more"):
            decode_value({"$": "object", "v": [gone, {"unknown": 1}]})
    with pytest.raises(Unstorable):
        decode_value({"$": "enum", "v": [f"{__name__}:Size", "SMALL"]})
    with pytest.raises(Unstorable):
        decode_value({"$": "something newer", "v": 1})
