"""Choices in people's texts: a number, word, beginning or likely typo.

Parsing rule: the label of an option, and its number where the menu shows numbers, always give
that option; what may mean two options is asked again, and never guessed. So a menu shows no
numbers where a figure of an option ("3 people") is the number of another one: people text the
options' own figures then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cooee.core.folding import MAX_MATCH_CHARS, fold_text, unaccented, visible_text
from cooee.core.parsing.courtesies import without_courtesies
from cooee.core.parsing.numbers import place_number, spoken_number

OPTIONS_PER_PAGE = 8
"""Options on one page of a menu: more do not fit a screen, or three segments."""

MIN_TYPO_SIMILARITY = 0.8
"""How alike a typo and the word must be (1 less the edits for each letter; swaps are one edit).

"Firday" is Friday (0.83) and "satuday" Saturday (0.88); "Tuesday" is not Thursday (0.75), nor
"Monday" Sunday (0.67). Measured on days, months, sizes, dishes and towns, each against the
others; see the tests.
"""

_MIN_TYPO_CHARS = 4  # letters below which one edit makes another word
_MORE_KEYWORDS = frozenset({"more", "next", "next page"})
_BEFORE_NUMBER = re.compile(r"(?:the |no\.? ?|number |option |choice |nr\.? ?|#)+(?=[\w])")
_AFTER_NUMBER = re.compile(r" (?:one|option|choice)$")
_NUMBER_FIRST = re.compile(r"(?P<number>\w{1,10})[\s.):,-]+(?P<rest>\S.*)")
_NUMBER_LAST = re.compile(r"(?P<rest>\S.*?)[\s(,:-]+(?P<number>[0-9]{1,4})")
_FIGURE = re.compile(
    r"(?<![\w.,])([0-9]{1,4})(?![0-9]|[.,][0-9])"
)  # the 2 of "2pm"; not of "A2", "2.5"
_FIGURE_PART = re.compile(r"(?<![\w.,])([0-9]{1,4})(?![0-9])")
_ORDINAL = re.compile(
    r"\b(?:[0-9]+(?:st|nd|rd|th)|first|second|third|(?:four|fif|six|seven|eigh|nin|ten)th)\b"
)
_DIGITS = re.compile(r"\d+")


def render_menu(prompt: str, options: Sequence[str], page: int = 0) -> str:
    """Return a page of the menu as a text; a long menu says how to see more."""
    first = page * OPTIONS_PER_PAGE
    shown = options[first : first + OPTIONS_PER_PAGE]
    lines = list(shown)
    if shows_numbers(options):
        lines = [f"{number}. {option}" for number, option in enumerate(shown, first + 1)]
    if first + OPTIONS_PER_PAGE < len(options):
        lines.append("MORE for more.")
    elif page:
        lines.append("MORE for the beginning.")
    return "\n".join([prompt, *lines])


def shows_numbers(options: Sequence[str]) -> bool:
    """Tell whether the menu of these options shows numbers.

    It does unless an option has a figure in it that is the number of another option: in
    ["Table 2", "Table 1"] "1" would be both.
    """
    labels = [_label(option) for option in options]
    return not any(
        1 <= figure <= len(labels) and figure != place
        for place, label in enumerate(labels, 1)
        for figure in _own_figures(label) | set(map(int, _FIGURE_PART.findall(label)))
    )


def _label(option: str) -> str:
    return unaccented(fold_text(option[:MAX_MATCH_CHARS]))


def _own_figures(label: str) -> set[int]:
    """Return the whole numbers that a text of figures may mean this label by."""
    words, figures = label.split(), {int(figure) for figure in _FIGURE.findall(label)}
    spoken = (_read_place(label), spoken_number(words[0]) if words else None)
    return figures | {number for number in spoken if number is not None}


def _read_place(folded: str) -> int | None:
    """Return the number in a text of only one: "2", "two", "2nd", "no. 2", "the second one"."""
    return place_number(_AFTER_NUMBER.sub("", _BEFORE_NUMBER.sub("", folded, count=1)))


def requested_page(text: str, options: Sequence[str], page: int) -> int | None:
    """Return the page a text asks for, or None."""
    page_count = -(-len(options) // OPTIONS_PER_PAGE)
    folded = fold_text(text)
    if (
        page_count < 2
        or without_courtesies(folded) not in _MORE_KEYWORDS
        or any(fold_text(option) == folded for option in options)
    ):
        return None
    return (page + 1) % page_count


def match_option(text: str, options: Sequence[str], *, numbered: bool = True) -> int:
    """Return the index of the option in a text.

    Args:
        text: the person's text.
        options: the labels.
        numbered: whether a number counts as the place in the list, where the menu shows numbers.

    Raises:
        ValueError: the text means no option, or may mean several.
    """
    text = visible_text(text[:MAX_MATCH_CHARS])
    # texts rule 3: the label itself goes before every other reading
    named = _named_exactly(text, options)
    if named is not None:
        return named
    symbols = _options_of_symbol(text, options)
    if symbols:
        return _single_match(symbols)
    labels = [_label(option) for option in options]
    folded = unaccented(fold_text(text))
    numbered = numbered and shows_numbers(options)
    for words in dict.fromkeys((folded, _trimmed(folded))):
        found = _read_choice(words, labels, numbered=numbered)
        if found:
            return _single_match(found)
    return _match_typo(_trimmed(folded), labels)


def _trimmed(folded: str) -> str:
    return fold_text(without_courtesies(folded))


def _named_exactly(text: str, options: Sequence[str]) -> int | None:
    """Return the option whose label the text is, compared more and more loosely; or None."""
    for form in (visible_text, str.casefold, fold_text, _label):
        wanted = form(text)
        same = [place for place, option in enumerate(options) if form(option) == wanted]
        if same and wanted:
            # Labels that are alike to the last character are one answer.
            return same[0] if len({options[place] for place in same}) == 1 else _single_match(same)
    return None


def _options_of_symbol(text: str, options: Sequence[str]) -> Sequence[int]:
    """Return the options with this emoji, such as "👍" of "👍 Good", in them."""
    symbol = fold_text(text)
    if any(map(str.isalnum, symbol)):
        return ()
    return [n for n, option in enumerate(options) if symbol in map(fold_text, option.split())]


def _read_choice(words: str, labels: Sequence[str], *, numbered: bool) -> Sequence[int]:
    """Return the options that the words may mean, by number, figure, beginning or word."""
    if not words:
        return ()
    number = _read_place(words)
    if number is not None and numbered and 1 <= number <= len(labels):
        # The words of an option go before a number in words: "first" is "First time".
        spoken = [] if _FIGURE.search(words) else _options_named(words, None, labels)
        return spoken or [number - 1]
    named = _options_named(words, number, labels)
    if not named and numbered:
        for place, rest in _listed(words, labels):
            if _options_named(rest, None, labels) == [place]:
                return [place]
    return named


def _listed(words: str, labels: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the place and the label in a text like "2. Saturday" or "Saturday (2)"."""
    words = _BEFORE_NUMBER.sub("", words, count=1)
    for found in (_NUMBER_FIRST.fullmatch(words), _NUMBER_LAST.fullmatch(words)):
        number = place_number(found["number"]) if found else None
        if found and number is not None and 1 <= number <= len(labels):
            yield number - 1, fold_text(found["rest"])


