"""Applies other handlers' changes to a living state: its objects stay, their contents change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from cooee.core.app.state_codec import StateCodec
from cooee.core.app.state_objects import (
    has_member,
    is_frozen,
    objects_in,
    replace_contents,
    with_members,
)
from cooee.core.app.unknown_fields import UnknownFields, objects_with_json
from cooee.core.dialogue.state_diff import (
    SHARED,
    StateDiff,
    TreePatch,
    decode_tree,
    digest_tree,
)
from cooee.core.errors import StateError


def apply_diffs(
    codec: StateCodec[Any],
    state: Any,
    unknown_fields: UnknownFields,
    diffs: Sequence[StateDiff],
    shared: Mapping[str, Any] | None = None,
) -> tuple[Any, UnknownFields]:
    """Return a state with diffs applied, in place wherever its classes allow.

    The objects of the state stay what they are, also in lists that get longer or shorter, since a
    handler may hold them. The result is decoded as a whole before any object changes. A change that
    the state's class refuses beside the state's other fields is left out. `shared` are the objects
    that the diffs name.
    """
    try:
        return _apply_whole(codec, state, unknown_fields, diffs, shared or {})
    except StateError:
        parts = list(_parts_of(diffs))
        if len(parts) == 1:
            return state, unknown_fields
    for part in parts:
        state, unknown_fields = apply_diffs(codec, state, unknown_fields, [part], shared)
    return state, unknown_fields


def _parts_of(diffs: Sequence[StateDiff]) -> Iterable[StateDiff]:
    return diffs if len(diffs) > 1 else [[step] for step in diffs[0]]


def _apply_whole(
    codec: StateCodec[Any],
    state: Any,
    unknown_fields: UnknownFields,
    diffs: Sequence[StateDiff],
    shared: Mapping[str, Any],
) -> tuple[Any, UnknownFields]:
    tree = decode_tree(codec.encode(state, unknown_fields))
    merge = _Merge(state, tree)
    for diff in diffs:
        merge.apply(diff, shared)
    decoded, decoded_unknown = codec.decode(msgspec.json.encode(tree))
    merged = merge.merge(decoded, tree)
    if decoded_unknown:  # they belong to the living objects now
        owners = {path: owner for path, owner, _ in objects_with_json(merged, tree)}
        decoded_unknown = tuple(
            replace(kept, owner=owners.get(kept.path, kept.owner)) for kept in decoded_unknown
        )
    return merged, decoded_unknown


class _Merge:
    """One merge of a changed and decoded state into the living objects that it was made from.

    An object is known by its dict or list in the state's JSON, which the changes move about. What
    no change touches is never looked into, so that a change costs little in a large state.
    """

    def __init__(self, state: Any, tree: Any) -> None:
        self._root = tree
        self._owners: dict[int, Any] = {id(tree): state}
        self._trees: dict[int, Any] = {}  # by the id of their object
        self._touched: dict[int, Any] = {}
        self._kept: list[Any] = [tree]  # so that no id comes twice
        self._merged: dict[int, Any] = {}

    def touch(self, tree: Any) -> None:
        """Note that a dict or list is about to change, and which objects its members are."""
        if id(tree) in self._touched:
            return
        self._touched[id(tree)] = tree
        for key, member, inner in objects_in(self._owners.get(id(tree)), tree):
            tree[key] = self._known(member, inner)

    def apply(self, diff: StateDiff, shared: Mapping[str, Any]) -> None:
        """Apply one diff to the state's JSON, and bring known objects to their new places."""
        moved = [(step, self._find(step[2])) for step in diff if len(step) == 5]
        moved = [(step, tree) for step, tree in moved if digest_tree(tree) == step[3]]
        patch = TreePatch(self.touch)
        patch.apply(self._root, diff)
        for (_, _, _, _, inner_diff), tree in moved:
            patch.patch_element(tree, inner_diff)
        # Only now, when all have left their places: an object may have come into its own member.
        for (path, *_), tree in moved:
            arrived, owner = self._find(path), self._find(path[:-1])
            if arrived is not None and id(arrived) not in self._owners:
                owner[path[-1]] = tree
        for step in diff:
            if len(step) == 4 and step[1] == SHARED and step[2] in shared:
                self._adopt(step[0], shared[step[2]])

    def _find(self, path: Sequence[Any]) -> Any:
        """Return the JSON at a path of the state; None where there is none."""
        tree = self._root
        for key in path:
            self.touch(tree)
            if not has_member(tree, key):
                return None
            tree = tree[key]
        return tree

    def _adopt(self, path: Sequence[Any], member: Any) -> None:
        """Take an object for the new one at a path of the state."""
        tree = self._find(path)
        if isinstance(tree, dict | list) and id(tree) not in self._owners:
            self._owners[id(tree)] = member
            self._kept.append(tree)
            self._touch_all(tree)

    def _touch_all(self, tree: Any) -> None:
        """Note that anything in an object may be about to change."""
        self.touch(tree)
        for inner in tree.values() if isinstance(tree, dict) else tree:
            if isinstance(inner, dict | list):
                self._touch_all(inner)

    def _known(self, member: Any, tree: Any) -> Any:
        """Return a member's JSON: the same for an object that stands at two places of the state."""
        known = self._trees.setdefault(id(member), tree)
        if known is not tree and not is_frozen(member):
            return known
        self._owners[id(tree)] = member
        self._kept.append(tree)
        return tree

    def merge(self, decoded: Any, tree: Any) -> Any:
        """Return the living object with the decoded contents, or the decoded one if it is new."""
        if id(tree) not in self._touched:
            return self._owners.get(id(tree), decoded)
        if id(tree) not in self._merged:
            self._merged[id(tree)] = self._merge_object(decoded, tree)
        return self._merged[id(tree)]

    def _merge_object(self, decoded: Any, tree: Any) -> Any:
        members = {
            key: self.merge(member, inner) for key, member, inner in objects_in(decoded, tree)
        }
        merged, owner = with_members(decoded, members, tree), self._owners.get(id(tree))
        # An object of a subclass, such as a defaultdict, is kept too.
        if not isinstance(owner, type(decoded)) or is_frozen(owner):
            return merged
        replace_contents(owner, merged)
        return owner
