"""Refusals: what follows a text of ours that the provider refused for good.

A refusal is stored as a dialogue that is due at once, so that the app hears of it in a turn of its
own, however the process ends meanwhile; its only turn tells the app, or the person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from cooee.core.dialogue.journal import Journal, derive_id, encode_head
from cooee.core.dialogue.replay import new_journal
from cooee.core.dialogue.value_codec import decode_value
from cooee.core.messages import Refusal

REFUSAL_DIALOGUE = "a refused text"
"""The name under which a refusal is stored; no function has a name with spaces."""

_APOLOGY_KEY, _COPY_KEY = "cooee:refusal:", "cooee:again:"


def encode_refusal(refusal: Refusal, now: datetime) -> tuple[str, bytes]:
    """Return the id and the head of the dialogue that tells of a refusal."""
    id = derive_id(REFUSAL_DIALOGUE, refusal.id)
    inputs: dict[str, Any] = {**msgspec.structs.asdict(refusal), "media": list(refusal.media)}
    return id, encode_head(new_journal(id, REFUSAL_DIALOGUE, inputs, None, now))


def decode_refusal(journal: Journal) -> Refusal:
    """Return the refusal of which a dialogue tells."""
    inputs = decode_value(journal.inputs)
    return Refusal(**{**inputs, "media": tuple(inputs["media"])})


def apology_key(refusal: Refusal, n: int, text: str) -> str:
    """Return the key of the `n`-th text that tells a person of a refusal."""
    return _APOLOGY_KEY + derive_id(refusal.id, n, text)


def is_apology(key: str | None) -> bool:
    """Tell whether a text tells of a refusal, so that its own refusal is told to nobody."""
    return key is not None and key.startswith(_APOLOGY_KEY)


def copy_key(id: str) -> str:
    """Return the key of the copy of a refused text that an operator sends again."""
    return _COPY_KEY + id


def is_copy(key: str | None) -> bool:
    """Tell whether a text is such a copy: its person has been told already."""
    return key is not None and key.startswith(_COPY_KEY)
