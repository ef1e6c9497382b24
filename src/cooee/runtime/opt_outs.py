"""Opt-out: the keywords at the start, the provider's list, and refusals."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.opt_out import (
    OptOutWords,
    ProviderWords,
    fallback_routes,
    keyword_clashes,
    opt_out_words,
)
from cooee.core.app.quiet_hours import time_zones_of
from cooee.core.errors import OptedOut, ProviderFailure, StoreUnavailable
from cooee.providers import OptOutSource, Provider
from cooee.runtime.events import Events, OptOutListRead, OptOutListUnread, TextsCancelled
from cooee.runtime.log import log_event
from cooee.runtime.provider_session import ProviderSession
from cooee.storage import Store


def provider_words(provider: Provider) -> ProviderWords:
    """Return the words that a provider itself acts on."""
    features = provider.features
    words = (features.opt_out_words, features.opt_in_words, features.help_words)
    return ProviderWords(*({word.strip().upper() for word in each} for each in words))


def prepare_opt_out_words(
    app: App[Any, Any], provider: Provider
) -> tuple[OptOutWords, Sequence[str]]:
    """Return the keywords in force, and notes for a developer; set the app's fallback routes.

    Raises:
        DefinitionError: the app uses every word that there is to opt out with.
        SettingError: the app has quiet hours, and this machine no time zone data.
    """
    taken = provider_words(provider)
    in_force = opt_out_words(taken, app.routes)
    app.routes.fallbacks = fallback_routes(in_force, app.help)
    if app.quiet_hours is not None:
        time_zones_of("", "")
    notes = []
    for clash in keyword_clashes(taken.opt_out, app.routes):
        notes.append(clash.message(provider.name))
        level = logging.INFO if clash.other_keywords else logging.WARNING
        log_event("word-taken", level, word=clash.keyword, note=notes[-1])
    return in_force, notes


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
