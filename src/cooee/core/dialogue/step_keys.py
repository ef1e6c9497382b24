"""The keys of the steps that one run meets: questions, sleeps and onces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cooee.core.dialogue.call_sites import CallChain, is_same_call_site
from cooee.core.dialogue.waiting import RecordKey


class StepKeys:
    """The steps of one run so far, counted; gives the next step its key (replay rule 3).

    `parts` are the names of the `chat.part` blocks around the running line, outermost first;
    `onces_met` the keys of the onces so far, as they were recorded; `reworded` the keys of the
    questions so far that are known under former words.
    """

    __slots__ = ("_call_chains", "_occurrences", "onces_met", "parts", "reworded")

    def __init__(self) -> None:
        self.parts: tuple[str, ...] = ()
        self.onces_met: set[RecordKey] = set()
        self.reworded: set[RecordKey] = set()
        self._occurrences: dict[RecordKey, int] = {}
        self._call_chains: dict[RecordKey, CallChain] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Put a name in front of the keys of all steps inside."""
        outer_parts, self.parts = self.parts, (*self.parts, name)
        try:
            yield
        finally:
            self.parts = outer_parts

    def occurrence_key(self, kind: str, words: str) -> RecordKey:
        """Return the key of this step: its kind, parts, words, and n for the n-th of them."""
        first: RecordKey = (kind, self.parts, words, 0)
        n = self._occurrences[first] = self._occurrences.get(first, -1) + 1
        return (kind, self.parts, words, n)

    def is_met(self, key: RecordKey) -> bool:
        """Return whether this run has asked a question in these words, as often as its key says."""
        first: RecordKey = (*key[:3], 0)
        return first in self._call_chains and key[3] <= self._occurrences.get(first, 0)

    def question_key(self, words: str, calls: CallChain) -> tuple[RecordKey, bool]:
        """Return the key of a question, and whether other callers have asked the same (rule 3)."""
        # replay rule 3: n counts the passes of one call site. Two call sites with one key would
        # swap their answers when an edit swaps the calls.
        key: RecordKey = ("ask", self.parts, words, 0)
        first = self._call_chains.setdefault(key, calls)
        if first is calls:
            return key, False
        n = self._occurrences[key] = self._occurrences.get(key, 0) + 1
        return ("ask", self.parts, words, n), first != calls and not is_same_call_site(first, calls)
