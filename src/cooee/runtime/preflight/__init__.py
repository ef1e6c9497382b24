"""Preflight: open dialogues, replayed against the code on disk, with all I/O refused."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

DryRunOutcome: TypeAlias = Literal[
    "continues",  # at the same question or sleep
    "begins",  # its first turn is still to come
    "does",  # it reaches a once without a record
    "asks",  # at another question, which its person is asked
    "ends",
    "breaks",
    "unreadable",  # its journal is damaged or newer
    "unknown",  # the app has no such dialogue
    "retired",
]


class DryRunResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of replaying one dialogue against the code on disk.

    `what` is the exception's type, the reason of the end, or the name of the once. `where` is the
    line, `words` the text said or asked there, `before` the prompt of the stored question. `trace`
    is the app's own part of a traceback.
    """

    outcome: DryRunOutcome
    handler: str
    where: str = ""
    what: str = ""
    words: str = ""
    before: str = ""
    trace: tuple[str, ...] = ()
