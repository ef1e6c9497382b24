"""Cuts a text into atoms: the names, numbers and words that a day or a time is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod

import msgspec

from cooee.core.folding import plain_text, unaccented
from cooee.core.parsing.dates.languages import LANGUAGES

MAX_CHARS = 80
"""Longer texts name no single day."""
_MAX_ATOMS = 14
_MAX_SEQUENCES = 256
_MAX_WORDS = 4  # of a phrase


class Atom(msgspec.Struct, frozen=True):
    """The smallest part of a text with a meaning. `code` is its kind, `value` its content.

    | kinds | what they are |
    |---|---|
    | W w M | a weekday, its short form, a month |
    | N n a | a number in figures, in words, "a" |
    | O o y | an ordinal in figures ("25th"), with a dot ("25."), in words |
    | D C Z | a date in figures, a time in figures, an offset from UTC |
    | R U X | days from today, a unit, "this", "next" or "last" |
    | P p A K | part of the day, such a part behind a day only, am or pm, noon or midnight |
    | i F B G j | "in", "after", "before", "ago", "now" |
    | H q > < c | "half", "quarter", "past", "to", "o'clock" |
    | @ ~ & f d | "at", "about", "and", "for" or "of", the article of a day |
    | s _ ! | a separator, a word without weight, a phrase that is no day ("the last Friday") |
    """

    code: str
    value: str = ""


def atom_sequences(text: str, language: str) -> Iterator[list[Atom]]:
    """Yield every way to cut a text into atoms of a language; none, where a word is unknown."""
    cuts = _cut(fold(text), language)
    if cuts is None or len(cuts) > _MAX_ATOMS or prod(map(len, cuts)) > _MAX_SEQUENCES:
        return
    for chosen in product(*cuts):
        yield [atom for atoms in chosen for atom in atoms]


def fold(text: str) -> str:
    """Return a text in small letters without accents, apostrophes and invisible characters."""
    plain = unaccented(plain_text(text).casefold()).replace("'", "")
    for pattern, replacement in _RESPELLINGS:
        plain = pattern.sub(replacement, plain)
    return plain.strip()


_RESPELLINGS = [
    (re.compile(r"\b2(?=mo?r+ow\b|mrw\b|moro\b|mro\b|day\b|nite\b|night\b)"), "to"),
    (re.compile(r"\btomrw\b"), "tomorrow"),
    (re.compile(r"(?<=[0-9])(?P<space> ?)(?P<half>[ap])\.? ?m\b\.?"), r"\g<space>\g<half>m"),
    # "25-Nov-26" and "25/Nov": a stroke between a figure and a letter is a space, and so is a
    # hyphen between letters ("twenty-fifth"). Between figures both mean a range or a date.
    (
        re.compile(
            r"(?<=[0-9])[-/](?=[a-z])|(?<=[a-z])(?<!utc)(?<!gmt)[-/](?=[0-9])|(?<=[a-z])-(?=[a-z])"
        ),
        " ",
    ),
    (re.compile(r",\s*(?=(?:19|20)[0-9]{2}\b)"), " "),
]


# Words of a language


@lru_cache(maxsize=16)
def _lexicon(language: str) -> dict[str, list[tuple[Atom, ...]]]:
    """Return the meanings of each folded phrase of a language."""
    known = LANGUAGES[language]
    found: dict[str, list[tuple[Atom, ...]]] = {}

    def add(phrase: str, *atoms: Atom) -> None:
        meanings = found.setdefault(fold(phrase), [])
        if atoms not in meanings:
            meanings.append(atoms)

    for code, names in ("M", known.months), ("W", known.weekdays), ("w", known.short_weekdays):
        for number, spellings in enumerate(names.split("/") if names else []):
            for spelling in spellings.split():
                add(spelling, Atom(code, str(number + 1 if code == "M" else number)))
    for line in known.words.strip().splitlines():
        codes, _, phrases = line.partition(": ")
        atoms = tuple(Atom(code[0], code[1:]) for code in codes.split())
        for phrase in phrases.split(", "):
            add(phrase, *atoms)
    for sign in ("\U0001f44d", "\U0001f64f", "\U0001f642", "\U0001f60a"):  # thumb, hands, smiles
        add(sign, Atom("_"))
    for zone in ("utc", "gmt"):
        add(zone, Atom("Z", "+0"))
    return found


# Figures

_SPACE = re.compile(r"[\s.]+")
_SEPARATOR = re.compile(r"[,;!?()*\"]+|[-:](?=\s|$)")
_WORD = re.compile(r"[^\W\d_]+|[@\U0001f44d\U0001f64f\U0001f642\U0001f60a]")
_ZONE = re.compile(r"(?:utc|gmt) ?([+-]\d{1,2}(?::?\d\d)?)(?![\d:])")
_ISO_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[t ]\s*(\d\d:\d\d(?::\d\d)?)(?:[.]\d+)?"
    r"(?: ?(z|[+-]\d\d(?::?\d\d)?))?(?![\w:])"
)
_DATE = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}(?![\d/-])|\d{1,2}([-/.])\d{1,2}\2\d{1,4}(?![\d/-])"
    r"|\d{1,2}[-/.]\d{1,2}(?![\d/:-]|[.]\d)"
)
_CLOCK = re.compile(r"(\d{1,2})[:.](\d\d)(?::(\d\d))?(?![\d:/-]|[.]\d)")
_CLOCK_WITH_H = re.compile(r"(\d{1,2}) ?h ?(\d\d)(?!\d)")
_NUMBER = re.compile(r"\d+(?![\d])")
_HALVES = re.compile(r"\d+[.,]5(?!\d)")


def _cut(text: str, language: str) -> list[list[tuple[Atom, ...]]] | None:
    """Return, for each place of the text, the meanings of the phrase that stands there."""
    cuts: list[list[tuple[Atom, ...]]] = []
    position = 0
    while position < len(text):
        found = _meanings_at(text, position, language)
        if found is None:
            return None
        meanings, position = found
        if meanings:
            cuts.append(meanings)
    return cuts


def _meanings_at(
    text: str, position: int, language: str
) -> tuple[list[tuple[Atom, ...]], int] | None:
    """Return the meanings of what stands at a position, and where it ends; None if unknown."""
    if space := _SPACE.match(text, position):
        return [], space.end()
    if separator := _SEPARATOR.match(text, position):
        return [(Atom("s"),)], separator.end()
    if text[position].isdigit():
        return _figures_at(text, position, language)
    if zone := _ZONE.match(text, position):
        return [(Atom("Z", zone[1]),)], zone.end()
    return _phrase_at(text, position, language)


def _phrase_at(
    text: str, position: int, language: str
) -> tuple[list[tuple[Atom, ...]], int] | None:
    """Return the meanings of the longest phrase at a position: "mañana por la mañana" is one."""
    lexicon, ends, place = _lexicon(language), [], position
    for _ in range(_MAX_WORDS):
        word = _WORD.match(text, place)
        if word is None:
            break
        ends.append(word.end())
        space = _SPACE.match(text, word.end())
        place = space.end() if space else len(text)
    for end in reversed(ends):
        phrase = " ".join(_WORD.findall(text[position:end]))
        if phrase in lexicon:
            return lexicon[phrase], end
    return None


def _figures_at(
    text: str, position: int, language: str
) -> tuple[list[tuple[Atom, ...]], int] | None:
    if moment := _ISO_MOMENT.match(text, position):
        zone = {None: [], "z": [Atom("Z", "+0")]}.get(moment[3], [Atom("Z", moment[3] or "")])
        # "T" and "iso" say that the hours are those of a day of 24.
        return [(Atom("D", moment[1]), Atom("C", f"iso {moment[2]}"), *zone)], moment.end()
    meanings: list[tuple[Atom, ...]] = []
    ends: set[int] = set()
    for code, pattern in (("D", _DATE), ("C", _CLOCK)):
        if found := pattern.match(text, position):
            dot = "." if code == "C" and text.startswith(".", found.end()) else ""
            meanings.append((Atom(code, found[0] + dot),))
            ends.add(found.end())
    if found := _CLOCK_WITH_H.match(text, position):
        meanings.append((Atom("C", f"{found[1]}:{found[2]}"),))
        ends.add(found.end())
    if len(ends) == 1:
        if halves := _HALVES.fullmatch(text, position, *ends):
            meanings.append((Atom("N", halves[0].replace(",", ".")),))
        return meanings, ends.pop()
    if ends:
        return None
    return _number_at(text, position, language)


def _number_at(
    text: str, position: int, language: str
) -> tuple[list[tuple[Atom, ...]], int] | None:
    number = _NUMBER.match(text, position)
    endings = LANGUAGES[language].ordinal_endings
    if number is None:
        return None
    if endings and len(number[0]) <= 2:
        ordinal = re.compile(rf"(?:{endings})(?![^\W\d_])").match(text, number.end())
        if ordinal:
            is_doubtful = ordinal[0] == "."
            return [(Atom("o" if is_doubtful else "O", number[0]),)], ordinal.end()
    return [(Atom("N", number[0]),)], number.end()
