"""A state as it was before a handler ran: its JSON, and which object each element of a list was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cooee.core.app.state_objects import objects_in
from cooee.core.dialogue.state_diff import SHARED, StateDiff, decode_tree, diff_trees


class StateSnapshot:
    """What a state was, to compare with what a handler makes of its objects.

    `shared` are objects that a replay has at hand, by name: the diff says where they came to be.
    """

    def __init__(
        self, state: Any, raw: bytes | None, shared: Mapping[str, Any] | None = None
    ) -> None:
        self.raw, self._tree = raw, decode_tree(raw)
        # Both are kept, so that no other object gets an element's id.
        self._elements = {
            id(element): (element, tree) for element, tree in _elements_of(state, self._tree)
        }
        names = {id(each): name for name, each in (shared or {}).items()}
        present = {name for _, name in _places_of(state, self._tree, names)}
        self._names = {id: name for id, name in names.items() if name not in present}

    def diff_to(self, state: Any, raw: bytes | None) -> StateDiff:
        """Return the diff to a state that was made of the same objects."""
        if raw == self.raw:
            return ()
        tree = decode_tree(raw)
        origins = {
            id(after): self._elements.get(id(element), (None, None))[1]
            for element, after in _elements_of(state, tree)
        }
        places = _places_of(state, tree, self._names)
        shared = [[path, SHARED, name, None] for path, name in places]
        return [*diff_trees(self._tree, tree, origins), *shared]


def _places_of(
    state: Any, tree: Any, names: Mapping[int, str]
) -> Iterator[tuple[Sequence[Any], str]]:
    """Return the paths of the objects with these ids, and their names."""
    ahead: list[tuple[Any, Any, Sequence[Any]]] = [(state, tree, ())] if names else []
    while ahead:
        owner, owner_tree, path = ahead.pop()
        for key, member, inner in objects_in(owner, owner_tree):
            ahead.append((member, inner, (*path, key)))
            if id(member) in names:
                yield (*path, key), names[id(member)]


def _elements_of(state: Any, tree: Any) -> list[tuple[Any, Any]]:
    """Return the objects in the lists of a state, each with its JSON."""
    found: list[tuple[Any, Any]] = []
    ahead = [(state, tree)]
    while ahead:
        owner, owner_tree = ahead.pop()
        values = owner_tree.values() if type(owner_tree) is dict else owner_tree
        if not any(type(value) in {dict, list} for value in values):
            continue  # the quick way: most objects of a large state hold no others
        inner = [(member, inner_tree) for _, member, inner_tree in objects_in(owner, owner_tree)]
        ahead += inner
        found += inner if type(owner_tree) is list else ()
    return found
