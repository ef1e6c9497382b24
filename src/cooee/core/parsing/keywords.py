"""Keyword, Pattern and Regex: the texts of a handler."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from cooee.core.errors import DefinitionError
from cooee.core.folding import MAX_MATCH_CHARS, fold_text, strip_categories, visible_text
from cooee.core.parsing.numbers import DECIMAL_NUMBER, WHOLE_NUMBER, undecorated_number

_NO_FIELDS: Mapping[str, type] = MappingProxyType({})


class Keyword:
    """A whole text, like "START" or "opt out"; case and punctuation do not count.

    Raises:
        DefinitionError: there are no words.
    """

    fields = _NO_FIELDS

    def __init__(self, text: str) -> None:
        self.text, self.folded = text, fold_text(text)
        if not self.folded:
            raise DefinitionError(
                f"A keyword needs at least one word, and {text!r} has none. To answer every"
                " other text, use @app.otherwise."
            )

    def match(self, text: str) -> dict[str, Any] | None:
        """Return {} where the text is this keyword, else None."""
        return {} if fold_text(text) == self.folded else None

    def __str__(self) -> str:
        return self.text


class _FieldType(NamedTuple):
    """A field's type: its Python type, its parser (None: no match) and its description."""

    type: type
    parse: Callable[[str], Any]
    description: str


def _parse_whole_number(token: str) -> int | None:
    number = undecorated_number(token)
    return int(number) if WHOLE_NUMBER.fullmatch(number) else None


def _parse_decimal_number(token: str) -> float | None:
    number = undecorated_number(token)
    return float(number) if DECIMAL_NUMBER.fullmatch(number) else None


def _as_typed(token: str) -> str | None:
    return token or None


_FIELD_TYPES = {
    "w": _FieldType(str, _as_typed, "a word"),
    "d": _FieldType(int, _parse_whole_number, "a whole number"),
    "f": _FieldType(float, _parse_decimal_number, "a number"),
    "rest": _FieldType(str, _as_typed, "the rest of the text"),
}


class _Field(NamedTuple):
    name: str
    type_code: str


_Token: TypeAlias = str | _Field


class Pattern:
    """Words and fields, like "ADD {n:d}", with spaces between.

    `{name}` or `{name:w}` is a word as it was typed, `{name:d}` a whole number of up to 18
    digits, `{name:f}` a number with a decimal point, `{name:rest}` all that follows, as it
    was typed. Literals are compared by `fold_text`; punctuation around numbers and at the end of
    the text is forgiven. A text is cut into words once, so matching takes linear time.

    Raises:
        DefinitionError: the pattern cannot be read; the message shows where.
    """

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self._tokens = _parse_pattern(spec)
        fields = [token for token in self._tokens if isinstance(token, _Field)]
        self.fields: Mapping[str, type] = MappingProxyType(
            {field.name: _FIELD_TYPES[field.type_code].type for field in fields}
        )
        self._has_rest_field = any(field.type_code == "rest" for field in fields)

    def match(self, text: str) -> dict[str, Any] | None:
        """Return the fields by name, or None where the text does not match."""
        words = self._split_words(text)
        if len(words) != len(self._tokens):
            return None
        found: dict[str, Any] = {}
        for token, word in zip(self._tokens, words, strict=True):
            if isinstance(token, str):
                if fold_text(word) != token:
                    return None
            elif (value := _FIELD_TYPES[token.type_code].parse(word)) is None:
                return None
            else:
                found[token.name] = value
        return found

    def _split_words(self, text: str) -> list[str]:
        """Split a text into as many words as the pattern has tokens, or another number."""
        count, text = len(self._tokens), visible_text(text)
        if self._has_rest_field:
            return text.split(None, count - 1)
        words = text.split(None, count)
        if len(words) > count and not strip_categories(words[count], ("P", "S", "Z", "C")):
            words.pop()  # "ADD 3 !"
        return words

    def __str__(self) -> str:
        return self.spec


_FIELD_TYPES_HELP = "{name} a word, " + ", ".join(
    f"{{name:{letter}}} {kind.description}"
    for letter, kind in _FIELD_TYPES.items()
    if letter != "w"
)


def _parse_pattern(spec: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    names: set[str] = set()
    words = list(re.finditer(r"\S+", spec))
    for word in words:
        token = _parse_token(spec, word)
        if isinstance(token, _Field):
            if token.name in names:
                raise _pattern_error(
                    spec, word, f"{token.name} is there twice: give one another name."
                )
            if token.type_code == "rest" and word is not words[-1]:
                raise _pattern_error(
                    spec, word, "The rest of a text can only come last: use {name}."
                )
            names.add(token.name)
        tokens.append(token)
    if all(isinstance(token, _Field) for token in tokens):
        raise DefinitionError(
            f"The pattern {spec!r} has no word of its own, so it would take other handlers'"
            ' texts. Write a word before the field, like "ADD {n:d}", or use @app.otherwise.'
        )
    return tuple(tokens)


def _parse_token(spec: str, word: re.Match[str]) -> _Token:
    raw = word.group()
    if "{" not in raw and "}" not in raw:
        return fold_text(raw)
    field = re.fullmatch(r"\{([^{}:]*)(?::([^{}]*))?\}", raw)
    if field is None:
        raise _pattern_error(spec, word, "A field is written {name}, alone between spaces.")
    name, type_code = field[1], field[2] if field[2] is not None else "w"
    if not name.isidentifier() or keyword.iskeyword(name):
        raise _pattern_error(
            spec, word, f"{name!r} cannot be a parameter's name: use one like {{n}}."
        )
    if type_code not in _FIELD_TYPES:
        raise _pattern_error(
            spec, word, f"There is no type {type_code!r} of field. There are: {_FIELD_TYPES_HELP}."
        )
    return _Field(unicodedata.normalize("NFKC", name), type_code)  # as Python reads identifiers


def _pattern_error(spec: str, word: re.Match[str], advice: str) -> DefinitionError:
    shown = "".join(" " if character.isspace() else character for character in spec)
    caret = " " * word.start() + "^" * len(word.group())
    return DefinitionError(f"This pattern cannot be read:\n    {shown}\n    {caret}\n{advice}")


class Regex:
    """A compiled regular expression, matched from a text's beginning; its groups are named.

    It sees at most `MAX_MATCH_CHARS` characters, since an expression may take any time it likes,
    and no invisible ones. A group that took no part is None.

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
        """Return the named groups, or None where the text's beginning does not match."""
        found = self.expression.match(visible_text(text[:MAX_MATCH_CHARS]))
        return found.groupdict() if found else None

    def __str__(self) -> str:
        return self.expression.pattern


Matcher: TypeAlias = Keyword | Pattern | Regex


def make_matcher(spec: str | re.Pattern[str]) -> Matcher:
    """Return the matcher of a handler's spec: braces make a pattern.

    Raises:
        DefinitionError: it cannot be read.
    """
    if isinstance(spec, re.Pattern):
        return Regex(spec)
    return Pattern(spec) if "{" in spec or "}" in spec else Keyword(spec)
