"""What a handler holds while it answers one text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Generic

import msgspec
from typing_extensions import TypeVar

from cooee.core.messages import Inbound, Reply

S = TypeVar("S", default=Any)
V = TypeVar("V", default=Any)


class Line(msgspec.Struct, frozen=True):
    """One text of the past: `said_by` is "them" or "us"."""

    said_by: str
    text: str
    at: datetime


Recall = Callable[[int], Awaitable[Sequence[Line]]]


class Chat(Generic[S, V]):
    """One person's conversation, for the length of one turn.

    Attributes:
        state: what the app remembers of this person; change it or assign it, the turn saves it.
        services: what the app's lifespan made, once per process.
        now: when the text was sent, by the provider's clock where it can be believed; in UTC,
            and never earlier than in this person's last turn.
        message: the text being answered.
        ours: our number.
        theirs: the person's number.
        token: a stable id of this turn, the same in every retry: hand it on as an idempotency
            key.
    """

    __slots__ = (
        "_recall",
        "_said",
        "message",
        "now",
        "ours",
        "services",
        "state",
        "theirs",
        "token",
    )

    def __init__(
        self,
        *,
        state: S,
        services: V,
        now: datetime,
        message: Inbound,
        ours: str,
        theirs: str,
        token: str,
        recall: Recall,
    ) -> None:
        self.state = state
        self.services = services
        self.now = now
        self.message = message
        self.ours = ours
        self.theirs = theirs
        self.token = token
        self._recall = recall
        self._said: list[Reply] = []

    @property
    def text(self) -> str:
        """The words being answered."""
        return self.message.text

    def say(self, what: str | Reply | None) -> None:
        """Send a further text; texts go out in the order they are said, the returned one last.

        Nothing is sent before the turn has ended well: then all of it is, or none. None and
        the empty string say nothing.
        """
        said = spoken(what)
        if said is not None:
            self._said.append(said)

    async def history(self, n: int = 10) -> Sequence[Line]:
        """The last `n` texts of this conversation, oldest first, the one being answered last."""
        return await self._recall(n)

    def __repr__(self) -> str:  # no number, no words
        return f"<Chat turn {self.token[:8]}>"


def spoken(what: object) -> Reply | None:
    """What a handler returned, as a reply; None and the empty string say nothing.

    Raises:
        TypeError: it is neither a string nor a Reply.
    """
    if what is None or what == "":
        return None
    if isinstance(what, str):
        return Reply(what)
    if isinstance(what, Reply):
        return what if what.text or what.media else None
    words = f"A reply is a str, a Reply or None, and this is a {type(what).__name__}: {what!r:.80}"
    raise TypeError(words)
