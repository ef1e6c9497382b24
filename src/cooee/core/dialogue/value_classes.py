"""Objects as their stored fields, and back, without running the code of their constructors."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from functools import cached_property
from inspect import getattr_static
from types import MemberDescriptorType
from typing import Any

import msgspec

from cooee.core.errors import Unstorable

_MISSING = object()


def class_path(cls: Any) -> str:
    """Return the module and name under which a class is found again.

    Raises:
        Unstorable: another process could not find the class there.
    """
    path = f"{cls.__module__}:{cls.__qualname__}"
    if "<locals>" in path:
        raise Unstorable(f"{cls.__qualname__} is defined in a function; define it in a module.")
    try:
        found = find_class(path)
    except (KeyError, AttributeError):
        found = None
    if found is not cls:
        raise Unstorable(
            f"{cls.__qualname__} is not found under its name in {cls.__module__}. Define it at the"
            " top of a module, and give the class and its variable one name."
        )
    return path


def find_class(path: str) -> Any:
    """Return the class of a stored path."""
    module, _, name = path.partition(":")
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found


def object_fields(value: Any) -> tuple[str, Mapping[str, Any]] | None:
    """Return the kind of an object and all of its fields; None for other values."""
    cls: Any = type(value)
    if isinstance(value, msgspec.Struct):
        return "object", _own_fields(value, value.__struct_fields__)
    if _is_plain_dataclass(cls):
        return "object", _own_fields(value, [field.name for field in dataclasses.fields(cls)])
    if _is_named_tuple(cls) and not vars_of(value):
        return "namedtuple", dict(zip(cls._fields, value, strict=True))
    if _is_model(cls):
        return "pydantic", _without_cached(cls, value.__getstate__())
    return None


def has_stored_fields(cls: Any) -> bool:
    """Return whether the objects of a class are stored by their fields."""
    return _is_plain_dataclass(cls) or _is_named_tuple(cls) or _is_model(cls)


def _is_plain_dataclass(cls: Any) -> bool:
    return dataclasses.is_dataclass(cls) and cls.__new__ is object.__new__


def _is_named_tuple(cls: Any) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_field_defaults")


def _is_model(cls: Any) -> bool:
    pydantic = sys.modules.get("pydantic")  # nobody who has no model pays for the import
    return pydantic is not None and issubclass(cls, pydantic.BaseModel)


def restore_object(kind: str, cls: Any, fields: dict[str, Any]) -> Any:
    """Return the object with these fields; a field that is new in the class gets its default.

    Raises:
        TypeError: a new field has no default.
    """
    if kind == "namedtuple":
        return tuple.__new__(cls, [_value_or_default(cls, fields, name) for name in cls._fields])
    if kind == "pydantic":
        return _restore_pydantic(cls, fields)
    if issubclass(cls, msgspec.Struct):
        return _restore_struct(cls, fields)
    return _restore_dataclass(cls, fields)


def vars_of(value: Any) -> dict[str, Any]:
    """Return the attributes in an object's own dict; empty where it has no dict."""
    return getattr(value, "__dict__", {})


def _own_fields(value: Any, names: Any) -> Mapping[str, Any]:
    """Return the declared fields that are set, and every other attribute of the object."""
    fields = {name: getattr(value, name, _MISSING) for name in names}
    state: Any = () if isinstance(value, msgspec.Struct) else object.__getstate__(value)
    for attributes in state if isinstance(state, tuple) else (state,):
        fields |= attributes or {}
    fields |= vars_of(value)
    return {
        name: part
        for name, part in fields.items()
        if part is not _MISSING and not _is_derived(type(value), name)
    }


def _is_derived(cls: Any, name: str) -> bool:
    """Return whether an attribute follows from the others: Python makes it again."""
    if name == "__orig_class__":  # the brackets of Box[int](5)
        return True
    return isinstance(getattr_static(cls, name, None), cached_property)


def _restore_dataclass(cls: Any, fields: dict[str, Any]) -> Any:
    # `cls(**fields)` would run `__post_init__` on fields which that has changed already, and could
    # not set a field of `init=False`.
    restored = object.__new__(cls)
    declared = {field.name: field for field in dataclasses.fields(cls)}
    for name, field in declared.items():
        if name not in fields and not hasattr(restored, name) and field.init:
            fields[name] = _dataclass_default(cls, field)
    for name, part in fields.items():
        if isinstance(getattr_static(cls, name, None), MemberDescriptorType):  # a slot
            object.__setattr__(restored, name, part)
        elif hasattr(restored, "__dict__"):  # a field that has gone does no harm here
            restored.__dict__[name] = part
    return restored


def _dataclass_default(cls: Any, field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        raise TypeError(f"{cls.__name__}.{field.name} is new and has no default")
    return field.default


def _restore_struct(cls: Any, fields: dict[str, Any]) -> Any:
    arguments = {name: fields[name] for name in cls.__struct_fields__ if name in fields}
    restored = cls(**arguments)
    for name, part in arguments.items():  # once more, over the changes of a `__post_init__`
        msgspec.structs.force_setattr(restored, name, part)
    vars_of(restored).update({name: fields[name] for name in fields.keys() - arguments.keys()})
    return restored


def _value_or_default(cls: Any, fields: dict[str, Any], name: str) -> Any:
    return fields[name] if name in fields else cls._field_defaults[name]


def _restore_pydantic(cls: Any, state: dict[str, Any]) -> Any:
    # Validating again would trip over aliases, and over validators which changed the value.
    values = state["__dict__"]
    for name, field in cls.model_fields.items():
        if name not in values:
            if field.is_required():
                raise TypeError(f"{cls.__name__}.{name} is new and has no default")
            values[name] = field.get_default(call_default_factory=True, validated_data=values)
    for name in values.keys() - cls.model_fields.keys():
        del values[name]
    restored = cls.__new__(cls)
    restored.__setstate__(state)
    return restored


def _without_cached(cls: Any, state: Mapping[str, Any]) -> Mapping[str, Any]:
    values = {
        name: state["__dict__"][name] for name in cls.model_fields if name in state["__dict__"]
    }
    return {**state, "__dict__": values}
