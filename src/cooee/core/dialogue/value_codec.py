"""Answers and results as JSON, and back as exactly the same value."""

from __future__ import annotations

import enum
import ipaddress
import math
import pathlib
from base64 import b64decode, b64encode
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from inspect import isabstract
from operator import or_
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from cooee.core.dialogue.value_classes import (
    class_path,
    find_class,
    has_stored_fields,
    object_fields,
    restore_object,
)
from cooee.core.errors import Unstorable

_UNCHANGED_TYPES = frozenset({type(None), bool, str})
_SCALAR_TYPES = _UNCHANGED_TYPES | {int, float}
_JSON_INT_LIMIT = 2**63  # what every JSON reader takes as a whole number
_TYPE_KEY = "$"
MAX_VALUE_BYTES = 1_000_000
"""The largest size of one value as JSON."""
MAX_DEPTH = 200
"""How many levels deep lists and objects may be nested in one value, as JSON."""


def encode_value(value: Any) -> Any:
    """Return a value as JSON's own types, with any other type marked by its name.

    The JSON is read again at once, as a check: a value that would come back as another one is
    refused here, where it is recorded (replay rule 2).

    Raises:
        Unstorable: the value, or a part of it, would not come back from JSON as it is.
    """
    try:
        tree = _encode(value)
        stored = msgspec.json.encode(tree)  # lone surrogates, and nesting past all reason
        is_plain = type(value) in _SCALAR_TYPES
        comes_back = is_plain or _comes_back(value, tree, stored)
    except Unstorable:
        raise
    except Exception as error:  # properties, validators and constructors are the user's code
        raise Unstorable(
            f"A {type(value).__name__} cannot be stored: {type(error).__name__}: {error}."
            f" {_PLAIN_DATA}"
        ) from error
    if len(stored) > MAX_VALUE_BYTES:
        raise Unstorable(
            f"A {type(value).__name__} of {len(stored):,} bytes is read again at every turn. Keep"
            " it where such things are kept, and return its name; up to"
            f" {MAX_VALUE_BYTES:,} bytes are stored here."
        )
    if not comes_back:
        raise Unstorable(
            f"A {type(value).__name__} cannot be stored: read again, it would be another one."
            f" {_PLAIN_DATA}"
        )
    return tree


_PLAIN_DATA = (
    "Return plain data: str, numbers, dates, lists, dicts, an Enum, a dataclass or a"
    " msgspec.Struct."
)


def _comes_back(value: Any, tree: Any, stored: bytes) -> bool:
    """Return whether the value read from its JSON has the same type and parts."""
    if _depth(tree) > MAX_DEPTH:
        raise Unstorable(f"A {type(value).__name__} is nested too deep to be stored. Return less.")
    found = decode_value(msgspec.json.decode(stored))
    # The type of every part is in the JSON, so equal JSON means equal parts of equal types.
    return type(found) is type(value) and msgspec.json.encode(_encode(found)) == stored


def _depth(tree: Any) -> int:
    parts = tree.values() if type(tree) is dict else tree if type(tree) is list else ()
    return 1 + max(map(_depth, parts), default=0)


def decode_value(tree: Any) -> Any:
    """Return the value that `encode_value` was given.

    Raises:
        Unstorable: the value's class is gone, or no longer accepts the stored fields.
    """
    kind = type(tree)
    if kind in _SCALAR_TYPES:
        return tree
    if kind is list:
        return [decode_value(part) for part in tree]
    if _TYPE_KEY not in tree:
        return {name: decode_value(part) for name, part in tree.items()}
    try:
        return _DECODERS[tree[_TYPE_KEY]](tree["v"])
    except Exception as error:  # a constructor of the user's may raise anything
        raise Unstorable(
            f"A stored {tree[_TYPE_KEY]} cannot be read any more: {error}. Keep its class where it"
            " was, and give new fields a default."
        ) from error


def _encode(value: Any) -> Any:
    kind = type(value)
    if kind in _UNCHANGED_TYPES:
        return value
    if kind is int and -_JSON_INT_LIMIT <= value < _JSON_INT_LIMIT:
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is list:
        return [_encode(part) for part in value]
    if kind is dict and _TYPE_KEY not in value and all(type(name) is str for name in value):
        return {name: _encode(part) for name, part in value.items()}
    encode = _ENCODERS.get(kind)
    if encode is not None:
        return {_TYPE_KEY: kind.__name__, "v": encode(value)}
    return _encode_object(value)


