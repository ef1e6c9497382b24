"""Open dialogues whose handler the app no longer has."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cooee.core.app.app import App
from cooee.core.dialogue.refusals import REFUSAL_DIALOGUE
from cooee.runtime.log import log_event
from cooee.storage import Store

_MAX_COUNTED = 1_000  # of each dialogue: a start waits for the count


async def unknown_dialogue_notes(app: App[Any, Any], store: Store) -> Sequence[str]:
    """Return a note for each unknown dialogue, with what to write."""
    notes = []
    # storage rule 18: a start reads none of those who wait in dialogues that the app has
    for name, count in (await store.count_open_dialogues(up_to=_MAX_COUNTED)).items():
        known = name == REFUSAL_DIALOGUE or app.routes.dialogue_named(name) is not None
        if not known and name not in app.retired_dialogues:
            log_event("dialogue-unknown", logging.WARNING, dialogue=name, count=count)
            number = f"{count:,} or more" if count == _MAX_COUNTED else str(count)
            notes.append(
                f"{number} in the middle of {name}, which the app does not have: their texts are"
                f" set aside. Write was={name!r} where it has a new name, or"
                f" app.retire({name!r}, say=…)."
            )
    return notes
