"""Diff of two lists of a stored state, and how to apply it to a third."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

Splice: TypeAlias = Sequence[Any]
"""``[at, removed, inserted]``: elements of the list before, from position `at` on, and their
replacements: each ``[None, element]`` for a new one, or ``[origin, diff]`` for one that was at the
position `origin`, and moved or changed since."""

DiffElement: TypeAlias = Callable[[Any, Any], Any]
"""Returns the diff of an element, from its JSON before to its JSON after."""

PatchElement: TypeAlias = Callable[[Any, Any], None]
"""Applies the diff of an element to another element, in place."""


def diff_lists(
    before: Sequence[Any],
    after: Sequence[Any],
    same_objects: Mapping[int, Any] | None,
    diff_element: DiffElement,
) -> Sequence[Splice]:
    """Return the splices from one list to another, in order; none where the two are equal.

    Args:
        before: the list before, as JSON.
        after: the list after, as JSON.
        same_objects: the JSON before of each object, by the id of its JSON after; None: unknown.
        diff_element: diffs two elements.
    """

    def inserted_element(at: int) -> Sequence[Any]:
        origin = origins[at]
        return [origin, after[at] if origin is None else diff_element(before[origin], after[at])]

    if before == after:
        return []
    origins = match_elements(before, after, same_objects)
    splices: list[Splice] = []
    old = new = 0
    for stop_old, stop_new in [*_anchors(origins), (len(before), len(after))]:
        removed = before[old:stop_old]
        inserted = [inserted_element(at) for at in range(new, stop_new)]
        if removed or inserted:
            splices.append([old, removed, inserted])
        if stop_old < len(before) and before[stop_old] != after[stop_new]:
            splices.append([stop_old, [before[stop_old]], [inserted_element(stop_new)]])
        old, new = stop_old + 1, stop_new + 1
    return splices


def splice_list(
    current: list[Any], size: int, splices: Sequence[Splice], patch_element: PatchElement
) -> None:
    """Apply splices of a list of `size` elements to a list that may have become another, in place.

    Elements that are known by neither list stay; those that both know keep their identity.
    """
    places = _locate_removed(current, splices)
    insertions: dict[int, list[Any]] = defaultdict(list)
    for at, removed, inserted in splices:
        here = [places[at + n] for n in range(len(removed)) if at + n in places]
        place = min(here) if here else _place_of(at, size, len(current))
        for origin, element in inserted:
            if origin is None:
                insertions[place].append(_copied(element))
            elif origin in places:
                insertions[place].append(current[places[origin]])
                patch_element(current[places[origin]], element)
    gone, result = set(places.values()), list[Any]()
    for place in range(len(current) + 1):
        result += insertions.get(place, ())
        if place < len(current) and place not in gone:
            result.append(current[place])
    current[:] = result


# Which element of the list after is which of the list before


def match_elements(
    before: Sequence[Any], after: Sequence[Any], same_objects: Mapping[int, Any] | None
) -> list[int | None]:
    """Return the position before of each element after; None for the new ones."""
    origins: list[int | None] = [None] * len(after)
    if same_objects is not None:
        positions = {id(each): at for at, each in enumerate(before)}
        for at, each in enumerate(after):
            origins[at] = positions.pop(id(same_objects.get(id(each))), None)
    free = set(range(len(before))) - set(origins)
    for old, new in _equal_ends(before, after):
        if origins[new] is None and old in free:
            origins[new] = old
            free.remove(old)
    _match_equal(before, after, origins, free)
    if same_objects is None:
        _match_similar(before, after, origins, free)
    return origins


def _equal_ends(before: Sequence[Any], after: Sequence[Any]) -> Sequence[tuple[int, int]]:
    """Return the positions of the elements that both lists begin and end with."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    pairs = [(at, at) for at in range(start)]
    return pairs + [(len(before) - at, len(after) - at) for at in range(end, 0, -1)]


def _match_equal(
    before: Sequence[Any], after: Sequence[Any], origins: list[int | None], free: set[int]
) -> None:
    by_value: dict[bytes, deque[int]] = defaultdict(deque)
    for at in sorted(free):
        by_value[_encode(before[at])].append(at)
    for at, origin in enumerate(origins):
        if origin is None and free:
            places = by_value.get(_encode(after[at]))
            if places:
                origins[at] = places.popleft()
                free.remove(origins[at] or 0)


def _match_similar(
    before: Sequence[Any], after: Sequence[Any], origins: list[int | None], free: set[int]
) -> None:
    """Take an element at the place of another for the same, if half of its fields are."""
    for at, origin in enumerate(origins):
        if origin is None and at in free and _is_similar(before[at], after[at]):
            origins[at] = at
            free.remove(at)


def _is_similar(one: Any, other: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return isinstance(one, list) and isinstance(other, list)
    same = [name for name, value in one.items() if name in other and other[name] == value]
    return len(same) * 2 >= max(len(one), len(other))


def _anchors(origins: Sequence[int | None]) -> Sequence[tuple[int, int]]:
    """Return the most elements that kept their order, as positions before and after.

    The longest increasing subsequence: of a list where one element moved, that one alone moves.
    """
    ends: list[int] = []
    last: list[int] = []
    previous: dict[int, int | None] = {}
    for at, origin in enumerate(origins):
        if origin is not None:
            length = bisect_left(ends, origin)
            if length == len(ends):
                ends.append(origin)
                last.append(at)
            ends[length], last[length] = origin, at
            previous[at] = last[length - 1] if length else None
    anchors, place = [], last[-1] if last else None
    while place is not None:
        anchors.append((origins[place] or 0, place))
        place = previous[place]
    return anchors[::-1]


# Where the elements are in a list that may be another


def _locate_removed(current: Sequence[Any], splices: Sequence[Splice]) -> Mapping[int, int]:
    """Return where the elements of the list before are now; those that are gone are left out."""
    removed = {at + n: raw for at, each, _ in splices for n, raw in enumerate(each)}
    places = {at: at for at, raw in removed.items() if at < len(current) and current[at] == raw}
    if len(places) == len(removed):
        return places
    taken, by_value = set(places.values()), defaultdict[bytes, deque[int]](deque)
    for at, each in enumerate(current):
        if at not in taken:
            by_value[_encode(each)].append(at)
    for at, raw in removed.items():
        if at in places:
            continue
        found = by_value[_encode(raw)]
        while found and found[0] in taken:
            found.popleft()
        place = found.popleft() if found else _similar_place(current, at, raw, taken)
        if place is not None:
            places[at] = place
            taken.add(place)
    return places


def _similar_place(current: Sequence[Any], at: int, element: Any, taken: set[int]) -> int | None:
    """Return the nearest place of an element that today's code made somewhat otherwise."""
    if not isinstance(element, dict | list):
        return None
    around = range(max(0, at - _NEAR), min(len(current), at + _NEAR))
    free = [place for place in around if place not in taken]
    similar = [place for place in free if _is_similar(current[place], element)]
    return min(similar, key=lambda place: abs(place - at), default=None)


_NEAR = 100  # a bound, so that no list takes time by the square of its length


def _place_of(at: int, size: int, current_size: int) -> int:
    """Return where to insert: what was appended is appended."""
    return current_size if at == size else min(at, current_size)


def _copied(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value)) if type(value) in {dict, list} else value


_encode = msgspec.json.Encoder(order="sorted").encode