def _encode_object(value: Any) -> Any:
    cls: Any = type(value)
    if isinstance(value, enum.Flag):
        return {_TYPE_KEY: "flag", "v": [class_path(cls), *_flag_parts(value)]}
    if isinstance(value, enum.Enum):
        return {_TYPE_KEY: "enum", "v": [class_path(cls), value.name]}
    found = object_fields(value)
    if found is not None:
        kind, fields = found
        return {_TYPE_KEY: kind, "v": [class_path(cls), _encode(dict(fields))]}
    if _is_url(value):
        return {_TYPE_KEY: "url", "v": [class_path(cls), str(value)]}
    raise Unstorable(f"A {cls.__name__} cannot be stored.{_remedy(cls)}")


def _remedy(cls: type) -> str:
    """Return the remedy for a class that has no stored form."""
    base = next(
        (base for base in cls.__mro__[1:] if base in _SCALAR_TYPES | _ENCODERS.keys()), None
    )
    return f" {_PLAIN_DATA}" if base is None else f" Return a plain {base.__name__} in its place."


def is_never_stored(cls: type) -> bool:
    """Return whether no object of a class, or of a subclass loaded so far, has a stored form."""
    has_form = (
        cls in {object, list, Any}
        or cls in _SCALAR_TYPES
        or cls in _ENCODERS
        or issubclass(cls, enum.Enum | msgspec.Struct)
        or has_stored_fields(cls)
        or cls.__module__ in _URL_MODULES
        or isabstract(cls)
        or getattr(cls, "_is_protocol", False)
    )
    return not has_form and all(map(is_never_stored, cls.__subclasses__()))


def _flag_parts(value: enum.Flag) -> tuple[list[str], int]:
    """Return the names of the members in a flag, and the bits without a name."""
    members = list(value)
    rest = value.value & ~reduce(or_, (member.value for member in members), 0)
    return [str(member.name) for member in members], rest


def _decode_flag(encoded: list[Any]) -> Any:
    cls, names, rest = find_class(encoded[0]), encoded[1], encoded[2]
    return reduce(or_, (cls[name] for name in names), cls(rest))


def _decode_object(kind: str) -> Callable[[list[Any]], Any]:
    def decode(encoded: list[Any]) -> Any:
        return restore_object(kind, find_class(encoded[0]), decode_value(encoded[1]))

    return decode


def _is_url(value: Any) -> bool:
    """Return whether the value is one of pydantic's URLs, whose own class reads its text."""
    return type(value).__module__ in _URL_MODULES


_URL_MODULES = {"pydantic.networks", "pydantic_core._pydantic_core"}


# Moments: the zone by its name, and the fold, so that 2:30 stays 2:30 when the clocks change


def _encode_datetime(value: datetime) -> list[Any]:
    zone = _zone_name(value.tzinfo)
    if zone is None:
        return [value.isoformat(), None, *([1] if value.fold else [])]
    written = value if isinstance(zone, str) else value.replace(tzinfo=None)
    return [written.isoformat(), zone, value.fold]


