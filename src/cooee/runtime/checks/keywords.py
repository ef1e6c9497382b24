"""The app: its words against those that the company acts on itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.opt_out import clashes, words
from cooee.core.errors import DefinitionError
from cooee.providers import Provider
from cooee.runtime.checks import Finding


def keywords(app: App[Any, Any], provider: Provider) -> Sequence[Finding]:
    """The app's keywords against the words that the company acts on itself."""
    company = provider.features.optout_words
    try:
        found = words(company, app.routes)
    except DefinitionError as error:
        return [Finding("keywords", "wrong", str(error))]
    told = [
        Finding("keywords", "note" if clash.others else "wrong", clash.told(provider.name))
        for clash in clashes(company, app.routes)
    ]
    fine = Finding("keywords", "ok", f"People end all texts with {found.named}.")
    return told or [fine]
