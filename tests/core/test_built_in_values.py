"""Values of subclasses become their built-in base, whatever their own methods do."""

from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, IntEnum, StrEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cooee.core import built_in_values as values
from cooee.core.messages import Reply, as_reply


class Tagged(str):
    """A text that fails wherever its base works."""

    __slots__ = ()

    def _fail(self, *_):
        raise AssertionError("a method of its own was called")

    __eq__ = __len__ = __add__ = __format__ = encode = isascii = __getitem__ = _fail
    __hash__ = None


class Lazy(str):
    """A translation that is looked up when it is read."""

    __slots__ = ()

    def __str__(self):
        return Tagged("hello")


class Colour(StrEnum):
    RED = "red"


class OldColour(str, Enum):  # noqa: UP042 -- its str() is "OldColour.RED", unlike a StrEnum's
    RED = "red"


class Moment(datetime):
    def __add__(self, other):
        raise AssertionError("a sum of its own was called")


class Length(timedelta):
    days = property(lambda self: 99)


class Number(int):
    pass


class Size(IntEnum):
    SMALL = 1


class Merely:
    def __str__(self):
        return "hello"


@given(st.text())
def test_a_text_of_a_subclass_is_its_characters(text):
    found = values.built_in_text(Tagged(text))
    assert (type(found), found) == (str, text)


def test_a_member_is_its_value_and_a_translation_what_it_says_now():
    texts = [values.built_in_text(one) for one in (Colour.RED, OldColour.RED, Lazy("key"), "x")]
    assert texts == ["red", "red", "hello", "x"]
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize("other", [None, 5, b"x", Merely()])
def test_what_is_no_text_stays_as_it_is_or_is_refused_with_what_to_write(other):
    assert values.built_in_text(other) is other
    with pytest.raises(
        TypeError, match=rf"A text is a str, not {type(other).__name__}\. Write str"
    ):
        values.required_text(other, "A text")


@given(st.timedeltas(timedelta(-36_500), timedelta(36_500)))
def test_a_length_is_as_long_as_its_base_says(length):
    found = values.built_in_length(Length(seconds=length.total_seconds()))
    assert type(found) is timedelta
    assert abs(found - length) <= timedelta(milliseconds=1)


@given(st.datetimes(timezones=st.just(UTC) | st.none()))
def test_a_moment_is_the_same_moment(moment):
    own = Moment.combine(moment.date(), moment.timetz())
    found = values.built_in_moment(own)
    assert (type(found), found) == (datetime, moment)


SCALARS = [
    (Tagged("x"), "x"),
    (Number(3), 3),
    (type("Part", (float,), {})(0.5), 0.5),
    (type("Raw", (bytes,), {})(b"x"), b"x"),
    (Moment(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    (type("Day", (date,), {})(2026, 1, 1), date(2026, 1, 1)),
    (type("Hour", (time,), {})(9, 30), time(9, 30)),
    (type("Span", (timedelta,), {})(1), timedelta(1)),
]


@pytest.mark.parametrize(("own", "base"), SCALARS, ids=lambda value: type(value).__name__)
def test_a_scalar_is_its_base(own, base):
    found = values.built_in_scalar(own)
    assert (type(found), found) == (type(base), base)
    msgspec.json.encode(found)


def test_what_has_no_base_is_refused():
    with pytest.raises(TypeError, match="no form for a Merely"):
        values.built_in_scalar(Merely())


def test_reminders_and_options_are_built_in_too():
    hour, own_hour = timedelta(hours=1), type("Span", (timedelta,), {})(hours=1)
    for given_, exact in [
        (own_hour, hour),
        ((own_hour, Tagged("still?")), (hour, "still?")),
        ([own_hour, (own_hour, Colour.RED)], [hour, (hour, "red")]),
        ("1h", "1h"),
    ]:
        assert repr(values.built_in_reminders(given_)) == repr(exact)
    assert [type(one) for one in values.built_in_options([Colour.RED, "b"])] == [str, str]
    assert values.built_in_options("ab") == "ab"
    for was in (Colour.RED, (Colour.RED, "blue"), None):
        found = values.built_in_names(was)
        assert repr(found) in {"'red'", "['red', 'blue']", "None"}


def test_a_reply_holds_built_in_texts():
    reply = Reply(Tagged("look"), [Tagged("https://pictures.example")])
    assert [type(one) for one in (reply.text, *reply.media)] == [str, str]
    assert type(as_reply(Colour.RED).text) is str
    assert as_reply(Tagged("")) is None
    with pytest.raises(TypeError, match="A text is a str"):
        Reply(Merely())
    with pytest.raises(TypeError, match=r"A reply is a str, a Reply or None.*Merely"):
        as_reply(Merely())
