"""Waiting: the question or sleep at which a dialogue is suspended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from cooee.core.messages import Media

RecordKey: TypeAlias = tuple[str, tuple[str, ...], str, int]
"""(kind, parts, key or words, n): kind is ask, receive, sleep or once (replay rule 3)."""

WentOut: TypeAlias = Literal["yes", "queued", "not yet", "in doubt", "never"]
"""Queued: by this very claim. In doubt: in an attempt, or after one. Never: refused, say."""


class BurstText(msgspec.Struct, frozen=True, array_like=True):
    """One text of a burst, which together is one answer."""

    text: str
    text_id: str
    received_at: datetime
    media: tuple[Media, ...] = ()


class Waiting(msgspec.Struct, frozen=True, omit_defaults=True):
    """The question or sleep at which a dialogue is suspended.

    `due_at` is the time of its timer: the earliest of its `deadline`, its next reminder and the end
    of a burst; None: only a text resumes the dialogue. `location` is the line that asks. While the
    question is `paused`, another dialogue asks; `re_ask` sends the prompt again after that.
    `text_key` is the outbox's key of the last text that asks ("": none, or by an older cooee),
    `went_out` says whether that text did, and `shown_at` when the provider took it, or may have.
    The turn that asked wrote that text at `queued_at`. `clocks_run` from the first text on that
    went out, from which the timers count. `offered` are the words among its answers that opt out,
    or ask for help, where no question offers them.
    """

    key: RecordKey
    prompt: str
    asked_at: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None
    attempts: int = 0
    reminder_count: int = 0
    page: int = 0
    burst: tuple[BurstText, ...] = ()
    location: str = ""
    paused: bool = False
    re_ask: bool = False
    offered: tuple[str, ...] = ()
    text_key: str = ""
    went_out: WentOut = "yes"
    shown_at: datetime | None = None
    clocks_run: bool = False
    queued_at: datetime | None = None

    @property
    def expects_text(self) -> bool:
        """Return whether a text resumes the dialogue; a sleep ends by time alone."""
        return self.key[0] != "sleep"
