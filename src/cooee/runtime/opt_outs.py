"""An app's opt-out words at its company, and what is said at the start about them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.opt_out import Words, clashes, fallbacks, words
from cooee.core.app.quiet_hours import places
from cooee.core.errors import OptedOut, ProviderFailure, StoreUnavailable
from cooee.providers import Keeper, Provider
from cooee.runtime.log import tell
from cooee.runtime.provider_session import Account
from cooee.storage import Store


def settle(app: App[Any, Any], provider: Provider) -> tuple[Words, Sequence[str]]:
    """The words in force, and notes for a developer; the app answers HELP and doubts from now on.

    Raises:
        DefinitionError: the app uses every word that there is to opt out with.
        SettingError: the app has quiet hours, and this machine no time zone data.
    """
    company = provider.features.optout_words
    found = words(company, app.routes)
    app.routes.fallbacks = fallbacks(found, app.help)
    if app.quiet is not None:
        places("", "")
    notes = []
    for clash in clashes(company, app.routes):
        notes.append(clash.told(provider.name))
        level = logging.INFO if clash.others else logging.WARNING
        tell("word-taken", level, word=clash.word, note=notes[-1])
    return found, notes


async def sync(account: Account, store: Store, ours: str) -> None:
    """Take over who opted out by the company's own list, where it can be read."""
    provider = account.provider
    if not isinstance(provider, Keeper):
        return
    try:
        people = await account.ask(provider.optouts)
        fresh = await store.silence(ours, people)
    except (ProviderFailure, StoreUnavailable) as error:  # it is read again tomorrow
        tell("optouts-unread", logging.WARNING, error=str(error))
    else:
        tell("optouts-read", listed=len(people), fresh=fresh)


async def refuse_if_silent(store: Store, ours: str, theirs: str, what: str) -> None:
    """Say what became of a text to a person who wants none.

    Raises:
        OptedOut: they do not.
    """
    ledger = await store.silences(ours, theirs)
    if ledger and ledger[-1].lifted_at is None:
        raise OptedOut(
            f"This person opted out on {ledger[-1].since:%Y-%m-%d}. {what};"
            " only they can lift it, by texting START."
        )
