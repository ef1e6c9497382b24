"""Redaction of this process's secrets in logs, errors and lists."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from urllib.parse import quote, quote_plus

from cooee.core.errors import ProviderFailure

MASK = "[secret]"
_MAX_TEMPORARY_SECRETS = 4  # that passed lately, and may still be echoed
_MIN_SECRET_CHARS = 6  # a shorter one would be found in every other word, and is none
_MAX_WORD_CHARS = 19  # a longer value is a passphrase, which no sentence of ours contains


class Redactor:
    """Masks secrets in a string that is about to be shown.

    A provider may echo the values that it was sent: as they were, in a URL's or JSON's spelling,
    in other capitals, or cut off at the end.

    A value that reads like words ("secret", "telstra-test") is masked only as the password of a
    URL: our own sentences and the providers' have these words too.

    Args:
        secrets: the secrets known so far; a value of fewer than 6 characters is never masked.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._permanent = set(secrets)
        self._temporary: deque[str] = deque(maxlen=_MAX_TEMPORARY_SECRETS)
        self._lock = Lock()  # the app's thread logs as well
        self._masks: tuple[Sequence[str], re.Pattern[str] | None] | None = None

    def add_secret(self, secret: str, *, temporary: bool = False) -> None:
        """Mask one more secret; a temporary one, such as a token, until newer ones replace it."""
        with self._lock:
            if secret not in self._permanent and secret not in self._temporary:
                (self._temporary.append if temporary else self._permanent.add)(secret)
                self._masks = None

    def __call__(self, text: str) -> str:
        """Return the string with every secret masked."""
        forms, pattern = self._masks or self._make_masks()
        if pattern is None:
            return text
        return _mask_cut_off_secret(forms, pattern.sub(MASK, text))

    def redact_error(self, failure: ProviderFailure) -> None:
        """Mask the secrets of a failure, in place."""
        texts = (failure.message, failure.code, failure.hint)
        failure.message, failure.code, failure.hint = map(self, texts)
        failure.args = (failure.message, failure.code, failure.status, failure.hint)

    def _make_masks(self) -> tuple[Sequence[str], re.Pattern[str] | None]:
        with self._lock:
            known = (*self._permanent, *self._temporary)
            secrets = [secret for secret in known if len(secret) >= _MIN_SECRET_CHARS]
            found = {form for secret in secrets for form in _encoded_forms(secret)}
            forms = sorted(found, key=len, reverse=True)
            alternatives = "|".join(map(_masked_pattern, forms))
            self._masks = forms, re.compile(alternatives, re.IGNORECASE) if forms else None
            return self._masks

    def __repr__(self) -> str:
        return "<Redactor>"


def _mask_cut_off_secret(forms: Sequence[str], text: str) -> str:
    """Mask a secret whose end was cut off at the end of the string."""
    for form in forms:
        for length in range(min(len(form), len(text)), _MIN_SECRET_CHARS - 1, -1):
            rest = form[:length]
            if text[-length:].lower() == rest.lower() and not reads_like_words(rest):
                return text[:-length] + MASK
    return text


def reads_like_words(value: str) -> bool:
    """Return whether a value could stand in a sentence or a name, such as "telstra-v3".

    Its parts, with a hyphen, a dot or a space between, are letters in the capitals of a word, and
    up to four figures behind them.
    """
    return len(value) <= _MAX_WORD_CHARS and all(map(_is_word, re.split(r"[-_. ]", value)))


def _is_word(part: str) -> bool:
    letters = part.rstrip("0123456789")
    is_cased = letters.islower() or letters.isupper() or letters.istitle()
    return len(part) - len(letters) <= 4 and (not letters or (letters.isalpha() and is_cased))


def _masked_pattern(form: str) -> str:
    """Return the expression of a secret, or of a word as the password of a URL."""
    pattern = re.escape(form)
    return f"(?<=:){pattern}(?=@)" if reads_like_words(form) else pattern


def _encoded_forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
