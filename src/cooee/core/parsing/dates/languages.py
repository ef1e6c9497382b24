"""The languages that texts about days and times are written in, and the countries that use them."""

from __future__ import annotations

from collections.abc import Collection

from cooee.core.parsing.dates.english import ENGLISH
from cooee.core.parsing.dates.germanic import DANISH, DUTCH, GERMAN, NORWEGIAN, SWEDISH
from cooee.core.parsing.dates.romance import FRENCH, ITALIAN, PORTUGUESE, SPANISH
from cooee.core.parsing.dates.slavic import POLISH

LANGUAGES = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
    "nl": DUTCH,
    "da": DANISH,
    "nb": NORWEGIAN,
    "sv": SWEDISH,
    "pl": POLISH,
}

_SPOKEN_IN = {
    "de": "DE AT CH LI LU BE IT",
    "fr": "FR MC BE CH LU CA RE GP MQ GF YT PM MF BL NC PF WF SN CI ML BF NE TG BJ CM GA CG CD MG",
    "es": "ES US MX AR BO CL CO CR CU DO EC GQ GT HN NI PA PE PR PY SV UY VE",
    "it": "IT SM VA CH",
    "pt": "PT BR AO MZ CV GW ST TL",
    "nl": "NL BE SR AW CW SX BQ",
    "da": "DK FO GL",
    "nb": "NO SJ",
    "sv": "SE FI AX",
    "pl": "PL",
}


def languages_of(countries: Collection[str]) -> list[str]:
    """Return the codes of the languages that people of these countries text in, and of English."""
    spoken = (code for code, where in _SPOKEN_IN.items() if set(where.split()) & set(countries))
    return ["en", *spoken]


def false_friends(countries: Collection[str]) -> frozenset[str]:
    """Return the English words that are short weekdays there: "mar" is Tuesday in France."""
    if set(countries) & _ENGLISH_FIRST:
        return frozenset()
    local = languages_of(countries)[1:]
    return frozenset(word for code in local for word in LANGUAGES[code].short_weekdays.split("/"))


_ENGLISH_FIRST = {"US", "CA"}
