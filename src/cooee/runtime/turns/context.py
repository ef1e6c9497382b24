"""What all turns of a process have in common, and who watches them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import msgspec

from cooee.core.app.app import App
from cooee.core.app.chat import Chat, Interrupted, Recall
from cooee.core.app.opt_out import Words
from cooee.core.app.routes import Dialogue, Handler
from cooee.core.dialogue.run import Stage
from cooee.core.messages import Class
from cooee.storage import Claim, Pending, Talk


class Played(msgspec.Struct, frozen=True):
    """One turn as an observer sees it: when its handler is called, and after.

    `pending` is its text; None where an alarm of a dialogue rang, or one begins or comes back.
    At the call `over` is False and nothing has come of it yet. `before` and `after` are the
    state as it is stored, `replies` how many texts it said. What is over is not yet committed:
    its claim's log line says so.
    """

    claim: Claim
    pending: Pending | None
    handler: Handler | None = None
    over: bool = False
    before: bytes | None = None
    after: bytes | None = None
    error: Exception | None = None
    replies: int = 0


Observer: TypeAlias = Callable[[Played], None]
"""Told of every turn in whichever thread plays it; it must not wait, and may not raise."""


class Surroundings(msgspec.Struct, frozen=True):
    """What every turn of a process has in common, and who watches.

    `program` names the app's code as it is loaded. `strict` runs each turn of a dialogue twice
    and compares, for tests and development. `stuck` is how many seconds a dialogue may run
    between two of its effects; most take a thousandth of one.
    """

    app: App[Any, Any]
    services: Any
    now: Callable[[], datetime]
    recall: Callable[[Claim, int], Recall]
    observe: Observer = lambda _: None
    words: Words | None = None
    no_media: str = ""  # the provider's name, where it carries no pictures
    program: str = ""
    strict: bool = False
    stuck: float = 5.0
    warn: Callable[[str], None] = lambda _: None


class Turn(msgspec.Struct, frozen=True):
    """One turn of a claim: for a text, or where `pending` is None, because it is time.

    `moment` is what `chat.now` is at first. `first` says that nothing of this claim waits for
    its commit.
    """

    claim: Claim
    pending: Pending | None
    now: datetime
    moment: datetime
    kind: Class
    first: bool

    @property
    def name(self) -> str:
        """What it is called in logs, and a stable id of it."""
        return self.claim.turn if self.pending is None else self.pending.id.hex()

    @property
    def seq(self) -> int:
        """The number of the last text that has been heard in it."""
        return self.claim.handled if self.pending is None else self.pending.seq


def chat(
    around: Surroundings, turn: Turn, state: Any, interrupted: Interrupted | None = None
) -> Chat[Any, Any]:
    """What a handler holds in a turn."""
    claim, pending = turn.claim, turn.pending
    return Chat(
        state=state,
        services=around.services,
        now=turn.moment,
        message=None if pending is None else pending.inbound,
        ours=claim.ours,
        theirs=claim.theirs,
        token=turn.name,
        recall=around.recall(claim, turn.seq),
        zone=partial(around.app.zone, claim.theirs),
        interrupted=interrupted,
    )


def stage(
    around: Surroundings,
    dialogue: Dialogue,
    whose: Claim | Talk,
    recall: Recall,
    *,
    strict: bool,
) -> Stage:
    """What a person's dialogue is run in."""
    return Stage(
        call=dialogue.handler.call,
        codec=around.app.codec,
        services=around.services,
        ours=whose.ours,
        theirs=whose.theirs,
        zone=partial(around.app.zone, whose.theirs),
        program=around.program,
        recall=recall,
        strict=strict,
    )
