"""Who wants no more texts: the words that say so, for one app at one company (law 10).

For each number of ours and each person there are two states, and every text is one event:

    in  ── an opt-out word, a wish in plain words ──▶  out
    in  ◀── an opt-in word ─────────────────────────── out

The store keeps the state and its proof, and lets no text out of the outbox to who is out. What
the company says of a text, or by refusing one of ours, goes before what we read in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from cooee.core.app.routes import Handler, Route, Routes, handler_of
from cooee.core.errors import DefinitionError
from cooee.core.parsing.keywords import Keyword, fold
from cooee.core.parsing.opt_out_phrases import wish

Consent: TypeAlias = Literal["out", "in", "wish", ""]
"""What a text does: opts out, opts in, does so unless a question waits ("wish"), or nothing."""

OUT: Sequence[str] = (
    # CTIA's Messaging Principles 5.1.3; the FCC's 47 CFR 64.1200(a)(10); Twilio's default list
    *("STOP", "UNSUBSCRIBE", "OPTOUT", "OPT OUT", "OPT-OUT", "QUIT", "END", "CANCEL", "REVOKE"),
    *("STOPALL", "STOP ALL"),  # Twilio's and Telnyx's default lists
    *("REMOVE", "ARRET", "ARRÊT"),  # the required words of AWS; the last two are Canada's French
    # What STOP is to people elsewhere: assumptions, as no list of one authority has them all.
    *("STOPP", "ALTO", "PARAR", "BAJA", "SAIR", "DÉSABONNER", "DESABONNER", "ABMELDEN", "AFMELDEN"),
)
"""Words that opt out where the app does not use them itself; the one to name to people first."""

IN: Sequence[str] = ("START", "UNSTOP")
"""Words that opt in again; YES, which some companies take for one too, is an answer to us."""

_BACK = frozenset(map(fold, IN))
_LONGEST = 64  # characters of a text that may be one of the words


class Words(msgspec.Struct, frozen=True):
    """The words in force, folded; `named` is what people are told to text."""

    out: frozenset[str]
    kept: frozenset[str]  # the app's own keywords: never a wish
    named: str

    def hear(self, text: str) -> Consent:
        """What a text does to the consent of whoever sent it."""
        word = fold(text[:_LONGEST]) if len(text) <= _LONGEST else ""
        if word in self.out:
            return "out"
        if word in _BACK:
            return "in"
        return "wish" if word not in self.kept and wish(text) == "sure" else ""

    def doubt(self, text: str) -> bool:
        """Whether to ask somebody, whose text nothing else answers, if they want no more."""
        return bool(wish(text))

    @property
    def question(self) -> str:
        """What to ask who may want no more texts."""
        return f"Do you want no more texts from us? Reply {self.named}."


def words(company: Collection[str], routes: Routes) -> Words:
    """The words in force: the company's own, and the standard ones that the app leaves free.

    Only a keyword takes a word for the app: a pattern or expression that would match everything
    must not leave people without a way out.

    Args:
        company: the words that the company itself acts on.
        routes: what the app answers.

    Raises:
        DefinitionError: no word would be left to opt out with.
    """
    theirs = {fold(word): word for word in company}
    kept = frozenset(fold(word) for word, _ in _keywords(routes)) - theirs.keys()
    left = [word for word in OUT if fold(word) not in kept]
    out = frozenset(theirs) | frozenset(map(fold, left))
    named = [word for word in left if not theirs or fold(word) in theirs]
    if not out:
        raise DefinitionError(
            "The app uses every word that people opt out with, so nobody could. Leave one of"
            f" {', '.join(OUT[:4])} free."
        )
    return Words(out, kept, (named or sorted(theirs.values()) or left)[0])


def fallbacks(words: Words, help: str | None) -> Sequence[tuple[Callable[[str], bool], Route]]:
    """What is answered for an app that has no handler for it: HELP, and a wish that is unsure.

    HELP is answered whatever question waits: people have to be told how to get no more texts
    whenever they ask (CTIA's Messaging Principles 5.1.2).

    Args:
        words: the words in force.
        help: the answer to HELP, with {word} where the opt-out word goes; None has none.
    """

    def explain_how_to_opt_out(_: object) -> str:
        return (help or "").replace("{word}", words.named)

    def ask_whether_to_opt_out(_: object) -> str:
        return words.question

    found = [(words.doubt, Route(None, handler_of(ask_whether_to_opt_out)))]
    helps = Route(None, handler_of(explain_how_to_opt_out), always=True)
    return found if help is None else [(_is_help, helps), *found]


def _is_help(text: str) -> bool:
    return fold(text[:_LONGEST]) == "help"


class Clash(msgspec.Struct, frozen=True):
    """A word that the app wants to answer, and never hears, since the company acts on it."""

    word: str
    handler: str
    where: str
    others: Sequence[str]  # words that lead to the same handler, and do

    def told(self, company: str) -> str:
        """The clash in words a developer can act on."""
        what = (
            f"{company} itself acts on {self.word}: whoever texts it is opted out, and"
            f" {self.handler} ({self.where}) does not hear it."
        )
        if self.others:
            return f"{what} There, tell people to text {' or '.join(self.others)}."
        second = f'@app.on("{self.word}", "HALT")'
        return f"{what} Give it a second word, like {second}, and tell people that one."


def clashes(company: Collection[str], routes: Routes) -> Sequence[Clash]:
    """The app's keywords that the company takes for itself."""
    theirs = frozenset(map(fold, company))
    used = list(_keywords(routes))

    def others(handler: Handler) -> list[str]:
        mine = [word for word, other in used if other.call is handler.call]
        return [word for word in mine if fold(word) not in theirs]

    return [
        Clash(word, handler.name, handler.where, others(handler))
        for word, handler in used
        if fold(word) in theirs
    ]


def _keywords(routes: Routes) -> Iterable[tuple[str, Handler]]:
    for route in routes:
        if isinstance(route.matcher, Keyword):
            yield route.matcher.words, route.handler
