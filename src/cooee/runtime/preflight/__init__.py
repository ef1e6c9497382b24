"""Every dialogue that goes on, replayed against the code on disk, with the world shut out."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

DryRunOutcome: TypeAlias = Literal[
    "continues",  # it stands where it stood, awake or asleep
    "begins",  # its first turn was still to come
    "does",  # it comes to something to be done once, which was not done before
    "asks",  # it stands somewhere else, and says so to its person
    "ends",
    "breaks",
    "unreadable",  # its journal, by whatever code
    "unknown",  # the app has no such dialogue
    "retired",
]


class DryRunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the code on disk makes of one dialogue.

    `what` is how: the exception's type, the way it ends, the name of what is done once. `where`
    is the line, `words` what is said or asked there, `before` what was asked before. `trace` is
    the app's own part of a traceback.
    """

    outcome: DryRunOutcome
    handler: str
    where: str = ""
    what: str = ""
    words: str = ""
    before: str = ""
    trace: tuple[str, ...] = ()
