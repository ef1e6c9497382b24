"""Rounds: a batch split so that no statement changes a row twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")


def split_into_rounds(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Return the items in lists without two items of one key; each key's items keep their order.

    One statement changes a row once, so what happens to a row twice takes two statements.
    """
    rounds: list[list[T]] = []
    counts: dict[Hashable, int] = {}
    for item in items:
        place = counts[key(item)] = counts.get(key(item), -1) + 1
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(item)
    return rounds
