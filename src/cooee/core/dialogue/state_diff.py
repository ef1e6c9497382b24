"""Diff of two stored states, and how to apply it to the JSON of a third (a three-way merge)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec

from cooee.core.dialogue.list_diff import diff_lists, splice_list

StateDiff: TypeAlias = Sequence[Any]
"""Steps: ``[path, before, after]`` changed a field, ``[path, before]`` removed one, and ``[path,
"list", size, splices]`` changed a list of `size` elements. ``[path, "shared", name, None]`` says
where an object of the caller of a once came to be, and ``[path, "moved", from, digest,
diff]`` where an object came from another container, what its JSON was, and what changed in it."""

SHARED, MOVED = "shared", "moved"

Touch: TypeAlias = Callable[[Any], None]

Origins: TypeAlias = Mapping[int, Any]
"""The JSON that an object had before, by the id of its JSON after; new objects are left out."""


def diff_states(before: bytes | None, after: bytes | None) -> StateDiff:
    """Return the steps from one stored state to another; empty where the two are equal."""
    if before == after:
        return ()
    return diff_trees(decode_tree(before), decode_tree(after))


def diff_trees(before: Any, after: Any, origins: Origins | None = None) -> StateDiff:
    """Return the steps from one state's JSON to another.

    Args:
        before: the JSON of the state before.
        after: the JSON of the state after.
        origins: which elements of lists are the same objects; None: unknown, so they are guessed.
    """
    return tuple(_diff_fields(before, after, (), origins))


def apply_diffs_to_tree(tree: dict[str, Any], diffs: Iterable[StateDiff]) -> None:
    """Apply diffs to a state's JSON, in place."""
    for diff in diffs:
        TreePatch(lambda _: None).apply(tree, diff)


def decode_tree(raw: bytes | None) -> Any:
    """Return a stored state as JSON's own values; {} where nothing is stored."""
    return (msgspec.json.decode(raw) if raw else None) or {}


def digest_tree(tree: Any) -> str:
    """Return a short digest of JSON."""
    return blake2b(_encode_sorted(tree), digest_size=8).hexdigest()


_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _diff_fields(
    before: Any, after: Any, path: tuple[str, ...], origins: Origins | None
) -> Iterator[list[Any]]:
    for name in {**before, **after}:  # in order, since a dict keeps its own
        field_path = (*path, name)
        old, new = before.get(name), after.get(name)
        if name not in after:
            yield [field_path, old]
        elif origins is not None and origins.get(id(new), old) is not old:
            yield [field_path, old, new]  # an object that was elsewhere before
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _diff_fields(old, new, field_path, origins)
        elif isinstance(old, list) and isinstance(new, list):
            splices = diff_lists(old, new, origins, partial(diff_elements, origins))
            if splices:
                yield [field_path, "list", len(old), splices]
        elif old != new or type(old) is not type(new):
            yield [field_path, old, new]


def diff_elements(origins: Origins | None, before: Any, after: Any) -> StateDiff:
    """Return the diff of an object that is not at a field of its own."""
    return diff_trees({_ELEMENT: before}, {_ELEMENT: after}, origins)


_ELEMENT = ""  # the name under which an element of a list is diffed


class TreePatch:
    """One diff while it is applied to a state's JSON: numbers as differences, lists by element.

    `touch` is called with each dict and list before it changes, and with those around it; it may
    put another dict in a member's place.
    """

    def __init__(self, touch: Touch) -> None:
        self._touch = touch
        self._done: set[tuple[int, bytes]] = set()

    def apply(self, tree: dict[str, Any], diff: StateDiff) -> None:
        """Apply a diff's steps."""
        for step in diff:
            owner, name, change = self._find_owner(tree, step[0][:-1]), step[0][-1], step[1:]
            if owner is not None and self._is_first(owner, name, change):
                self._apply_step(owner, name, change)

    def _find_owner(self, tree: dict[str, Any], names: Sequence[str]) -> dict[str, Any] | None:
        owner = tree
        self._touch(owner)
        for name in names:
            inner = owner.get(name)
            if not isinstance(inner, dict):
                return None  # the changed field is no longer there
            owner = inner
            self._touch(owner)
        return owner

    def _is_first(self, owner: dict[str, Any], name: str, change: Sequence[Any]) -> bool:
        """Return whether a change is new: an object at two places was changed at both, once."""
        current = owner.get(name)
        is_list = isinstance(current, list)
        once = (
            id(current if is_list else owner),
            msgspec.json.encode(["" if is_list else name, *change]),
        )
        is_first = once not in self._done
        self._done.add(once)
        return is_first

    def _apply_step(self, owner: dict[str, Any], name: str, change: Sequence[Any]) -> None:
        current = owner.get(name)
        if len(change) == 1:
            owner.pop(name, None)
        elif len(change) == 2:
            owner[name] = _merge_value(current, *change)
        elif isinstance(current, list) and change[0] == "list":
            self._touch(current)
            splice_list(current, change[1], change[2], self.patch_element)

    def patch_element(self, element: Any, diff: StateDiff) -> None:
        """Apply a diff of `diff_elements`."""
        self.apply({_ELEMENT: element}, diff)


def _merge_value(current: Any, before: Any, after: Any) -> Any:
    # replay rule 8: two handlers that each add 1 to a counter have added 2.
    numbers = all(type(each) in {int, float} for each in (current, before, after))
    return current + (after - before) if numbers and current != before else _copied(after)


def _copied(value: Any) -> Any:
    """Return a copy, since the entries of a journal are applied by every run."""
    return msgspec.json.decode(msgspec.json.encode(value)) if type(value) in {dict, list} else value
