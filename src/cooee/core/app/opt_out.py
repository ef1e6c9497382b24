"""Opt-out and opt-in words in force, for an app at a provider (law 10).

For each number of ours and each person there are two states, and every text is one event:

    in  ── an opt-out word, a wish in plain words ──▶  out
    in  ◀── an opt-in word ─────────────────────────── out

The store keeps the state and its proof, and lets no text out of the outbox to who is out. What
the provider reports of a text, or by refusing an outbound, goes before cooee's reading of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from cooee.core.app.routes import Handler, Route, Routes, handler_of
from cooee.core.errors import DefinitionError
from cooee.core.folding import REMEMBERED_READINGS, fold_text, unaccented
from cooee.core.parsing.keywords import Keyword
from cooee.core.parsing.opt_out_phrases import opt_out_intent, plain_words, says_only
from cooee.core.parsing.reactions import read_reaction

ConsentChange: TypeAlias = Literal["out", "in", "wish", ""]
"""What a text does: opts out, opts in, does so unless a question waits ("wish"), or nothing."""

_STOP_ALL = ("STOPALL", "STOP ALL", "STOP-ALL")
OPT_OUT_WORDS: Sequence[str] = (
    # CTIA's Messaging Principles 5.1.3; the FCC's 47 CFR 64.1200(a)(10); Twilio's default list
    *("STOP", "UNSUBSCRIBE", "OPTOUT", "OPT OUT", "OPT-OUT", "QUIT", "END", "CANCEL", "REVOKE"),
    *_STOP_ALL,  # Twilio's and Telnyx's default lists
    *("UNSUB",),  # as people shorten it
    *("REMOVE", "ARRET", "ARRÊT"),  # the required words of AWS; the last two are Canada's French
    # What STOP is to people elsewhere: assumptions, as no list of one authority has them all.
    *("STOPP", "ALTO", "PARAR", "BAJA", "SAIR", "DÉSABONNER", "DESABONNER", "ABMELDEN", "AFMELDEN"),
)
"""Words that opt out where the app does not use them itself; the one to name to people first."""

OPT_IN_WORDS: Sequence[str] = ("START", "UNSTOP")
"""Words that opt in again everywhere; YES does where the provider says so, and only there."""

OPT_OUT_QUESTION = "Do you want no more texts from us?"

HELP_WORDS: Sequence[str] = ("HELP", "INFO")
"""Words that ask for help where the app has no handler for them; the first is answered here."""

_OPT_IN = frozenset(map(fold_text, OPT_IN_WORDS))
ALWAYS_MEANT = frozenset(map(fold_text, (*OPT_OUT_WORDS[:5], *_STOP_ALL, "UNSUB", "QUIT", "STOPP")))
"""Words that say nothing but this, folded: so also with a courtesy, while a question waits."""
_MAX_KEYWORD_CHARS = 160  # characters of a text that may be a word, with its courtesies


class ProviderWords(msgspec.Struct, frozen=True):
    """The words that the provider itself acts on, each where it is the whole text, in any case."""

    opt_out: Collection[str] = ()
    opt_in: Collection[str] = ()
    help: Collection[str] = ()

    def acts_on(self, text: str) -> ConsentChange:
        """Return what a text does to its sender's consent at the provider."""
        word = text.strip().upper() if len(text) <= _MAX_KEYWORD_CHARS else ""
        return "out" if word in self.opt_out else "in" if word in self.opt_in else ""


