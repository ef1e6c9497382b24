"""What nobody may read in a log, an error or a list: the secrets of this process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from cooee.core.errors import ProviderFailure

COVER = "[secret]"
_SHORTEST = 6  # a shorter one would be found in every other word, and is none


class Discretion:
    """Covers secrets wherever they stand in words that are about to be shown.

    A company may echo what it was sent, in its error's words say: as it was, in a URL's or
    JSON's writing, in other capitals, or cut off at the end.

    Args:
        secrets: those known so far; of fewer than 6 characters none is covered.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Cover one more from now on."""
        if len(secret) < _SHORTEST or secret in self._forms:
            return
        self._forms.update(_forms(secret))
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def __call__(self, words: str) -> str:
        """The words, with every secret in them covered."""
        if self._pattern is None:
            return words
        return self._without_stump(self._pattern.sub(COVER, words))

    def tame(self, failure: ProviderFailure) -> None:
        """Cover what a failure says, in place."""
        told = (failure.message, failure.code, failure.hint)
        failure.message, failure.code, failure.hint = map(self, told)
        failure.args = (failure.message, failure.code, failure.status, failure.hint)

    def _without_stump(self, words: str) -> str:
        """Without the beginning of a secret that was cut off at the end of the words."""
        for form in self._forms:
            for length in range(min(len(form), len(words)), _SHORTEST - 1, -1):
                if words[-length:].lower() == form[:length].lower():
                    return words[:-length] + COVER
        return words

    def __repr__(self) -> str:
        return "<Discretion>"


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
