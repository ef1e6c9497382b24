"""What a text has to say for a handler to get it: keywords, patterns, regular expressions."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from cooee.core.errors import DefinitionError

LONGEST = 1_600
"""Characters that are looked at where looking may cost more than linear time.

Ten segments of a long text; no keyword comes near, and what is longer is still kept whole.
"""

_NO_FIELDS: Mapping[str, type] = MappingProxyType({})
_VARIATION = str.maketrans("", "", "\ufe0e\ufe0f")  # "👍" with and without its paint


def fold(text: str) -> str:
    """What is left of a text when case, spacing and surrounding punctuation do not count.

    Compatibility characters become plain ones (NFKC, UAX #15), case is folded, a run of white
    space is one space, and punctuation and symbols at both ends go, unless nothing else is
    there: an emoji alone stays. So "stop!", " Stop " and "“STOP”." are one keyword.
    Normalising takes quadratic time on hostile runs of accents, so texts over `LONGEST`, which
    are no keywords, go without.
    """
    text = " ".join(text.split())
    if text.isascii():
        return _bare(text).lower()
    text = _bare(text.translate(_VARIATION))
    if len(text) <= LONGEST:
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _bare(" ".join(text.casefold().split()))


def _bare(text: str) -> str:
    """The text without surrounding punctuation: as little as stays when that is all there is."""
    return _strip(text, "PSZC") or _strip(text, "PZC") or text


def _strip(text: str, categories: str) -> str:
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start])[0] in categories:
        start += 1
    while start < end and unicodedata.category(text[end - 1])[0] in categories:
        end -= 1
    return text[start:end]


class Keyword:
    """A whole text, such as "START" or "opt out"; how it is written does not matter.

    Raises:
        DefinitionError: there are no words.
    """

    fields = _NO_FIELDS

    def __init__(self, words: str) -> None:
        self.words, self.folded = words, fold(words)
        if not self.folded:
            raise DefinitionError(
                f"A keyword needs at least one word, and {words!r} has none. To answer every"
                " other text, use @app.otherwise."
            )

    def match(self, text: str) -> dict[str, Any] | None:
        """No fields where the text is this keyword, None where it is not."""
        return {} if fold(text) == self.folded else None

    def __str__(self) -> str:
        return self.words


class _Kind(NamedTuple):
    """A type of field: what it is in Python, how it is read (None: it cannot be), in words."""

    type: type
    read: Callable[[str], Any]
    words: str


_SIGNS = str.maketrans("\u2212\uff0d\uff0b", "--+")  # a minus as typographers and Japan write it
_BEFORE, _AFTER = r"[^\w\s.,+-]*", r"[^\w\s]*"  # "$5", "3!"; but ".5" is not 5
_WHOLE = re.compile(rf"{_BEFORE}([+-]?\d{{1,18}}){_AFTER}")
_DECIMAL = re.compile(rf"{_BEFORE}([+-]?(?:\d{{1,18}}(?:\.\d{{1,18}})?|\.\d{{1,18}})){_AFTER}")


def _whole(token: str) -> int | None:
    found = _WHOLE.fullmatch(token.translate(_SIGNS))
    return int(found[1]) if found else None


def _decimal(token: str) -> float | None:
    found = _DECIMAL.fullmatch(token.translate(_SIGNS))
    return float(found[1]) if found else None


def _as_typed(token: str) -> str | None:
    return token or None


_KINDS = {
    "w": _Kind(str, _as_typed, "a word"),
    "d": _Kind(int, _whole, "a whole number"),
    "f": _Kind(float, _decimal, "a number"),
    "rest": _Kind(str, _as_typed, "the rest of the text"),
}


class _Field(NamedTuple):
    name: str
    kind: str


_Token: TypeAlias = str | _Field


class Pattern:
    """Words and fields, such as "ADD {n:d}": one field or literal between spaces.

    `{name}` or `{name:w}` is a word as it was typed, `{name:d}` a whole number of up to 18
    digits, `{name:f}` a number with a decimal point, `{name:rest}` all that follows, as it
    was typed. Literals are compared by `fold`; punctuation around numbers and at the end of
    the text is forgiven. A text is cut into words once, so matching takes linear time.

    Raises:
        DefinitionError: the pattern cannot be read; the message shows where.
    """

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self._tokens = _parse(spec)
        fields = [token for token in self._tokens if isinstance(token, _Field)]
        self.fields: Mapping[str, type] = MappingProxyType(
            {field.name: _KINDS[field.kind].type for field in fields}
        )
        self._takes_rest = any(field.kind == "rest" for field in fields)

    def match(self, text: str) -> dict[str, Any] | None:
        """The fields by name, or None where the text does not fit."""
        words = self._cut(text)
        if len(words) != len(self._tokens):
            return None
        found: dict[str, Any] = {}
        for token, word in zip(self._tokens, words, strict=True):
            if isinstance(token, str):
                if fold(word) != token:
                    return None
            elif (value := _KINDS[token.kind].read(word)) is None:
                return None
            else:
                found[token.name] = value
        return found

    def _cut(self, text: str) -> list[str]:
        """As many words as there are tokens, or another number where that cannot be."""
        count = len(self._tokens)
        if self._takes_rest:
            return text.strip().split(None, count - 1)
        words = text.split(None, count)
        if len(words) > count and not _strip(words[count], "PSZC"):
            words.pop()  # "ADD 3 !"
        return words

    def __str__(self) -> str:
        return self.spec


_KNOWN = "{name} a word, " + ", ".join(
    f"{{name:{letter}}} {kind.words}" for letter, kind in _KINDS.items() if letter != "w"
)


def _parse(spec: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    names: set[str] = set()
    words = list(re.finditer(r"\S+", spec))
    for word in words:
        token = _token(spec, word)
        if isinstance(token, _Field):
            if token.name in names:
                raise _wrong(spec, word, f"{token.name} is there twice: give one another name.")
            if token.kind == "rest" and word is not words[-1]:
                raise _wrong(spec, word, "The rest of a text can only come last: use {name}.")
            names.add(token.name)
        tokens.append(token)
    if all(isinstance(token, _Field) for token in tokens):
        raise DefinitionError(
            f"The pattern {spec!r} has no word of its own, so it would take other handlers'"
            ' texts. Write a word before the field, like "ADD {n:d}", or use @app.otherwise.'
        )
    return tuple(tokens)


def _token(spec: str, word: re.Match[str]) -> _Token:
    written = word.group()
    if "{" not in written and "}" not in written:
        return fold(written)
    field = re.fullmatch(r"\{([^{}:]*)(?::([^{}]*))?\}", written)
    if field is None:
        raise _wrong(spec, word, "A field is written {name}, alone between spaces.")
    name, kind = field[1], field[2] if field[2] is not None else "w"
    if not name.isidentifier() or keyword.iskeyword(name):
        raise _wrong(spec, word, f"{name!r} cannot be a parameter's name: use one like {{n}}.")
    if kind not in _KINDS:
        raise _wrong(spec, word, f"There is no type {kind!r} of field. There are: {_KNOWN}.")
    return _Field(unicodedata.normalize("NFKC", name), kind)  # as Python reads identifiers


def _wrong(spec: str, word: re.Match[str], advice: str) -> DefinitionError:
    shown = "".join(" " if character.isspace() else character for character in spec)
    caret = " " * word.start() + "^" * len(word.group())
    return DefinitionError(f"This pattern cannot be read:\n    {shown}\n    {caret}\n{advice}")


class Regex:
    """A compiled regular expression, matched from a text's beginning; its groups are named.

    It sees at most `LONGEST` characters, since an expression may take any time it likes. A
    group that took no part is None.

    Raises:
        DefinitionError: it matches bytes, or has a group without a name.
    """

    def __init__(self, expression: re.Pattern[str]) -> None:
        if not isinstance(expression.pattern, str):
            raise DefinitionError(
                f"{expression.pattern!r} matches bytes, and texts are str: leave out the b."
            )
        if expression.groups > len(expression.groupindex):
            raise DefinitionError(
                f"{expression.pattern!r} has a group without a name. Write (?P<name>…) to hand"
                " it to the handler, or (?:…) where it only groups."
            )
        self.expression = expression
        self.fields: Mapping[str, type] = MappingProxyType(
            dict.fromkeys(expression.groupindex, str)
        )

    def match(self, text: str) -> dict[str, Any] | None:
        """The named groups, or None where the text does not begin like this."""
        found = self.expression.match(text[:LONGEST])
        return found.groupdict() if found else None

    def __str__(self) -> str:
        return self.expression.pattern


Matcher: TypeAlias = Keyword | Pattern | Regex


def matcher(spec: str | re.Pattern[str]) -> Matcher:
    """What a handler was registered with, ready to match: braces make a pattern.

    Raises:
        DefinitionError: it cannot be read.
    """
    if isinstance(spec, re.Pattern):
        return Regex(spec)
    return Pattern(spec) if "{" in spec or "}" in spec else Keyword(spec)
