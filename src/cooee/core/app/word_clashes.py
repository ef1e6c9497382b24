"""Words that an app uses and its provider takes: what the app is told, by name and line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from cooee.core.app.offered_words import plain_word, words_of_labels, words_of_yes_and_no
from cooee.core.app.opt_out import ProviderWords, keywords_of
from cooee.core.app.routes import Handler, Routes
from cooee.core.folding import fold_text

WordKind: TypeAlias = Literal["opt-out", "help"]
"""What a provider does with a word: it opts its sender out, or answers by itself."""


class KeywordClash(msgspec.Struct, frozen=True):
    """A keyword of the app that the provider takes; an opt-out word never reaches the app."""

    kind: WordKind
    word: str
    handler: str
    location: str
    other_keywords: Sequence[str]  # words that lead to the same handler, and do

    @property
    def is_serious(self) -> bool:
        """Tell whether nothing leads to the handler at this provider."""
        return self.kind == "opt-out" and not self.other_keywords

    def message(self, provider: str) -> str:
        """Return the message to the developer, with a second keyword to offer."""
        if self.kind == "help":
            return (
                f"{provider} itself answers {self.word}, and {self.handler} ({self.location}) does"
                " too: people get two replies."
            )
        problem = (
            f"{provider} itself acts on {self.word}: whoever texts it is opted out, and"
            f" {self.handler} ({self.location}) does not hear it."
        )
        if self.other_keywords:
            return f"{problem} There, tell people to text {' or '.join(self.other_keywords)}."
        example = f'@app.on("{self.word}", "HALT")'
        return f"{problem} Give it a second word, like {example}, and tell people that one."


class Offer(msgspec.Struct, frozen=True):
    """The answers that a question of a dialogue offers; without labels it is a yes or no."""

    dialogue: str
    location: str
    labels: tuple[str, ...]


class OfferClash(msgspec.Struct, frozen=True):
    """An answer that a question offers and the provider takes.

    `label` is the answer; "" for a yes or no.
    """

    kind: WordKind
    word: str
    dialogue: str
    location: str
    label: str

    @property
    def is_serious(self) -> bool:
        """Tell whether the answer itself opts people out."""
        return self.kind == "opt-out" and plain_word(self.label) == plain_word(self.word)

    def message(self, provider: str) -> str:
        """Return the message to the developer, with what to offer instead."""
        answer = f"which answers {self.label!r}" if self.label else "which says no"
        place = f"{answer} in {self.dialogue} ({self.location})"
        if self.kind == "help":
            return f"{provider} itself replies to {self.word} too, {place}."
        way_out = (
            "Give that answer another word."
            if self.label
            else 'Let the question say what to text, like "Reply YES or NO."'
        )
        return (
            f"{provider} itself acts on {self.word}, {place}: whoever texts it is opted out, and"
            f" the question does not hear it. {way_out}"
        )


WordClash: TypeAlias = KeywordClash | OfferClash


def keyword_clashes(provider: ProviderWords, routes: Routes) -> Sequence[KeywordClash]:
    """Return the app's keywords that the provider takes."""
    app_keywords = list(keywords_of(routes))
    taken = frozenset(map(fold_text, provider.opt_out))

    def other_keywords_of(handler: Handler) -> list[str]:
        same_handler = [word for word, other in app_keywords if other.function is handler.function]
        return [word for word in same_handler if fold_text(word) not in taken]

    return [
        KeywordClash(kind, word, handler.name, handler.location, other_keywords_of(handler))
        for kind, provider_words in _kinds(provider)
        for word, handler in app_keywords
        if fold_text(word) in set(map(fold_text, provider_words))
    ]


def offer_clashes(provider: ProviderWords, offer: Offer) -> Iterator[OfferClash]:
    """Yield the words of an offer that the provider takes."""
    for kind, provider_words in _kinds(provider):
        spellings = {plain_word(word): word for word in provider_words}
        reserved = frozenset(spellings)
        if not offer.labels:
            for word in words_of_yes_and_no(reserved):
                yield OfferClash(kind, spellings[word], offer.dialogue, offer.location, "")
        for label in dict.fromkeys(offer.labels):
            for word in words_of_labels([label], reserved):
                yield OfferClash(kind, spellings[word], offer.dialogue, offer.location, label)


def _kinds(provider: ProviderWords) -> Sequence[tuple[WordKind, Collection[str]]]:
    return [("opt-out", provider.opt_out), ("help", provider.help)]
