"""Rewordings: the key under which a question is known, in its own or its former words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.app.question import Question
from cooee.core.dialogue.argument_checks import is_key
from cooee.core.dialogue.journal import JournalEntry
from cooee.core.dialogue.run import Run
from cooee.core.dialogue.waiting import RecordKey


def former_words(question: Question) -> Sequence[Any]:
    """Return the former prompts or keys that `was` gives."""
    was: Any = question.was
    return tuple(was) if isinstance(was, tuple | list) else (was,) * (was is not None)


def check_former_words(question: Question) -> str:
    """Return the mistake in a `was=` and its remedy, or ""."""
    for words in former_words(question):
        if words is None or not is_key(words):
            return (
                f"was={words!r:.80} is no text. Write the words of before, like was='Name?', or"
                " several, the latest first."
            )
    return ""


def known_key(run: Run, question: Question, key: RecordKey) -> RecordKey:
    """Return the key under which a question is known: its own, else one of its former words.

    The journal keeps each rewording that a run has met. So a `was` that names only the words of
    the deploy before, or none, is enough for the people who have had a turn since that deploy.
    """
    # replay rule 3: a rewording keeps its answer
    taken = run.keys.reworded
    if key in taken:  # the answer to these words is that of a question that has others now
        return (*key[:3], -1 - key[3])
    if _is_known(run, key):
        return key
    renames = run.index.renames
    for words in (key[2], *former_words(question)):
        known: RecordKey = (*key[:2], words, key[3])
        if known in renames:
            known = (*key[:2], renames[known], key[3])
        # An answer that another question of this run has, or takes, is not this one's.
        is_free = known not in taken and not run.keys.is_met(known)
        if known != key and is_free and _is_known(run, known):
            if renames.get(key) != known[2]:
                at, turn = run.now, run.turn_number
                run.add_entry(JournalEntry("reworded", key, at, turn, value=known[2]))
            taken.add(known)
            return known
    return key


def _is_known(run: Run, key: RecordKey) -> bool:
    return key in run.records or key in run.index.held_texts or key == run.waiting_key
