"""Choices as people text them: a number, a word, its beginning, a likely typo; yes and no."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cooee.core.parsing.keywords import LONGEST, fold

PAGE = 8
"""Options on one page of a menu: more do not fit a screen, or three segments."""

LIKELY = 0.8
"""How alike a typo and the word must be (1 less the edits for each letter; swaps are one edit).

"Firday" is Friday (0.83) and "satuday" Saturday (0.88); "Tuesday" is not Thursday (0.75), nor
"Monday" Sunday (0.67). Measured on days, months, sizes, dishes and towns, each against the
others; see the tests.
"""

_SHORTEST = 4  # letters below which one edit makes another word
_MORE = frozenset({"more", "next", "next page"})
_NUMBER = re.compile(r"(?:no\.? ?|number |option |#)?(\d{1,4})(?:st|nd|rd|th)?")
_DIGITS = re.compile(r"\d+")


def render(prompt: str, options: Sequence[str], page: int = 0) -> str:
    """A menu's page as a text; a long menu says how to see more of it."""
    first = page * PAGE
    shown = options[first : first + PAGE]
    lines = [f"{number}. {option}" for number, option in enumerate(shown, first + 1)]
    if first + PAGE < len(options):
        lines.append("MORE for more.")
    elif page:
        lines.append("MORE for the beginning.")
    return "\n".join([prompt, *lines])


def turned(text: str, options: Sequence[str], page: int) -> int | None:
    """The page that a text asks for; None where it asks for none."""
    pages = -(-len(options) // PAGE)
    asked = fold(text)
    if pages < 2 or asked not in _MORE or any(fold(option) == asked for option in options):
        return None
    return (page + 1) % pages


def pick(text: str, options: Sequence[str], *, numbered: bool = True) -> int:
    """The place of the option that a text means.

    Raises:
        ValueError: it means none, or may mean several.
    """
    words = fold(text[:LONGEST])
    names = [fold(option) for option in options]
    if words in names:
        return names.index(words)
    number = _NUMBER.fullmatch(words) if numbered else None
    if number is not None:
        place = int(number[1]) - 1
        if 0 <= place < len(options):
            return place
        raise ValueError("There is no such number.")
    begun = [place for place, name in enumerate(names) if words and name.startswith(words)]
    if begun:
        return _only(begun)
    inside = [place for place, name in enumerate(names) if words in name.split()]
    if inside:
        return _only(inside)
    return _likely(words, names)


def _only(places: Sequence[int]) -> int:
    if len(places) > 1:
        raise ValueError("That may be several of them.")
    return places[0]


def _likely(words: str, names: Sequence[str]) -> int:
    """The one option that a typo may have been; never where a figure differs."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 -- 30 ms that only a typo pays

    if len(words) < _SHORTEST:
        raise ValueError("That is too short to guess.")
    figures = _DIGITS.findall(words)
    alike = [
        place
        for place, name in enumerate(names)
        if len(name) >= _SHORTEST
        and _DIGITS.findall(name) == figures
        and OSA.normalized_similarity(words, name) >= LIKELY
    ]
    if not alike:
        raise ValueError("That is none of them.")
    return _only(alike)


def _texted(*lines: str) -> frozenset[str]:
    return frozenset(fold(word) for line in lines for word in line.split(","))


_YES = _texted(
    "y,ye,yes,yes please,yep,yepp,yeah,yea,yeh,ya,yah,yup,yas,yess,aye,ok,okay,okey,k,kk,oki",
    "okie,okey dokey,sure,sure thing,sure is,of course,course,absolutely,definitely,defo,def",
    "certainly,confirm,confirmed,i confirm,correct,right,that's right,thats right,true,1",
    "agreed,agree,i agree,fine,that's fine,thats fine,good,sounds good,perfect,great,cool",
    "go ahead,do it,please,please do,yes pls,pls,yes thanks,yes thank you,yes that's right",
    "yes i do,yes i am,i do,i am,nah yeah,too right,no worries,for sure,you bet,affirmative",
    "oui,si,ja,👍,👌,✅,✔,☑,💯,🆗",
)
_NO = _texted(
    "n,no,nope,nah,na,naw,nay,no thanks,no thank you,no thx,nah thanks,no way,not now",
    "not really,not today,no i don't,no i dont,i don't,i dont,don't,dont,do not,never,cancel",
    "negative,incorrect,wrong,that's wrong,thats wrong,false,0,yeah nah,yeah no,no sorry",
    "sorry no,nup,nix,non,nein,nee,no way,nope thanks,👎,❌,✖,🚫,🙅",
)
_PAINT = re.compile("[\U0001f3fb-\U0001f3ff\u200d\ufe0f]|[♀♂]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def yes_or_no(text: str) -> bool | None:
    """Whether a text says yes; None where it says neither."""
    words = fold(_PAINT.sub("", text[:LONGEST]).replace("\u2019", "'"))
    for said in (words, _DRAWN_OUT.sub(r"\1", words), words[:1] if _same(words) else ""):
        if said in _YES:
            return True
        if said in _NO:
            return False
    return None


def _same(words: str) -> bool:
    """Whether it is one character over and over: "👍👍", but not letters."""
    return len(set(words)) == 1 and not words.isalnum()
