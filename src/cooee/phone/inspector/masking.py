"""HTTP messages as they may be shown: what would open a door is covered."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

COVER = "••••••"
_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "x-simulated-signature"})
_KEY = "client_secret|access_token|refresh_token|secret|password"
_JSON = re.compile(rf'("(?:{_KEY})"\s*:\s*")(?:[^"\\]|\\.)*(")', re.IGNORECASE)
_FORM = re.compile(rf"(?<![\w-])((?:{_KEY})=)[^&\s]*", re.IGNORECASE)
_SCHEME = re.compile(r"^(Bearer|Basic) .*", re.IGNORECASE | re.DOTALL)
_LONGEST = 4_000  # characters of a body that are shown


def mask_headers(headers: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """Headers with what they carry of credentials covered; their names are lower case."""
    return {
        name: _SCHEME.sub(rf"\1 {COVER}", value)
        if name == "authorization" and _SCHEME.match(value)
        else COVER
        if name in _HEADERS
        else _cover(value, secrets)
        for name, value in headers.items()
    }


def mask_words(words: str, secrets: Collection[str]) -> str:
    """A URL or a body with its secrets covered.

    Args:
        words: JSON, a form, a URL, or anything else.
        secrets: words that are covered wherever they stand.
    """
    covered = _FORM.sub(rf"\1{COVER}", _JSON.sub(rf"\1{COVER}\2", _cover(words, secrets)))
    return covered if len(covered) <= _LONGEST else f"{covered[:_LONGEST]} …"


def _cover(words: str, secrets: Collection[str]) -> str:
    for secret in secrets:
        words = words.replace(secret, COVER)
    return words
