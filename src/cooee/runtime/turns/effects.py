"""Effects: a turn asks the worker to call the app's code, or to store a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

import msgspec

from cooee.core.app.chat import Chat
from cooee.core.app.routes import Handler
from cooee.storage import Checkpoint, ClaimResult

T = TypeVar("T")


class HandlerCall(msgspec.Struct, frozen=True):
    """A call of the app's code: a handler, a dialogue up to its next effect, or a once.

    `run` calls it, and returns its result or, where it is not `sync`, an awaitable
    of it. `turn_id` names the turn in logs, `chat` is for the middleware around a turn; without
    it there is none. A call that takes longer than `timeout_s` fails. `deed` is the id under which
    what the call sends is sent once, "" for none.
    """

    handler: Handler
    turn_id: str
    chat: Chat[Any, Any] | None
    run: Callable[[], Any]
    sync: bool
    timeout_s: float | None = None
    deed: str = ""


TurnEffect: TypeAlias = HandlerCall | Checkpoint
"""A jot is answered by whether the lease still held."""

TurnFlow: TypeAlias = Generator[TurnEffect, Any, T]
"""Yields steps and is sent what they came to, or has what they raised thrown in."""

ClaimFlow: TypeAlias = TurnFlow[ClaimResult | None]
"""A claim, played to its end; None where its lease was lost, and with it all that it came to."""


class LeaseLost(Exception):
    """Another worker has the lease of the conversation."""
