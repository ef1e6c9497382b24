"""What nobody may read in a log, an error or a list: the secrets of this process."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, quote_plus

from cooee.core.errors import ProviderFailure

COVER = "[secret]"
_TOKENS = 4  # that passed lately, and may still be echoed
_SHORTEST = 6  # a shorter one would be found in every other word, and is none


class Discretion:
    """Covers secrets wherever they stand in words that are about to be shown.

    A company may echo what it was sent, in its error's words say: as it was, in a URL's or
    JSON's writing, in other capitals, or cut off at the end.

    Args:
        secrets: those known so far; of fewer than 6 characters none is covered.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lasting = set(secrets)
        self._passing: deque[str] = deque(maxlen=_TOKENS)
        self._forms: Sequence[str] | None = None
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: str, *, passing: bool = False) -> None:
        """Cover one more from now on; a passing one, a token say, until some more have passed."""
        if secret not in self._lasting and secret not in self._passing:
            (self._passing.append if passing else self._lasting.add)(secret)
            self._forms = None

    def __call__(self, words: str) -> str:
        """The words, with every secret in them covered."""
        if self._forms is None:
            known = filter(
                lambda secret: len(secret) >= _SHORTEST, (*self._lasting, *self._passing)
            )
            forms = {form for secret in known for form in _forms(secret)}
            self._forms = sorted(forms, key=len, reverse=True)
            anyone = "|".join(map(re.escape, self._forms))
            self._pattern = re.compile(anyone, re.IGNORECASE) if forms else None
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
        for form in self._forms or ():
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
