"""Courtesies around an answer ("2, please", "Stop. Thank you"), and the signature below a text."""

from __future__ import annotations

import re

_COURTESY = (
    r"(?:please|pls|plz|plse|thank(?: you|s)(?: (?:so|very) much| a lot)?|many thanks|thank u|thx"
    r"|tks|tnx|thnx|ty|tysm|ta|cheers|kind regards|regards|mate|sir|madam|x{1,3})"
)
_BEFORE = re.compile(rf"{_COURTESY}[\s.,;:!]+", re.IGNORECASE)
_AFTER = re.compile(rf"[\s.,;:!]+{_COURTESY}$", re.IGNORECASE)

# The lines that phones and mail programs put below a text by themselves.
_DEVICE = r"[\w .'+-]{2,40}"
_SIGNATURE = re.compile(
    r"[\s.!,]*(?:\n|\s|^)(?:--? ?)?"
    rf"(?:sent (?:from|via|by|using) (?:my |the )?{_DEVICE}|get outlook for \w+"
    rf"|envoyé (?:de|depuis) mon {_DEVICE}|enviado (?:desde mi|do meu) {_DEVICE}"
    rf"|von mein\w* {_DEVICE} gesendet|gesendet von mein\w* {_DEVICE}"
    rf"|inviato da\w* {_DEVICE})[.!]?$",
    re.IGNORECASE,
)
_SIGNING_WORDS = ("sent ", "outlook", "envoyé", "enviado", "gesendet", "inviato")
_SIGNED = re.compile("|".join(_SIGNING_WORDS), re.IGNORECASE)


def without_signature(text: str) -> str:
    """Return a text without "Sent from my iPhone" at its end; a text of only this is empty."""
    return _SIGNATURE.sub("", text) if _may_be_signed(text) else text


def _may_be_signed(text: str) -> bool:
    if not text.isascii():
        return _SIGNED.search(text) is not None
    lower = text.lower()
    return any(words in lower for words in _SIGNING_WORDS)


def without_courtesies(text: str) -> str:
    """Return a text without "please" and "thank you" around it, unless nothing is left."""
    while (found := _BEFORE.match(text)) is not None:
        text = text[found.end() :]
    while (shorter := _cut_last(text)) != text:
        text = shorter
    return text


def _cut_last(text: str) -> str:
    start = max(0, len(text) - 40)  # a courtesy is short, so no long text is searched
    found = _AFTER.search(text, start)
    return text[: found.start()] if found and found.start() else text
