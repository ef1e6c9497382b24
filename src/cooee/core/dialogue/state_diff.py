"""Diff of two stored states, and how to apply it to a third (a three-way merge)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from cooee.core.app.state_codec import StateCodec
from cooee.core.app.unknown_fields import UnknownFields

StateDiff: TypeAlias = Sequence[Any]
"""Steps ``[path, before, after]``; a step of two, ``[path, before]``, removed a field."""


def diff_states(before: bytes | None, after: bytes | None) -> StateDiff:
    """Return the steps from one stored state to another; empty where the two are equal."""
    if before == after:
        return ()
    return diff_trees(decode_tree(before), decode_tree(after))


def diff_trees(before: Any, after: Any) -> StateDiff:
    """Return the steps from one state's JSON to another."""
    return tuple(_diff_steps(before, after, ()))


def apply_diffs(
    codec: StateCodec[Any], state: Any, unknown_fields: UnknownFields, diffs: Iterable[StateDiff]
) -> tuple[Any, UnknownFields]:
    """Return a state with diffs applied: numbers as differences, all other fields as values.

    The state is changed in place wherever its class allows, since a handler may hold a reference.
    """
    tree = decode_tree(codec.encode(state, unknown_fields))
    apply_diffs_to_tree(tree, diffs)
    decoded, unknown_fields = codec.decode(msgspec.json.encode(tree))
    return _copy_into(state, decoded), unknown_fields


def apply_diffs_to_tree(tree: dict[str, Any], diffs: Iterable[StateDiff]) -> None:
    """Apply diffs to a state's JSON, in place."""
    for diff in diffs:
        for step in diff:
            _apply_step(tree, step)


def decode_tree(raw: bytes | None) -> Any:
    """Return a stored state as JSON's own values; {} where nothing is stored."""
    return (msgspec.json.decode(raw) if raw else None) or {}


def _diff_steps(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[list[Any]]:
    for name in before.keys() | after.keys():
        field_path = (*path, name)
        old, new = before.get(name), after.get(name)
        if name not in after:
            yield [field_path, old]
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _diff_steps(old, new, field_path)
        elif old != new or type(old) is not type(new):
            yield [field_path, old, new]


def _apply_step(tree: dict[str, Any], step: Sequence[Any]) -> None:
    *parents, name = step[0]
    for parent in parents:
        inner = tree.get(parent)
        if not isinstance(inner, dict):
            return  # the changed field is no longer there
        tree = inner
    if len(step) == 2:
        tree.pop(name, None)
    else:
        tree[name] = _merge_value(tree.get(name), step[1], step[2])


def _merge_value(current: Any, before: Any, after: Any) -> Any:
    # replay rule 8: two handlers that each add 1 to a counter have added 2.
    numbers = all(type(each) in {int, float} for each in (current, before, after))
    return current + (after - before) if numbers and current != before else after


def _copy_into(old: Any, new: Any) -> Any:
    """Return the old object with the new contents, or the new object where it cannot be changed."""
    if type(old) is not type(new):
        return new
    if isinstance(old, dict):
        merged = {name: _copy_into(old.get(name), part) for name, part in new.items()}
        old.clear()
        old.update(merged)
        return old
    if isinstance(old, list):
        if len(old) == len(new):
            new = [_copy_into(each, other) for each, other in zip(old, new, strict=True)]
        old[:] = new
        return old
    return _copy_fields_into(old, new)


def _copy_fields_into(old: Any, new: Any) -> Any:
    try:
        for name in _field_names(old):
            setattr(old, name, _copy_into(getattr(old, name), getattr(new, name)))
    except (AttributeError, TypeError, ValueError):  # it is frozen
        return new
    return old if _field_names(old) else new


def _field_names(owner: Any) -> Sequence[str]:
    if isinstance(owner, msgspec.Struct):
        return owner.__struct_fields__
    if dataclasses.is_dataclass(owner):
        return [field.name for field in dataclasses.fields(owner)]
    return tuple(getattr(type(owner), "model_fields", ()))  # pydantic's
