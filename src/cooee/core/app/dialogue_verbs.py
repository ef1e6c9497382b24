"""Behind a chat: a dialogue's verbs, the dialogue it interrupts, the history."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from random import Random
from typing import Any, NoReturn, Protocol, TypeAlias

import msgspec

from cooee.core.app.question import Question
from cooee.core.messages import Inbound, Media


class HistoryEntry(msgspec.Struct, frozen=True):
    """A text of the conversation's history: `said_by` is "them" or "us".

    `status` is *pending*, *handled*, *set aside* or *opt-out* for a text of theirs, and *queued*,
    *sending*, *unknown*, *accepted*, *sent*, *delivered* or *undelivered* for one of ours.
    """

    said_by: str
    text: str
    at: datetime
    status: str = ""
    media: tuple[Media, ...] = ()


HistoryReader: TypeAlias = Callable[[int], Awaitable[Sequence[HistoryEntry]]]


class InterruptedDialogue(Protocol):
    """The dialogue whose question waits while another handler answers a text."""

    question: str

    def back(self) -> None:
        """Undo the dialogue's last answer."""
        ...

    def leave(self) -> None:
        """End the dialogue."""
        ...


class Restart:
    """A handler's result that begins its dialogue anew; it has no truth value."""

    def __bool__(self) -> NoReturn:
        raise TypeError("chat.restart() is no yes or no. Write `return chat.restart()`.")


class OnceCall(msgspec.Struct, frozen=True):
    """A call of `Chat.once`: a function, its arguments, and the identity of its result.

    `was` are the former names or keys; `unknown` says what to do after a crash in the middle.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    key: str | None = None
    was: str | Sequence[str] | None = None
    unknown: str = "again"


class DialogueVerbs(Protocol):
    """The verbs of a chat in a dialogue; `core.dialogue.verbs.Verbs` implements them."""

    @property
    def message(self) -> Inbound: ...
    @property
    def token(self) -> str: ...
    @property
    def chance(self) -> Random: ...
    def may_recall(self) -> None: ...
    def say(self, what: object, key: str | None) -> None: ...
    def question(self, question: Question) -> Awaitable[Any]: ...
    def sleep(
        self, length: timedelta | None, until: datetime | None, key: str | None
    ) -> Awaitable[Any]: ...
    def once(self, call: OnceCall) -> Awaitable[Any]: ...
    def part(self, name: str) -> AbstractContextManager[None]: ...
    def end(self, what: object) -> NoReturn: ...
    def restart(self) -> Restart: ...
