"""The keys of a dialogue's texts in the outbox, which takes each key once."""

from __future__ import annotations

from collections.abc import Sequence

from cooee.core.dialogue.journal import Journal, derive_id


def outbox_key(journal: Journal, *identity: object) -> str:
    """Return a text's key in the outbox: unique to the dialogue and to each undone answer."""
    # replay rule 12: after BACK the same text is said again, and has to go out again.
    return derive_id(journal.id, journal.undo_count, *identity)


def said_keys(journal: Journal) -> Sequence[str]:
    """Return the keys of all that a dialogue said since its last undone answer."""
    return [
        outbox_key(journal, "say", sent_id)
        for entry in journal.entries
        for sent_id in entry.sent_ids
    ]


def part_keys(key: str | None, count: int) -> Sequence[str | None]:
    """Return the keys of the parts of one text; the last part has the text's own.

    So the text counts as sent once all of it is.
    """
    return [None] * count if key is None else [*first_part_keys(key, count - 1), key]


def first_part_keys(key: str, count: int) -> Sequence[str]:
    """Return the keys of the first parts of a text."""
    return [derive_id(key, "part", n) for n in range(1, count + 1)]
