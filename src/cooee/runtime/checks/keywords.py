"""Checks the app's keywords against the keywords that the provider acts on itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.app.opt_out import keyword_clashes, opt_out_words
from cooee.core.errors import DefinitionError
from cooee.providers import Provider
from cooee.runtime.checks import Finding
from cooee.runtime.opt_outs import provider_words


def check_keywords(app: App[Any, Any], provider: Provider) -> Sequence[Finding]:
    """Check the app's keywords against the keywords that the provider acts on itself."""
    reserved = provider_words(provider)
    try:
        opt_outs = opt_out_words(reserved, app.routes)
    except DefinitionError as error:
        return [Finding("keywords", "wrong", str(error))]
    findings = [
        Finding(
            "keywords", "note" if clash.other_keywords else "wrong", clash.message(provider.name)
        )
        for clash in keyword_clashes(reserved.opt_out, app.routes)
    ]
    all_good = Finding("keywords", "ok", f"People end all texts with {opt_outs.advertised}.")
    return findings or [all_good]
