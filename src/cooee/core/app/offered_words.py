"""Words that a question offers as answers, and that opt out or ask for help everywhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from cooee.core.app.opt_out import ALWAYS_MEANT, HELP_WORDS, OPT_OUT_WORDS
from cooee.core.app.question import Question
from cooee.core.folding import MAX_MATCH_CHARS, fold_text, unaccented
from cooee.core.parsing.answers import offered_labels, unwrap_type
from cooee.core.parsing.yes_no import yes_or_no


def plain_word(word: str) -> str:
    """Return a word as words are compared here: folded, and without accents."""
    return unaccented(fold_text(word[:MAX_MATCH_CHARS]))


RESERVED_WORDS = frozenset(map(plain_word, (*OPT_OUT_WORDS, *HELP_WORDS)))
"""Words that opt out or ask for help where no question offers them."""


def offered_words(question: Question, reserved: frozenset[str] = RESERVED_WORDS) -> tuple[str, ...]:
    """Return the reserved words that a question offers as answers, as plain words."""
    if question.kind == "receive" or (question.options is None and question.type is str):
        return ()
    if question.options is not None:
        return words_of_labels(question.options, reserved)
    if unwrap_type(question.type) is bool:
        return words_of_yes_and_no(reserved)
    return words_of_labels(offered_labels(question.type), reserved)


def words_of_labels(labels: Iterable[str], reserved: Collection[str]) -> tuple[str, ...]:
    """Return the reserved words that the labels of a menu offer.

    A label offers itself ("Stop") and, where its word may well mean something else than an
    opt-out, also by that word ("cancel" of "Cancel my booking"). So STOP is never "Bus stop".
    """
    found: set[str] = set()
    for label in map(plain_word, labels):
        parts = (part for part in label.split() if part not in ALWAYS_MEANT)
        found.update(word for word in (label, *parts) if word in reserved)
    return tuple(sorted(found))


@lru_cache(maxsize=8)
def words_of_yes_and_no(reserved: frozenset[str]) -> tuple[str, ...]:
    """Return the reserved words that say yes or no, such as "cancel"."""
    return tuple(sorted(word for word in reserved if yes_or_no(word) is not None))
