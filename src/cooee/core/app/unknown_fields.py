"""Stored fields, undeclared in today's state class, kept for the class's later versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from cooee.core.app.state_objects import has_member, members_of

FieldPath: TypeAlias = tuple[str | int, ...]


class ObjectUnknownFields(msgspec.Struct, frozen=True):
    """The unknown fields of one object (often none), with its path in the state."""

    path: FieldPath
    owner: Any
    fields: Any


UnknownFields: TypeAlias = tuple[ObjectUnknownFields, ...]


def collect_unknown_fields(state: Any, raw: Any, reencoded: Any) -> UnknownFields:
    """Return the fields of stored JSON, less the decoded object's, often ().

    Args:
        state: the object.
        raw: the stored JSON.
        reencoded: the object's own JSON, encoded straight after decoding.
    """
    found = tuple(_collect_from(state, raw, reencoded, ()))
    return found if any(kept.fields for kept in found) else ()


def _collect_from(
    owner: Any, raw: Any, reencoded: Any, path: FieldPath
) -> Iterator[ObjectUnknownFields]:
    if isinstance(raw, dict) and isinstance(reencoded, dict):
        # A plain dict knows all its keys; one that writes them otherwise (1 for 01) lost none.
        rewritten = isinstance(owner, dict) and not reencoded.keys() <= raw.keys()
        unknown = {} if rewritten else {key: raw[key] for key in raw if key not in reencoded}
        yield ObjectUnknownFields(path, owner, unknown)
    for name, child in members_of(owner, reencoded):
        if has_member(raw, name):
            yield from _collect_from(child, raw[name], reencoded[name], (*path, name))


def restore_unknown_fields(unknown_fields: UnknownFields, state: Any, tree: Any) -> None:
    """Put unknown fields back into `tree`, the JSON of `state`, in place.

    Fields follow their object, wherever it was moved in the state. Where a new object of the same
    class replaced the object, the fields go to the new one: `chat.state = Stopwatch(...)` sets
    only the fields that its author knows. A removed object takes its fields along.
    """
    # By identity first, so that a list may be sorted; by path only for objects that are gone.
    objects = list(objects_with_json(state, tree))
    living_ids = {id(owner) for _, owner, _ in objects}
    by_owner = {id(unknown.owner): unknown for unknown in unknown_fields}
    by_path = {kept.path: kept for kept in unknown_fields if id(kept.owner) not in living_ids}
    for path, owner, node in objects:
        kept = by_owner.get(id(owner)) or by_path.get(path)
        if kept is not None and type(kept.owner) is type(owner):
            for name, value in kept.fields.items():
                node.setdefault(name, value)


def objects_with_json(
    owner: Any, tree: Any, path: FieldPath = ()
) -> Iterator[tuple[FieldPath, Any, dict[str, Any]]]:
    """Yield the objects of a state that are JSON objects, each with its path and its JSON."""
    if isinstance(tree, dict):
        yield path, owner, tree
    for key, child in members_of(owner, tree):
        if has_member(tree, key):
            yield from objects_with_json(child, tree[key], (*path, key))
