"""What one handler changed in a person's state, to be laid on what another makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from cooee.core.app.state_codec import StateCodec
from cooee.core.app.unknown_fields import Extras

Change: TypeAlias = Sequence[Any]
"""Steps ``[path, before, after]``; a step of two, ``[path, before]``, took a field away."""


def difference(before: bytes | None, after: bytes | None) -> Change:
    """What turned one stored state into another; empty where nothing did."""
    if before == after:
        return ()
    return tuple(_steps(_tree(before), _tree(after), ()))


def lay_on(
    codec: StateCodec[Any], state: Any, extras: Extras, changes: Iterable[Change]
) -> tuple[Any, Extras]:
    """A state with changes laid on: numbers as differences, all else as values.

    It is changed in place wherever its class allows, since a handler may hold on to it.
    """
    tree = msgspec.json.decode(codec.encode(state, extras)) or {}
    for change in changes:
        for step in change:
            _take(tree, step)
    fresh, extras = codec.decode(msgspec.json.encode(tree))
    return _overlay(state, fresh), extras


def _tree(raw: bytes | None) -> Any:
    return (msgspec.json.decode(raw) if raw else None) or {}


def _steps(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[list[Any]]:
    for name in before.keys() | after.keys():
        here = (*path, name)
        old, new = before.get(name), after.get(name)
        if name not in after:
            yield [here, old]
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _steps(old, new, here)
        elif old != new or type(old) is not type(new):
            yield [here, old, new]


def _take(tree: dict[str, Any], step: Sequence[Any]) -> None:
    *parents, name = step[0]
    for parent in parents:
        inner = tree.get(parent)
        if not isinstance(inner, dict):
            return  # what it changed is no longer there
        tree = inner
    if len(step) == 2:
        tree.pop(name, None)
    else:
        tree[name] = _moved(tree.get(name), step[1], step[2])


def _moved(current: Any, before: Any, after: Any) -> Any:
    numbers = all(type(each) in {int, float} for each in (current, before, after))
    return current + (after - before) if numbers and current != before else after


def _overlay(old: Any, new: Any) -> Any:
    """The old object with the new one's contents; the new one where that cannot be."""
    if type(old) is not type(new):
        return new
    if isinstance(old, dict):
        merged = {name: _overlay(old.get(name), part) for name, part in new.items()}
        old.clear()
        old.update(merged)
        return old
    if isinstance(old, list):
        if len(old) == len(new):
            new = [_overlay(each, other) for each, other in zip(old, new, strict=True)]
        old[:] = new
        return old
    return _overlay_fields(old, new)


def _overlay_fields(old: Any, new: Any) -> Any:
    try:
        for name in _fields(old):
            setattr(old, name, _overlay(getattr(old, name), getattr(new, name)))
    except (AttributeError, TypeError, ValueError):  # it is frozen
        return new
    return old if _fields(old) else new


def _fields(owner: Any) -> Sequence[str]:
    if isinstance(owner, msgspec.Struct):
        return owner.__struct_fields__
    if dataclasses.is_dataclass(owner):
        return [field.name for field in dataclasses.fields(owner)]
    return tuple(getattr(type(owner), "model_fields", ()))  # pydantic's
