"""What an answer or a result is worth, as JSON, and back as exactly the same value."""

from __future__ import annotations

import dataclasses
import enum
import math
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from cooee.core.errors import Unstorable

_NATIVE = frozenset({type(None), bool, str})
_PLAIN = _NATIVE | {int, float}
_WIDEST = 2**63  # what every JSON reader takes as a whole number
_MARK = "$"
MOST = 1_000_000
"""How many bytes of JSON one value may come to."""


def pack(value: Any) -> Any:
    """A value as JSON's own types, with everything else marked by what it is.

    Raises:
        Unstorable: it, or something in it, could not be made again from what is written.
    """
    try:
        tree = _pack(value)
        size = len(msgspec.json.encode(tree))  # lone surrogates, and nesting past all reason
    except (RecursionError, UnicodeError, OverflowError) as error:
        raise Unstorable(f"A {type(value).__name__} cannot be stored: {error}.") from error
    if size > MOST:
        raise Unstorable(
            f"A {type(value).__name__} of {size:,} bytes is read again at every turn. Keep it where"
            f" such things are kept, and return its name; up to {MOST:,} are stored here."
        )
    return tree


def unpack(tree: Any) -> Any:
    """The value that `pack` was given.

    Raises:
        Unstorable: its class is gone, or no longer takes it.
    """
    kind = type(tree)
    if kind in _PLAIN:
        return tree
    if kind is list:
        return [unpack(part) for part in tree]
    if _MARK not in tree:
        return {name: unpack(part) for name, part in tree.items()}
    try:
        return _READ[tree[_MARK]](tree["v"])
    except (KeyError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise Unstorable(
            f"A stored {tree[_MARK]} cannot be read any more: {error}. Keep its class where it was,"
            " and let it take what it took."
        ) from error


def _pack(value: Any) -> Any:
    kind = type(value)
    if kind in _NATIVE:
        return value
    if kind is int and -_WIDEST <= value < _WIDEST:
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is list:
        return [_pack(part) for part in value]
    if kind is dict and _MARK not in value and all(type(name) is str for name in value):
        return {name: _pack(part) for name, part in value.items()}
    write = _WRITTEN.get(kind)
    if write is not None:
        return {_MARK: kind.__name__, "v": write(value)}
    return _pack_object(value)


def _pack_object(value: Any) -> Any:
    cls: Any = type(value)
    if isinstance(value, enum.Enum):
        return {_MARK: "enum", "v": [_place(cls), value.name]}
    if isinstance(value, msgspec.Struct):
        fields = {name: _pack(getattr(value, name)) for name in value.__struct_fields__}
        return {_MARK: "object", "v": [_place(cls), fields]}
    if dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls)]
        fields = {name: _pack(getattr(value, name)) for name in names}
        return {_MARK: "object", "v": [_place(cls), fields]}
    if hasattr(cls, "model_validate_json"):  # pydantic's, by its own rules
        return {_MARK: "model", "v": [_place(cls), value.model_dump_json()]}
    raise Unstorable(
        f"A {cls.__name__} cannot be stored. Return plain data: str, numbers, dates,"
        " lists, dicts, an Enum, a dataclass or a msgspec.Struct."
    )


def _place(cls: Any) -> str:
    place = f"{cls.__module__}:{cls.__qualname__}"
    if "<locals>" in place:
        raise Unstorable(f"{cls.__qualname__} is defined in a function; define it in a module.")
    return place


def _class(place: str) -> Any:
    module, _, name = place.partition(":")
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _moment(value: datetime) -> list[Any]:
    zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    return [value.isoformat(), zone]


def _read_moment(written: list[Any]) -> datetime:
    moment = datetime.fromisoformat(written[0])
    if written[1] is not None:
        return moment.astimezone(ZoneInfo(written[1]))
    return moment.replace(tzinfo=UTC) if moment.utcoffset() == timedelta() else moment


def _read_object(written: list[Any]) -> Any:
    fields = {name: unpack(part) for name, part in written[1].items()}
    return _class(written[0])(**fields)


_WRITTEN: dict[type, Callable[[Any], Any]] = {
    int: str,
    float: str,
    tuple: lambda value: [_pack(part) for part in value],
    set: lambda value: sorted((_pack(part) for part in value), key=repr),
    frozenset: lambda value: sorted((_pack(part) for part in value), key=repr),
    dict: lambda value: [[_pack(name), _pack(part)] for name, part in value.items()],
    bytes: lambda value: b64encode(value).decode(),
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    Decimal: str,
    Fraction: str,
    UUID: str,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "tuple": lambda written: tuple(unpack(part) for part in written),
    "set": lambda written: {unpack(part) for part in written},
    "frozenset": lambda written: frozenset(unpack(part) for part in written),
    "dict": lambda written: {unpack(name): unpack(part) for name, part in written},
    "bytes": b64decode,
    "datetime": _read_moment,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda written: timedelta(*written),
    "Decimal": Decimal,
    "Fraction": Fraction,
    "UUID": UUID,
    "enum": lambda written: _class(written[0])[written[1]],
    "object": _read_object,
    "model": lambda written: _class(written[0]).model_validate_json(written[1]),
}