def _options_named(words: str, number: int | None, labels: Sequence[str]) -> Sequence[int]:
    """Return the options of that figure, or else those that the words begin or are a word of."""
    figures = [place for place, label in enumerate(labels) if number in _own_figures(label)]
    if figures and _ORDINAL.search(words) and number is not None and number <= len(labels):
        # "third" may be the third option as well as "3 people", but not as "3rd floor"
        own = [place for place in figures if _ORDINAL.search(labels[place])]
        return own or sorted({*figures, number - 1})
    if figures:
        return figures
    return [
        place
        for place, label in enumerate(labels)
        if _begins(label, words) or words in label.split()
    ]


def _begins(label: str, words: str) -> bool:
    """Tell whether a label begins with the words, without a cut through a figure."""
    cuts_figure = words[-1:].isdigit() and re.match(r"[.,]?\d", label[len(words) :])
    return label.startswith(words) and not cuts_figure


def _single_match(indexes: Sequence[int]) -> int:
    if len(indexes) > 1:
        raise ValueError("That may be several of them.")
    return indexes[0]


def _match_typo(folded: str, folded_options: Sequence[str]) -> int:
    """Return the index of the option like a typo; digits have to be equal."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 -- 30 ms that only a typo pays

    if len(folded) < _MIN_TYPO_CHARS:
        raise ValueError("That is too short to guess.")
    digits = _DIGITS.findall(folded)
    similar = [
        place
        for place, name in enumerate(folded_options)
        if len(name) >= _MIN_TYPO_CHARS
        and _DIGITS.findall(name) == digits
        and OSA.normalized_similarity(folded, name) >= MIN_TYPO_SIMILARITY
    ]
    if not similar:
        raise ValueError("That is none of them.")
    return _single_match(similar)
