"""Answers and results as JSON, and back as exactly the same value."""

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

_UNCHANGED_TYPES = frozenset({type(None), bool, str})
_SCALAR_TYPES = _UNCHANGED_TYPES | {int, float}
_JSON_INT_LIMIT = 2**63  # what every JSON reader takes as a whole number
_TYPE_KEY = "$"
MAX_VALUE_BYTES = 1_000_000
"""The largest size of one value as JSON."""


def encode_value(value: Any) -> Any:
    """Return a value as JSON's own types, with any other type marked by its name.

    Raises:
        Unstorable: the value, or a part of it, could not be restored from JSON.
    """
    try:
        tree = _encode(value)
        size = len(msgspec.json.encode(tree))  # lone surrogates, and nesting past all reason
    except (RecursionError, UnicodeError, OverflowError) as error:
        raise Unstorable(f"A {type(value).__name__} cannot be stored: {error}.") from error
    if size > MAX_VALUE_BYTES:
        raise Unstorable(
            f"A {type(value).__name__} of {size:,} bytes is read again at every turn. Keep it where"
            f" such things are kept, and return its name; up to {MAX_VALUE_BYTES:,} bytes are"
            " stored here."
        )
    return tree


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
    except (KeyError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise Unstorable(
            f"A stored {tree[_TYPE_KEY]} cannot be read any more: {error}. Keep its class where it"
            " was, and let it take what it took."
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
    if isinstance(value, enum.Enum):
        return {_TYPE_KEY: "enum", "v": [_class_path(cls), value.name]}
    if isinstance(value, msgspec.Struct):
        fields = {name: _encode(getattr(value, name)) for name in value.__struct_fields__}
        return {_TYPE_KEY: "object", "v": [_class_path(cls), fields]}
    if dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls)]
        fields = {name: _encode(getattr(value, name)) for name in names}
        return {_TYPE_KEY: "object", "v": [_class_path(cls), fields]}
    if hasattr(cls, "model_validate_json"):  # pydantic's, by its own rules
        return {_TYPE_KEY: "model", "v": [_class_path(cls), value.model_dump_json()]}
    raise Unstorable(
        f"A {cls.__name__} cannot be stored. Return plain data: str, numbers, dates,"
        " lists, dicts, an Enum, a dataclass or a msgspec.Struct."
    )


def _class_path(cls: Any) -> str:
    path = f"{cls.__module__}:{cls.__qualname__}"
    if "<locals>" in path:
        raise Unstorable(f"{cls.__qualname__} is defined in a function; define it in a module.")
    return path


def _find_class(path: str) -> Any:
    module, _, name = path.partition(":")
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _encode_datetime(value: datetime) -> list[Any]:
    zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    return [value.isoformat(), zone]


def _decode_datetime(encoded: list[Any]) -> datetime:
    moment = datetime.fromisoformat(encoded[0])
    if encoded[1] is not None:
        return moment.astimezone(ZoneInfo(encoded[1]))
    return moment.replace(tzinfo=UTC) if moment.utcoffset() == timedelta() else moment


def _decode_object(encoded: list[Any]) -> Any:
    fields = {name: decode_value(part) for name, part in encoded[1].items()}
    return _find_class(encoded[0])(**fields)


_ENCODERS: dict[type, Callable[[Any], Any]] = {
    int: str,
    float: str,
    tuple: lambda value: [_encode(part) for part in value],
    set: lambda value: sorted((_encode(part) for part in value), key=repr),
    frozenset: lambda value: sorted((_encode(part) for part in value), key=repr),
    dict: lambda value: [[_encode(name), _encode(part)] for name, part in value.items()],
    bytes: lambda value: b64encode(value).decode(),
    datetime: _encode_datetime,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    Decimal: str,
    Fraction: str,
    UUID: str,
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "float": float,
    "tuple": lambda written: tuple(decode_value(part) for part in written),
    "set": lambda written: {decode_value(part) for part in written},
    "frozenset": lambda written: frozenset(decode_value(part) for part in written),
    "dict": lambda written: {decode_value(name): decode_value(part) for name, part in written},
    "bytes": b64decode,
    "datetime": _decode_datetime,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda written: timedelta(*written),
    "Decimal": Decimal,
    "Fraction": Fraction,
    "UUID": UUID,
    "enum": lambda written: _find_class(written[0])[written[1]],
    "object": _decode_object,
    "model": lambda written: _find_class(written[0]).model_validate_json(written[1]),
}
