"""The keys of the parts that a long text is split into."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.dialogue.journal import derive_id


def part_keys(key: str | None, count: int) -> Sequence[str | None]:
    """Return the keys of the parts of one text; the last part has the text's own.

    So the text counts as sent once all of it is.
    """
    return [*first_part_keys(key, count - 1), key] if key is not None else [None] * count


def first_part_keys(key: str, count: int) -> Sequence[str]:
    """Return the keys of the first parts of a text."""
    return [derive_id(key, "part", n) for n in range(1, count + 1)]
