"""The objects of a state, next to their JSON: their members, and how to replace their contents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

MemberKey = str | int
"""The name or position of a member in its owner's JSON."""


def members_of(owner: Any, tree: Any) -> Iterable[tuple[MemberKey, Any]]:
    """Return an object's members, by their keys in `tree`, the object's own JSON.

    The members of a set are left out: nothing says which of them is which.
    """
    if isinstance(owner, dict):
        return zip(tree, owner.values(), strict=True) if len(tree) == len(owner) else ()
    if isinstance(owner, list | tuple):
        return enumerate(owner)
    return ((key, getattr(owner, name, None)) for name, key in _attributes_of(owner, tree))


def has_member(tree: Any, key: MemberKey) -> bool:
    """Return whether an object's JSON has a member under this key."""
    if isinstance(key, int):
        return isinstance(tree, list) and key < len(tree)
    return isinstance(tree, dict) and key in tree


def objects_in(owner: Any, tree: Any) -> Sequence[tuple[MemberKey, Any, Any]]:
    """Return the members of an object that are objects or containers: key, member and its JSON."""
    if isinstance(tree, list) and isinstance(owner, list | tuple):
        pairs = enumerate(zip(owner, tree, strict=False))
        return [(at, each, inner) for at, (each, inner) in pairs if type(inner) in _CONTAINERS]
    return [
        (key, member, tree[key])
        for key, member in members_of(owner, tree)
        if has_member(tree, key) and type(tree[key]) in _CONTAINERS
    ]


_CONTAINERS = frozenset({dict, list})


def is_frozen(owner: Any) -> bool:
    """Return whether an object's class allows no change of its contents."""
    if isinstance(owner, list | dict | set):
        return False
    cls = type(owner)
    if isinstance(owner, msgspec.Struct):
        return owner.__struct_config__.frozen
    if dataclasses.is_dataclass(owner):
        return bool(cls.__dataclass_params__.frozen)
    if hasattr(cls, "model_fields"):
        return bool(cls.model_config.get("frozen"))
    # attrs puts a function of this name into its frozen classes; a tuple has no attributes at all.
    return getattr(cls.__setattr__, "__name__", "") == "_frozen_setattrs" or not _field_names(owner)


def with_members(owner: Any, members: Mapping[MemberKey, Any], tree: Any) -> Any:
    """Return an object with other members, by their keys in `tree`: changed in place, or copied.

    No validator runs: the object was decoded as a whole, and its members are equal to these.
    """
    if isinstance(owner, tuple):
        items = [members.get(at, each) for at, each in enumerate(owner)]
        return tuple.__new__(type(owner), items)
    if isinstance(owner, list):
        owner[:] = [members.get(at, each) for at, each in enumerate(owner)]
    elif isinstance(owner, dict):
        for name, key in zip(list(owner), tree, strict=False):
            owner[name] = members.get(key, owner[name])
    else:
        for name, key in _attributes_of(owner, tree):
            if key in members:
                _set_attribute(owner, name, members[key])
    return owner


def replace_contents(owner: Any, source: Any) -> None:
    """Give an object the contents of another of its class or of a base, past their validators.

    The source was decoded, and so validated, as a whole; attributes set one after the other would
    bring the owner into states that its validators refuse.
    """
    if isinstance(owner, list):
        owner[:] = source
    elif isinstance(owner, dict | set):
        owner.clear()
        owner.update(source)
    else:
        if hasattr(owner, "__dict__"):
            if type(owner) is type(source):
                owner.__dict__.clear()  # of what was cached, or derived from the fields
            owner.__dict__.update(source.__dict__)
        for name in (*_field_names(owner), *_PYDANTIC_SLOTS):
            if name not in getattr(owner, "__dict__", ()) and hasattr(source, name):
                _set_attribute(owner, name, getattr(source, name))


_PYDANTIC_SLOTS = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


def _set_attribute(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, msgspec.Struct):
        msgspec.structs.force_setattr(owner, name, value)
    elif name in getattr(owner, "__dict__", ()):
        owner.__dict__[name] = value
    else:
        with suppress(AttributeError):  # a property that only reads: derived from other fields
            object.__setattr__(owner, name, value)


def _attributes_of(owner: Any, tree: Any) -> Iterable[tuple[str, MemberKey]]:
    """Return the names of an object's fields, and their keys in its JSON."""
    if not isinstance(owner, msgspec.Struct):
        return ((name, name) for name in _field_names(owner))
    if isinstance(tree, list):  # array_like: the fields in order, behind the tag if there is one
        tag_count = len(tree) - len(owner.__struct_fields__)
        return ((name, at) for at, name in enumerate(owner.__struct_fields__, max(tag_count, 0)))
    return zip(owner.__struct_fields__, owner.__struct_encode_fields__, strict=True)


def _field_names(owner: Any) -> Sequence[str]:
    if isinstance(owner, msgspec.Struct):
        return owner.__struct_fields__
    if dataclasses.is_dataclass(owner):
        return [field.name for field in dataclasses.fields(owner)]
    attrs_fields = getattr(type(owner), "__attrs_attrs__", ())
    return [each.name for each in attrs_fields] or tuple(getattr(type(owner), "model_fields", ()))