def _zone_name(zone: tzinfo | None) -> Any:
    """Return the name of a zone, or an offset that ISO 8601 has no form for; None: it has one."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    if isinstance(zone, timezone) and zone.utcoffset(None) % timedelta(minutes=1):
        return _ENCODERS[timedelta](zone.utcoffset(None))
    return None


def _decode_datetime(encoded: list[Any]) -> datetime:
    moment, zone = datetime.fromisoformat(encoded[0]), encoded[1]
    if zone is not None and len(encoded) == 2:  # as an older cooee wrote it
        return moment.astimezone(ZoneInfo(zone))
    moment = moment.replace(fold=encoded[2]) if len(encoded) > 2 else moment
    if zone is not None:  # by the clock on the wall, which may show an hour that is left out
        return moment.replace(tzinfo=_find_zone(zone))
    return moment.replace(tzinfo=UTC) if moment.utcoffset() == timedelta() else moment


def _find_zone(zone: Any) -> tzinfo:
    return ZoneInfo(zone) if isinstance(zone, str) else timezone(timedelta(*zone))


def _encode_time(value: time) -> Any:
    zone = _zone_name(value.tzinfo)
    if zone is not None:
        return [value.replace(tzinfo=None).isoformat(), zone, value.fold]
    if value.tzinfo is not None and not isinstance(value.tzinfo, timezone):
        raise Unstorable(f"A time in a {type(value.tzinfo).__name__} cannot be stored. {_ZONE}")
    return [value.isoformat(), None, 1] if value.fold else value.isoformat()


_ZONE = 'Write ZoneInfo("Australia/Sydney").'


def _decode_time(encoded: Any) -> time:
    if isinstance(encoded, str):
        return time.fromisoformat(encoded)
    moment = time.fromisoformat(encoded[0]).replace(fold=encoded[2])
    return moment if encoded[1] is None else moment.replace(tzinfo=_find_zone(encoded[1]))


def _encode_zone(value: ZoneInfo) -> str:
    if value.key is None:
        raise Unstorable(f"A time zone without a name cannot be stored. {_ZONE}")
    return value.key


def _encode_parts(value: Iterable[Any]) -> list[Any]:
    return [_encode(part) for part in value]


def _encode_set(value: Iterable[Any]) -> list[Any]:
    return sorted(_encode_parts(value), key=repr)


def _encode_pairs(value: Any) -> list[Any]:
    return [[_encode(name), _encode(part)] for name, part in value.items()]


def _decode_pairs(encoded: list[Any]) -> Any:
    return {decode_value(name): decode_value(part) for name, part in encoded}


_TEXT_TYPES: tuple[type, ...] = (
    Decimal,
    Fraction,
    UUID,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    type(pathlib.Path()),
)
_ENCODERS: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys(_TEXT_TYPES, str),
    int: hex,  # str refuses more than 4,300 digits
    float: str,
    complex: lambda value: [_encode(value.real), _encode(value.imag)],
    tuple: _encode_parts,
    set: _encode_set,
    frozenset: _encode_set,
    dict: _encode_pairs,
    OrderedDict: _encode_pairs,
    Counter: _encode_pairs,
    deque: lambda value: [_encode_parts(value), value.maxlen],
    bytes: lambda value: b64encode(value).decode(),
    bytearray: lambda value: b64encode(value).decode(),
    datetime: _encode_datetime,
    date: date.isoformat,
    time: _encode_time,
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    type(UNSET): lambda _: None,
    ZoneInfo: _encode_zone,
    timezone: lambda value: _encode_parts(value.__getinitargs__()),
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    **{cls.__name__: cls for cls in _TEXT_TYPES},
    "int": lambda written: int(written, 0),
    "float": float,
    "complex": lambda written: complex(*map(decode_value, written)),
    "tuple": lambda written: tuple(decode_value(part) for part in written),
    "set": lambda written: {decode_value(part) for part in written},
    "frozenset": lambda written: frozenset(decode_value(part) for part in written),
    "dict": _decode_pairs,
    "OrderedDict": lambda written: OrderedDict(_decode_pairs(written)),
    "Counter": lambda written: Counter(_decode_pairs(written)),
    "deque": lambda written: deque(map(decode_value, written[0]), written[1]),
    "bytes": b64decode,
    "bytearray": lambda written: bytearray(b64decode(written)),
    "datetime": _decode_datetime,
    "date": date.fromisoformat,
    "time": _decode_time,
    "timedelta": lambda written: timedelta(*written),
    type(UNSET).__name__: lambda _: UNSET,
    "ZoneInfo": ZoneInfo,
    "timezone": lambda written: timezone(*map(decode_value, written)),
    "enum": lambda written: find_class(written[0])[written[1]],
    "flag": _decode_flag,
    "url": lambda written: find_class(written[0])(written[1]),
    **{kind: _decode_object(kind) for kind in ("object", "namedtuple", "pydantic")},
    # as an older cooee wrote a model of pydantic
    "model": lambda written: find_class(written[0]).model_validate_json(written[1]),
}
