"""Choices in people's texts: a number, word, prefix or likely typo; yes and no."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cooee.core.parsing.keywords import MAX_MATCH_CHARS, fold_text

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
_OPTION_NUMBER = re.compile(r"(?:no\.? ?|number |option |#)?(\d{1,4})(?:st|nd|rd|th)?")
_DIGITS = re.compile(r"\d+")


def render_menu(prompt: str, options: Sequence[str], page: int = 0) -> str:
    """Return a page of the menu as a text; a long menu says how to see more."""
    first = page * OPTIONS_PER_PAGE
    shown = options[first : first + OPTIONS_PER_PAGE]
    lines = [f"{number}. {option}" for number, option in enumerate(shown, first + 1)]
    if first + OPTIONS_PER_PAGE < len(options):
        lines.append("MORE for more.")
    elif page:
        lines.append("MORE for the beginning.")
    return "\n".join([prompt, *lines])


def requested_page(text: str, options: Sequence[str], page: int) -> int | None:
    """Return the page a text asks for, or None."""
    page_count = -(-len(options) // OPTIONS_PER_PAGE)
    folded = fold_text(text)
    if (
        page_count < 2
        or folded not in _MORE_KEYWORDS
        or any(fold_text(option) == folded for option in options)
    ):
        return None
    return (page + 1) % page_count


def match_option(text: str, options: Sequence[str], *, numbered: bool = True) -> int:
    """Return the index of the option in a text.

    Raises:
        ValueError: the text means no option, or may mean several.
    """
    folded = fold_text(text[:MAX_MATCH_CHARS])
    folded_options = [fold_text(option) for option in options]
    if folded in folded_options:
        return folded_options.index(folded)
    number = _OPTION_NUMBER.fullmatch(folded) if numbered else None
    if number is not None:
        index = int(number[1]) - 1
        if 0 <= index < len(options):
            return index
        raise ValueError("There is no such number.")
    prefix_matches = [
        place for place, name in enumerate(folded_options) if folded and name.startswith(folded)
    ]
    if prefix_matches:
        return _single_match(prefix_matches)
    # A whole word inside an option is a weaker hint than a prefix, and a typo the weakest.
    word_matches = [place for place, name in enumerate(folded_options) if folded in name.split()]
    if word_matches:
        return _single_match(word_matches)
    return _match_typo(folded, folded_options)


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


def _fold_phrases(*lines: str) -> frozenset[str]:
    return frozenset(fold_text(word) for line in lines for word in line.split(","))


_YES_PHRASES = _fold_phrases(
    "y,ye,yes,yes please,yep,yepp,yeah,yea,yeh,ya,yah,yup,yas,yess,aye,ok,okay,okey,k,kk,oki",
    "okie,okey dokey,sure,sure thing,sure is,of course,course,absolutely,definitely,defo,def",
    "certainly,confirm,confirmed,i confirm,correct,right,that's right,thats right,true,1",
    "agreed,agree,i agree,fine,that's fine,thats fine,good,sounds good,perfect,great,cool",
    "go ahead,do it,please,please do,yes pls,pls,yes thanks,yes thank you,yes that's right",
    "yes i do,yes i am,i do,i am,nah yeah,too right,no worries,for sure,you bet,affirmative",
    "oui,si,ja,👍,👌,✅,✔,☑,💯,🆗",
)
_NO_PHRASES = _fold_phrases(
    "n,no,nope,nah,na,naw,nay,no thanks,no thank you,no thx,nah thanks,no way,not now",
    "not really,not today,no i don't,no i dont,i don't,i dont,don't,dont,do not,never,cancel",
    "negative,incorrect,wrong,that's wrong,thats wrong,false,0,yeah nah,yeah no,no sorry",
    "sorry no,nup,nix,non,nein,nee,no way,nope thanks,👎,❌,✖,🚫,🙅",
)
_EMOJI_MODIFIERS = re.compile("[\U0001f3fb-\U0001f3ff\u200d\ufe0f]|[♀♂]")
_REPEATED_LETTERS = re.compile(r"(.)\1{2,}")


def yes_or_no(text: str) -> bool | None:
    """Tell whether a text says yes; None for a text of neither."""
    folded = fold_text(_EMOJI_MODIFIERS.sub("", text[:MAX_MATCH_CHARS]).replace("\u2019", "'"))
    for variant in (
        folded,
        _REPEATED_LETTERS.sub(r"\1", folded),
        folded[:1] if _is_repeated_symbol(folded) else "",
    ):
        if variant in _YES_PHRASES:
            return True
        if variant in _NO_PHRASES:
            return False
    return None


def _is_repeated_symbol(text: str) -> bool:
    """Tell whether a text is a symbol over and over: "👍👍", but not letters."""
    return len(set(text)) == 1 and not text.isalnum()
