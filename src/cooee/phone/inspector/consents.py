"""Who has opted out, and what a person's text did to that, in words for the page."""

from __future__ import annotations

from collections.abc import Iterable

from cooee.core.app.opt_out import ProviderWords
from cooee.core.messages import Inbound

NOT_SENT = "This person has opted out."
LIFTED = "This lifts the opt-out: texts go to this person again."


class Consents:
    """The people who have opted out.

    Args:
        provider: the provider's name.
        words: the words that the provider itself acts on.
    """

    def __init__(self, provider: str = "", words: ProviderWords | None = None) -> None:
        self._provider, self._words = provider, words or ProviderWords()
        self._opted_out: set[str] = set()

    def set_opted_out(self, people: Iterable[str]) -> None:
        """Replace all who have opted out, by their numbers."""
        self._opted_out = set(people)

    def has_opted_out(self, theirs: str) -> bool:
        """Say whether a person has opted out."""
        return theirs in self._opted_out

    def change(self, inbound: Inbound, consent: str) -> str:
        """Note that a text opted its sender "out" or "in"; return what the text did, in words."""
        if consent == "out":
            self._opted_out.add(inbound.sender)
            is_taken = self._words.acts_on(inbound.text) == "out"
            deed = f"{self._provider} takes this word" if is_taken else "This opts out"
            return f"{deed}: no more texts to this person, and no handler sees it."
        if inbound.sender not in self._opted_out:
            return ""
        self._opted_out.discard(inbound.sender)
        return LIFTED

    def describe_help(self, inbound: Inbound) -> str:
        """Return words on a text that the provider answers by itself, "" for any other text."""
        if inbound.text.strip().upper() not in self._words.help:
            return ""
        return f"{self._provider} answers this word, and the app sees it too."
