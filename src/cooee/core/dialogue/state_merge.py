"""Applies other handlers' changes to a living state: its objects stay, their contents change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from cooee.core.app.state_codec import StateCodec
from cooee.core.app.state_objects import (
    has_member,
    is_frozen,
    members_of,
    replace_contents,
    with_members,
)
from cooee.core.app.unknown_fields import UnknownFields
from cooee.core.dialogue.state_diff import (
    StateDiff,
    apply_diffs_to_tree,
    decode_tree,
    diff_trees,
)
from cooee.core.errors import StateError


class LinkedState:
    """A state and its JSON, with each object's own JSON known.

    An object that stands at two places of the state is one dict or list in `tree`.
    """

    def __init__(self, state: Any, raw: bytes | None) -> None:
        self._raw = raw
        self._trees: dict[int, Any] = {}
        self._owners: dict[int, tuple[Any, Any]] = {}  # both are kept, so that no id comes again
        self.tree = self._link(state, decode_tree(raw))

    def _link(self, owner: Any, tree: Any) -> Any:
        if type(tree) not in {dict, list}:
            return tree
        if id(owner) in self._trees:
            return self._trees[id(owner)]
        self._owners[id(tree)] = owner, tree
        if not is_frozen(owner):
            self._trees[id(owner)] = tree
        for key, member in members_of(owner, tree):
            if has_member(tree, key):
                tree[key] = self._link(member, tree[key])
        return tree

    def owner_of(self, tree: Any) -> Any:
        """Return the object with this JSON; None where it is a new one's."""
        return self._owners.get(id(tree), (None, None))[0]

    def tree_of(self, owner: Any) -> Any:
        """Return an object's JSON; None where it is not in this state."""
        return self._trees.get(id(owner))

    def diff_to(self, state: Any, raw: bytes | None) -> StateDiff:
        """Return the diff from this state to what its objects are now."""
        if raw == self._raw:
            return ()
        after = LinkedState(state, raw)
        origins = {at: self.tree_of(owner) for at, (owner, _) in after._owners.items()}
        return diff_trees(self.tree, after.tree, origins)


def apply_diffs(
    codec: StateCodec[Any], state: Any, unknown_fields: UnknownFields, diffs: Sequence[StateDiff]
) -> tuple[Any, UnknownFields]:
    """Return a state with diffs applied, in place wherever its classes allow.

    The objects of the state stay what they are, also in lists that get longer or shorter, since a
    handler may hold them. The result is decoded as a whole before any object changes. A change that
    the state's class refuses beside the state's other fields is left out.
    """
    try:
        return _apply_whole(codec, state, unknown_fields, diffs)
    except StateError:
        parts = list(_parts_of(diffs))
        if len(parts) == 1:
            return state, unknown_fields
    for part in parts:
        state, unknown_fields = apply_diffs(codec, state, unknown_fields, [part])
    return state, unknown_fields


def _parts_of(diffs: Sequence[StateDiff]) -> Iterable[StateDiff]:
    return diffs if len(diffs) > 1 else [[step] for step in diffs[0]]


def _apply_whole(
    codec: StateCodec[Any], state: Any, unknown_fields: UnknownFields, diffs: Sequence[StateDiff]
) -> tuple[Any, UnknownFields]:
    linked, touched = LinkedState(state, codec.encode(state, unknown_fields)), set[int]()
    apply_diffs_to_tree(linked.tree, diffs, touched)
    decoded, decoded_unknown = codec.decode(msgspec.json.encode(linked.tree))
    merge = _Merge(linked, touched)
    merged = merge.merge(decoded, linked.tree)
    owned = [replace(kept, owner=merge.merged_of(kept.owner)) for kept in decoded_unknown]
    return merged, tuple(owned)


class _Merge:
    """One merge of a decoded state into the living objects of another."""

    def __init__(self, linked: LinkedState, touched: set[int]) -> None:
        self._linked, self._touched = linked, touched
        self._merged: dict[int, Any] = {}  # by the id of their JSON
        self._by_decoded: dict[int, Any] = {}

    def merged_of(self, decoded: Any) -> Any:
        """Return the living object in whose place an object was decoded."""
        return self._by_decoded.get(id(decoded), decoded)

    def merge(self, decoded: Any, tree: Any) -> Any:
        """Return the living object with the decoded contents, or the decoded one if it is new."""
        if not isinstance(tree, dict | list):
            return decoded
        if id(tree) not in self._merged:
            self._merged[id(tree)] = self._merge_object(decoded, tree)
        self._by_decoded[id(decoded)] = self._merged[id(tree)]
        return self._merged[id(tree)]

    def _merge_object(self, decoded: Any, tree: Any) -> Any:
        owner = self._linked.owner_of(tree)
        living = dict(self._members(decoded, tree))
        if not isinstance(owner, type(decoded)):  # a subclass, such as a defaultdict, is kept
            return with_members(decoded, living, tree)
        if id(tree) not in self._touched:
            return owner
        merged = with_members(decoded, living, tree)
        if is_frozen(owner):
            return merged
        replace_contents(owner, merged)
        return owner

    def _members(self, decoded: Any, tree: Any) -> Iterator[tuple[str | int, Any]]:
        for key, member in members_of(decoded, tree):
            if has_member(tree, key):
                yield key, self.merge(member, tree[key])
