"""Masks credentials in HTTP messages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

MASK = "••••••"
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "x-simulated-signature"})
_MASKED_FIELDS = "client_secret|access_token|refresh_token|secret|password"
_JSON_SECRET = re.compile(rf'("(?:{_MASKED_FIELDS})"\s*:\s*")(?:[^"\\]|\\.)*(")', re.IGNORECASE)
_FORM_SECRET = re.compile(rf"(?<![\w-])((?:{_MASKED_FIELDS})=)[^&\s]*", re.IGNORECASE)
_AUTH_SCHEME = re.compile(r"^(Bearer|Basic) .*", re.IGNORECASE | re.DOTALL)
_MAX_BODY_CHARS = 4_000  # characters of a body that are shown


def mask_headers(headers: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """Return headers with their credentials masked; names are lower case."""
    return {
        name: _AUTH_SCHEME.sub(rf"\1 {MASK}", value)
        if name == "authorization" and _AUTH_SCHEME.match(value)
        else MASK
        if name in _SECRET_HEADERS
        else _mask_secrets(value, secrets)
        for name, value in headers.items()
    }


def mask_text(text: str, secrets: Collection[str]) -> str:
    """Return a URL or a body with its secrets masked.

    Args:
        text: JSON, a form, a URL, or any other text.
        secrets: texts to mask wherever they occur.
    """
    masked = _FORM_SECRET.sub(
        rf"\1{MASK}", _JSON_SECRET.sub(rf"\1{MASK}\2", _mask_secrets(text, secrets))
    )
    return masked if len(masked) <= _MAX_BODY_CHARS else f"{masked[:_MAX_BODY_CHARS]} …"


def _mask_secrets(text: str, secrets: Collection[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text
