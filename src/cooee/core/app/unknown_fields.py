"""Stored fields that today's class does not know, kept for the class that does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

Path: TypeAlias = tuple[str | int, ...]


class Kept(msgspec.Struct, frozen=True):
    """The unknown fields of one object, often none: where it stood, the object, the fields."""

    path: Path
    owner: Any
    fields: Any


Extras: TypeAlias = tuple[Kept, ...]


def find(state: Any, raw: Any, known: Any) -> Extras:
    """What is in stored JSON and not in the object it was read as; empty where there is nothing.

    Args:
        state: the object.
        raw: the stored JSON.
        known: the object's own JSON, as it was written straight after reading.
    """
    found = tuple(_find(state, raw, known, ()))
    return found if any(kept.fields for kept in found) else ()


def _find(owner: Any, raw: Any, known: Any, path: Path) -> Iterator[Kept]:
    if isinstance(raw, dict) and isinstance(known, dict):
        # A plain dict knows all its keys; one that writes them otherwise (1 for 01) lost none.
        rewritten = isinstance(owner, dict) and not known.keys() <= raw.keys()
        unknown = {} if rewritten else {name: raw[name] for name in raw if name not in known}
        yield Kept(path, owner, unknown)
    for name, part in _parts(owner, known):
        if _has(raw, name):
            yield from _find(part, raw[name], known[name], (*path, name))


def lay(extras: Extras, state: Any, tree: Any) -> None:
    """Put unknown fields back into `tree`, which is the JSON of `state`, in place.

    They go where their object went, wherever it was moved to. Where an object was replaced by
    a new one of its class, they go to that one: `chat.state = Stopwatch(...)` sets what its
    author knows of. What was removed takes its unknown fields along.
    """
    objects = list(_objects(state, tree))
    alive = {id(owner) for _, owner, _ in objects}
    by_owner = {id(kept.owner): kept for kept in extras}
    by_path = {kept.path: kept for kept in extras if id(kept.owner) not in alive}
    for path, owner, node in objects:
        kept = by_owner.get(id(owner)) or by_path.get(path)
        if kept is not None and type(kept.owner) is type(owner):
            for name, value in kept.fields.items():
                node.setdefault(name, value)


def _objects(owner: Any, tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any, dict[str, Any]]]:
    if isinstance(tree, dict):
        yield path, owner, tree
    for name, part in _parts(owner, tree):
        if _has(tree, name):
            yield from _objects(part, tree[name], (*path, name))


def _parts(owner: Any, tree: Any) -> Iterable[tuple[str | int, Any]]:
    """What an object holds, by its names in `tree`, the object's own JSON.

    The members of a set are left out: nothing says which of them is which.
    """
    if isinstance(owner, dict):
        return zip(tree, owner.values(), strict=False)
    if isinstance(owner, list | tuple):
        return enumerate(owner)
    if isinstance(owner, msgspec.Struct):
        fields = msgspec.structs.fields(owner)
        return ((field.encode_name, getattr(owner, field.name)) for field in fields)
    if dataclasses.is_dataclass(owner):
        names: Iterable[str] = (field.name for field in dataclasses.fields(owner))
    else:
        names = getattr(type(owner), "model_fields", ())  # pydantic's
    return ((name, getattr(owner, name, None)) for name in names)


def _has(tree: Any, name: str | int) -> bool:
    if isinstance(name, int):
        return isinstance(tree, list) and name < len(tree)
    return isinstance(tree, dict) and name in tree
