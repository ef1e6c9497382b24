"""Checks the app's words against the words that the provider acts on itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.opt_out import opt_out_words
from cooee.core.errors import DefinitionError
from cooee.providers import Provider
from cooee.runtime.checks import Finding
from cooee.runtime.opt_outs import find_clashes, provider_words


def check_keywords(app: App[Any, Any], provider: Provider) -> Sequence[Finding]:
    """Check the app's keywords, and the answers that its questions offer."""
    try:
        opt_outs = opt_out_words(provider_words(provider), app.routes)
    except DefinitionError as error:
        return [Finding("keywords", "wrong", str(error))]
    findings = [
        Finding("keywords", "wrong" if clash.is_serious else "note", clash.message(provider.name))
        for clash in find_clashes(app, provider)
    ]
    all_good = Finding("keywords", "ok", f"People end all texts with {opt_outs.advertised()}.")
    return findings or [all_good]
