"""A state as it was before a handler ran: its JSON, and where each of its objects stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from cooee.core.app.state_objects import objects_in
from cooee.core.dialogue.state_diff import (
    MOVED,
    SHARED,
    StateDiff,
    decode_tree,
    diff_elements,
    diff_trees,
    digest_tree,
)

_Path: TypeAlias = Sequence[str | int]


class _Place(NamedTuple):
    """An object of a state, its JSON, its path, and the place of the object that holds it."""

    member: Any
    tree: Any
    path: _Path
    holder: _Place | None


class StateSnapshot:
    """What a state was, to compare with what a handler makes of its objects.

    `raw` is its stored form. `shared` are objects that a replay has at hand, by name: the diff says
    where they came to be.
    """

    def __init__(
        self, state: Any, raw: bytes | None, shared: Mapping[str, Any] | None = None
    ) -> None:
        self.raw, self._tree = raw, decode_tree(raw)
        # The objects are kept, so that no other gets the id of one of them.
        self._before = {id(place.member): place for place in _places_in(state, self._tree)}
        named = {id(each): name for name, each in (shared or {}).items()}
        self._names = {id: name for id, name in named.items() if id not in self._before}

    def diff_to(self, state: Any, raw: bytes | None) -> StateDiff:
        """Return the diff to a state that was made of the same objects."""
        if raw == self.raw:
            return ()
        tree, before = decode_tree(raw), self._before
        origins, arrivals, shared = dict[int, Any](), list[Any](), list[Any]()
        for place in _places_in(state, tree):
            former = before.get(id(place.member))
            if former is not None:
                origins[id(place.tree)] = former.tree
                if self._has_moved(former, place):
                    arrivals.append((former, place))
            elif id(place.member) in self._names:
                shared.append([place.path, SHARED, self._names[id(place.member)], None])
        moved = [
            [
                place.path,
                MOVED,
                former.path,
                digest_tree(former.tree),
                diff_elements(origins, former.tree, place.tree),
            ]
            for former, place in arrivals
        ]
        return [*diff_trees(self._tree, tree, origins), *moved, *shared]

    def _has_moved(self, former: _Place, place: _Place) -> bool:
        """Return whether an object came to another container; a list's diff knows its elements."""
        is_held_alike = self._corresponds(former.holder, place.holder)
        return not is_held_alike or (
            isinstance(place.path[-1], str) and former.path[-1] != place.path[-1]
        )

    def _corresponds(self, former: _Place | None, place: _Place | None) -> bool:
        """Return whether the diff compares the objects at two places."""
        if former is None or place is None or former.member is place.member:
            return (former is None) == (place is None)
        if not place.path or not former.path:
            return place.path == former.path  # the state itself
        is_known = id(place.member) in self._before
        is_named = isinstance(place.path[-1], str) and place.path[-1] == former.path[-1]
        return not is_known and is_named and self._corresponds(former.holder, place.holder)


def _places_in(state: Any, tree: Any) -> Iterator[_Place]:
    """Return the places of all objects and containers of a state."""
    ahead = [_Place(state, tree, (), None)]
    while ahead:
        holder = ahead.pop()
        owner, owner_tree, path, _ = holder
        values = owner_tree.values() if type(owner_tree) is dict else owner_tree
        if not any(type(value) in {dict, list} for value in values):
            continue  # the quick way: most objects of a large state hold no others
        for key, member, inner in objects_in(owner, owner_tree):
            place = _Place(member, inner, (*path, key), holder)
            ahead.append(place)
            yield place
