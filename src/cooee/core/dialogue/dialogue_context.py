"""DialogueContext: the handler of a dialogue and its surroundings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

import msgspec

from cooee.core.app.dialogue_verbs import HistoryReader
from cooee.core.app.offered_words import RESERVED_WORDS
from cooee.core.app.state_codec import StateCodec


class DialogueContext(msgspec.Struct, frozen=True, kw_only=True):
    """The handler of a dialogue and its surroundings: services, phone numbers, time zone.

    `code_version` is the version of the app's loaded code; `find_zone` returns the first value of
    `chat.zone`; `strict` (in tests and in preflight) raises where production warns.
    `others_are_open` is True where other dialogues have to know what this one changes in the state.
    `reserved_words` opt out, or ask for help, where no question offers them.
    """

    function: Callable[..., Any]
    codec: StateCodec[Any]
    services: Any
    ours: str
    theirs: str
    find_zone: Callable[[], tzinfo]
    code_version: str
    read_history: HistoryReader
    strict: bool = False
    others_are_open: bool = False
    reserved_words: frozenset[str] = RESERVED_WORDS