class OptOutWords(msgspec.Struct, frozen=True):
    """The words in force, folded; `advertisable` are those to name to people, the best first."""

    opt_out: frozenset[str]
    app_keywords: frozenset[str]  # the app's own, without accents: never a wish
    advertisable: Sequence[str]
    provider: ProviderWords = ProviderWords()
    _readings: dict[str, ConsentChange] = msgspec.field(default_factory=dict)

    def consent_of(self, text: str) -> ConsentChange:
        """Return a text's change to its sender's consent; a quote of ours (a tapback) has none."""
        change = self._readings.get(text)
        if change is None:
            change = self._read(text)
            if len(text) <= _MAX_KEYWORD_CHARS:
                if len(self._readings) >= REMEMBERED_READINGS:
                    self._readings.clear()
                self._readings[text] = change
        return change

    def _read(self, text: str) -> ConsentChange:
        folded = fold_text(text) if len(text) <= _MAX_KEYWORD_CHARS else ""
        if folded in self.opt_out or unaccented(folded) in self.opt_out:
            return "out"
        if folded in _OPT_IN or self.provider.acts_on(text) == "in":
            return "in"
        if self._is_app_keyword(folded) or read_reaction(text) is not None:
            return ""
        words = plain_words(text) if folded else ()
        if says_only(words, self.opt_out & ALWAYS_MEANT, with_objects=True):
            return "out"
        if says_only(words, _OPT_IN, with_objects=False):
            return "in"
        is_wish = says_only(words, self.opt_out, with_objects=False)
        return "wish" if is_wish or opt_out_intent(text) == "sure" else ""

    def is_at_provider(self, text: str) -> bool:
        """Tell whether a text's change of consent is the provider's as well.

        An opt-in by a word of the provider's alone is the provider's alone: a "yes" lifts no
        "stop texting me", of which the provider does not know.
        """
        acts = self.provider.acts_on(text)
        return acts == "out" or (acts == "in" and fold_text(text) not in _OPT_IN)

    def might_opt_out(self, text: str) -> bool:
        """Tell whether to ask the sender of a text about opting out."""
        if self._is_app_keyword(fold_text(text[:_MAX_KEYWORD_CHARS])) or read_reaction(text):
            return False
        return self.consent_of(text) in {"out", "wish"} or bool(opt_out_intent(text))

    def _is_app_keyword(self, folded: str) -> bool:
        return unaccented(folded) in self.app_keywords

    def advertised(self, offered: Collection[str] = ()) -> str:
        """Return the word to name to people: none that the waiting question offers as an answer.

        Args:
            offered: the words that the question offers, as plain words.
        """
        free = (word for word in self.advertisable if unaccented(fold_text(word)) not in offered)
        return self.advertisable[0] if self.provider.opt_out else next(free, self.advertisable[0])

    def opt_out_prompt(self, offered: Collection[str] = ()) -> str:
        """Return the question to a person who may want no more texts; `offered`: as above."""
        return f"{OPT_OUT_QUESTION} Reply {self.advertised(offered)}."


def opt_out_words(provider: ProviderWords, routes: Routes) -> OptOutWords:
    """Return the words in force: the provider's own, and the standard words the app leaves free.

    Only a keyword takes a word for the app: a pattern or expression that would match everything
    must not leave people without a way out.

    Args:
        provider: the words that the provider itself acts on.
        routes: the app's handlers.

    Raises:
        DefinitionError: no word would be left to opt out with.
    """
    provider_words_by_fold = {fold_text(word): word for word in provider.opt_out}
    # A word that the provider acts on never reaches the app, so it is no keyword of the app's.
    app_keywords = frozenset(
        unaccented(folded)  # as the app hears its keywords
        for folded in (fold_text(word) for word, _ in keywords_of(routes))
        if folded not in provider_words_by_fold
    )
    free_words = [word for word in OPT_OUT_WORDS if unaccented(fold_text(word)) not in app_keywords]
    opt_out = frozenset(provider_words_by_fold) | frozenset(map(fold_text, free_words))
    advertisable = [
        word
        for word in free_words
        if not provider_words_by_fold or fold_text(word) in provider_words_by_fold
    ]
    # Law 10 fails closed: an app with no way out is refused before it starts.
    if not opt_out:
        raise DefinitionError(
            "The app uses every word that people opt out with, so nobody could. Leave one of"
            f" {', '.join(OPT_OUT_WORDS[:4])} free."
        )
    return OptOutWords(
        opt_out,
        app_keywords,
        advertisable or sorted(provider_words_by_fold.values()) or free_words,
        provider,
    )


def fallback_routes(
    words: OptOutWords, help: str | None
) -> Sequence[tuple[Callable[[str], bool], Route]]:
    """Return the routes of texts without a handler: HELP, and an unsure wish to opt out.

    HELP is answered whatever question waits: people have to be told how to get no more texts
    whenever they ask (CTIA's Messaging Principles 5.1.2).

    Args:
        words: the words in force.
        help: the answer to HELP, with {word} where the opt-out word goes; None has none.
    """

    def explain_how_to_opt_out(_: object, offered: Collection[str] = ()) -> str:
        return (help or "").replace("{word}", words.advertised(offered))

    def ask_whether_to_opt_out(_: object) -> str:
        return words.opt_out_prompt()

    found = [(words.might_opt_out, Route(None, handler_of(ask_whether_to_opt_out)))]
    help_route = Route(None, handler_of(explain_how_to_opt_out), always=True)
    return found if help is None else [(_is_help, help_route), *found]


def _is_help(text: str) -> bool:
    return fold_text(text[:_MAX_KEYWORD_CHARS]) == fold_text(HELP_WORDS[0])


def keywords_of(routes: Routes) -> Iterable[tuple[str, Handler]]:
    """Yield the keywords of an app, each with its handler."""
    for route in routes:
        if isinstance(route.matcher, Keyword):
            yield route.matcher.text, route.handler
