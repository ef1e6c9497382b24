"""Opt-out: the keywords at the start, the provider's list, and refusals."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.offered_words import plain_word
from cooee.core.app.opt_out import (
    OptOutWords,
    ProviderWords,
    fallback_routes,
    opt_out_words,
)
from cooee.core.app.quiet_hours import time_zones_of
from cooee.core.app.word_clashes import Offer, WordClash, keyword_clashes, offer_clashes
from cooee.core.dialogue.waiting import Waiting
from cooee.core.errors import OptedOut, ProviderFailure, StoreUnavailable
from cooee.providers import OptOutSource, Provider
from cooee.runtime.events import Events, OptOutListRead, OptOutListUnread, TextsCancelled
from cooee.runtime.log import log_event
from cooee.runtime.offers_in_source import find_offers
from cooee.runtime.provider_session import ProviderSession
from cooee.storage import Store


def provider_words(provider: Provider) -> ProviderWords:
    """Return the words that a provider itself acts on."""
    features = provider.features
    words = (features.opt_out_words, features.opt_in_words, features.help_words)
    return ProviderWords(*({word.strip().upper() for word in each} for each in words))


class WordNotes:
    """Words that the provider takes from the app, each told once in the log.

    Attributes:
        notes: the same for a developer.
    """

    def __init__(self, provider: Provider) -> None:
        self.notes: list[str] = []
        self._provider_name, self._words = provider.name, provider_words(provider)
        self._told: set[tuple[str, str]] = set()

    def add(self, clash: WordClash) -> None:
        """Tell of a word, unless the same place was told of it."""
        place = (clash.location, plain_word(clash.word))
        if place not in self._told:
            self._told.add(place)
            self.notes.append(clash.message(self._provider_name))
            level = logging.WARNING if clash.is_serious else logging.INFO
            log_event("word-taken", level, word=clash.word, note=self.notes[-1])

    def add_question(self, dialogue: str, waiting: Waiting) -> None:
        """Tell of the words that a question offers as it is asked."""
        if waiting.offered:
            offer = Offer(dialogue, waiting.location, waiting.offered)
            for clash in offer_clashes(self._words, offer):
                self.add(clash)


def find_clashes(app: App[Any, Any], provider: Provider) -> Sequence[WordClash]:
    """Return the keywords, and the answers in the app's source, that the provider takes."""
    taken = provider_words(provider)
    if not (taken.opt_out or taken.help):
        return ()
    offers = find_offers(app.routes)
    offered = [clash for offer in offers for clash in offer_clashes(taken, offer)]
    return [*keyword_clashes(taken, app.routes), *offered]


def prepare_opt_out_words(app: App[Any, Any], provider: Provider) -> tuple[OptOutWords, WordNotes]:
    """Return the keywords in force, and the notes of words; set the app's fallback routes.

    Raises:
        DefinitionError: the app uses every word that there is to opt out with.
        SettingError: the app has quiet hours, and this machine no time zone data.
    """
    in_force = opt_out_words(provider_words(provider), app.routes)
    app.routes.fallbacks = fallback_routes(in_force, app.help)
    if app.quiet_hours is not None:
        time_zones_of("", "")
    word_notes = WordNotes(provider)
    for clash in find_clashes(app, provider):
        word_notes.add(clash)
    return in_force, word_notes


async def sync_opt_outs(session: ProviderSession, store: Store, ours: str, events: Events) -> None:
    """Store the opt-outs of the provider's own list, where it can be read."""
    provider = session.provider
    if not isinstance(provider, OptOutSource):
        return
    try:
        opted_out = await session.call(provider.opt_outs)
        new_count, cancelled = await store.record_opt_outs(ours, opted_out)
    except (ProviderFailure, StoreUnavailable) as error:  # it is read again tomorrow
        events.publish(OptOutListUnread(ours, error))
        return
    events.publish(OptOutListRead(ours, len(opted_out), new_count))
    if cancelled:
        events.publish(TextsCancelled(cancelled))


async def refuse_if_opted_out(store: Store, ours: str, theirs: str, outcome: str) -> None:
    """Refuse a text to a person who opted out.

    Raises:
        OptedOut: they do not.
    """
    opt_outs = await store.opt_outs(ours, theirs)
    if opt_outs and opt_outs[-1].lifted_at is None:
        raise OptedOut(
            f"This person opted out on {opt_outs[-1].since:%Y-%m-%d}. {outcome};"
            " only they can lift it, by texting START."
        )
