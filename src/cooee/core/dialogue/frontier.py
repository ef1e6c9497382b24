"""The state to save after a run that did not meet the frontier: a three-way merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from cooee.core.app.state_codec import StateCodec
from cooee.core.dialogue.journal import Journal, JournalIndex
from cooee.core.dialogue.list_diff import match_elements
from cooee.core.dialogue.state_diff import apply_diffs_to_tree, decode_tree
from cooee.core.errors import StateError

_ABSENT: Any = object()


def merge_replayed_state(
    codec: StateCodec[Any],
    journal: Journal,
    index: JournalIndex,
    stored: bytes | None,
    replayed: bytes,
    *,
    same_code: bool,
) -> bytes:
    """Return the state to save after a run that did not meet the frontier (replay rule 8).

    The result equals `replayed` where the run computed all that is stored: the frontier's question
    was reworded or removed, and the run lost nothing by stopping elsewhere. A field that the stored
    state is ahead in, since an edit inserted a question before its change, keeps its stored value.

    Args:
        codec: the codec of the state's class, which has to accept the result.
        journal: the journal before the turn.
        index: the journal's entries and those of the turn.
        stored: the person's stored state before the turn.
        replayed: the state that the run computed.
        same_code: the run before this one, if it did not meet the frontier either, ran this code.
    """
    is_first = journal.replayed_state is None or not same_code
    base = decode_tree(journal.initial_state if is_first else journal.replayed_state)
    # The changes by other handlers are in `stored` and in `replayed`, so they belong to the base.
    since = 0 if is_first else journal.finished_count
    apply_diffs_to_tree(base, [diff for at, diff in index.diffs if at >= since])
    stored_tree, replayed_tree = decode_tree(stored), decode_tree(replayed)
    merged = _merge_dicts(base, stored_tree, replayed_tree, is_first)
    if stored is None or merged == replayed_tree:
        return replayed
    if merged == stored_tree:
        return stored
    encoded = msgspec.json.encode(merged)
    try:
        codec.decode(encoded)
    except StateError:  # the fields depend on each other, so one side is taken whole
        return stored if is_first else replayed
    return encoded


def _merge_dicts(
    base: Mapping[str, Any], stored: Mapping[str, Any], replayed: Mapping[str, Any], is_first: bool
) -> dict[str, Any]:
    merged = {
        name: _merge(
            base.get(name, _ABSENT),
            stored.get(name, _ABSENT),
            replayed.get(name, _ABSENT),
            is_first,
        )
        for name in {**replayed, **stored}
    }
    return {name: value for name, value in merged.items() if value is not _ABSENT}


def _merge(base: Any, stored: Any, replayed: Any, is_first: bool) -> Any:
    """Return one field of the merge: never behind the stored value, nor behind today's code."""
    if stored == replayed or _is_same(base, stored):
        return replayed
    if _is_same(base, replayed):
        return stored
    if isinstance(stored, dict) and isinstance(replayed, dict):
        inner = base if isinstance(base, dict) else {}
        return _merge_dicts(inner, stored, replayed, is_first)
    if isinstance(stored, list) and isinstance(replayed, list):
        return _merge_lists(base, stored, replayed, is_first)
    if all(type(each) in {int, float} for each in (base, stored, replayed)):
        return _merge_numbers(base, stored, replayed, is_first)
    # In the first such run no answer was given to today's code; later, an answer may have set it.
    return stored if is_first else replayed


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (one == other and type(one) is type(other))


def _merge_numbers(base: float, stored: float, replayed: float, is_first: bool) -> float:
    if (stored > base) == (replayed > base):  # both count the same way: the further one has it all
        return max(stored, replayed) if stored > base else min(stored, replayed)
    return stored if is_first else stored + (replayed - base)


def _merge_lists(base: Any, stored: list[Any], replayed: list[Any], is_first: bool) -> list[Any]:
    first = base if isinstance(base, list) else []
    lists = (first, stored, replayed)
    base_counts, stored_counts, replayed_counts = [Counter(map(_encode, each)) for each in lists]
    # Compared by how often each element comes, since a set is stored in any order.
    if stored_counts in (base_counts, replayed_counts) or stored_counts < replayed_counts:
        return replayed
    if is_first or replayed_counts == base_counts or replayed_counts < stored_counts:
        return stored
    stored_origins = match_elements(first, stored, None)
    replayed_origins = match_elements(first, replayed, None)
    by_origin = dict(zip(replayed_origins, replayed, strict=True))
    merged = []
    for element, origin in zip(stored, stored_origins, strict=True):
        if origin is None:
            merged.append(element)
        elif origin in by_origin:
            merged.append(_merge(first[origin], element, by_origin[origin], is_first))
        elif element != first[origin]:  # today's code removed what was changed meanwhile
            merged.append(element)
    known = {origin for origin in stored_origins if origin is not None}
    pairs = zip(replayed, replayed_origins, strict=True)
    return merged + [each for each, origin in pairs if origin not in known and each not in merged]


_encode = msgspec.json.Encoder(order="sorted").encode
