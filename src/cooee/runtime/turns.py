"""One claim, text by text: which handler answers, and what it comes to. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from cooee.core.app import App
from cooee.core.chat import Chat, Recall, spoken
from cooee.core.errors import DefinitionError, TooLong
from cooee.core.messages import Class, Reply
from cooee.core.optout import Words
from cooee.core.retries import after
from cooee.core.routes import Handler
from cooee.storage import Claim, Draft, Failure, Finish, Pending


class Call(msgspec.Struct, frozen=True):
    """A handler to call now, with what; `turn` names the turn in logs."""

    handler: Handler
    turn: str
    chat: Chat[Any, Any]
    args: tuple[Any, ...] = ()
    fields: Mapping[str, Any] = {}

    def begin(self) -> Any:
        """Call it: the reply, or something to await for the reply."""
        return self.handler.call(self.chat, *self.args, **self.fields)


Turns: TypeAlias = Generator[Call, Any, Finish]
"""Yields calls, is sent their replies (or has their exceptions thrown in), returns a Finish."""


class Played(msgspec.Struct, frozen=True):
    """One text in its turn, as an observer sees it: when its handler is called, and after.

    At the call `over` is False and nothing has come of it yet. `before` and `after` are the
    state as it is stored, `replies` how many texts it said. What is over is not yet committed:
    its claim's log line says so.
    """

    claim: Claim
    pending: Pending
    handler: Handler | None = None
    over: bool = False
    before: bytes | None = None
    after: bytes | None = None
    error: Exception | None = None
    replies: int = 0


Observer: TypeAlias = Callable[[Played], None]
"""Told of every turn in whichever thread plays it; it must not wait, and may not raise."""


class Surroundings(msgspec.Struct, frozen=True):
    """What every turn of a process has in common, and who watches."""

    app: App[Any, Any]
    services: Any
    now: Callable[[], datetime]
    recall: Callable[[Claim, int], Recall]
    observe: Observer = lambda _: None
    words: Words | None = None
    no_media: str = ""  # the provider's name, where it carries no pictures


def turns(around: Surroundings, claim: Claim) -> Turns:
    """Play the texts of a claim in order; a failure ends it, and what came before it stands."""
    state, clock, drafts = claim.state, claim.now, list[Draft]()
    handled = claim.texts[0].seq - 1
    failure: Failure | None = None
    for pending in claim.texts:
        if pending.runs:
            moment, before = _moment(pending, clock), state
            try:
                replies, state = yield from _turn(around, claim, pending, moment, state)
                said = len(replies)
                around.observe(Played(claim, pending, None, True, before, state, None, said))
            except Exception as error:
                unchanged = Played(claim, pending, None, True, before, before, error)
                around.observe(unchanged)
                failure = _failure(around, claim, pending, error)
                if failure.retry_at is not None:
                    break
                replies = yield from _apology(around, claim, pending, moment, error)
            clock = moment
            drafts += (Draft(text=r.text, media=r.media, kind=Class.REPLY) for r in replies)
        handled = pending.seq
        if failure is not None:
            break
    return Finish(
        claim=claim,
        handled=handled,
        now=clock,
        state=None if state == claim.state else state,
        drafts=drafts,
        failure=failure,
    )


def _turn(
    around: Surroundings, claim: Claim, pending: Pending, moment: datetime, stored: bytes | None
) -> Generator[Call, Any, tuple[list[Reply], bytes | None]]:
    """One text: its replies, and the state it leaves."""
    if pending is claim.texts[0] and claim.attempts > 1 and after(claim.attempts - 1) is None:
        words = f"The process ended {claim.attempts - 1} times while it answered this text."
        raise RuntimeError(words)
    state, extras = around.app.codec.decode(stored)
    chat = _chat(around, claim, pending, moment, state)
    found = around.app.routes.find(pending.inbound.text)
    if found is not None:
        route, fields = found
        around.observe(Played(claim, pending, route.handler))
        chat.say((yield Call(route.handler, chat.token, chat, (), fields)))
    said = [around.app.worded(reply) for reply in chat._said]  # noqa: SLF001 -- for the turn
    _check_media(around, said)
    return _and_ask(around, pending, said), around.app.codec.encode(chat.state, extras)


def _and_ask(around: Surroundings, pending: Pending, said: list[Reply]) -> list[Reply]:
    """The replies to a text; to a wish for silence that a question took, ours as well.

    Such a wish comes here only as an answer; then we ask whether it was one, and do no more.
    """
    words = around.words
    if words is None or words.hear(pending.inbound.text) != "wish":
        return said
    question = Reply(words.question)
    return said if question in said else [*said, question]


def _check_media(around: Surroundings, replies: Sequence[Reply]) -> None:
    """Fail a turn whose pictures could never be sent, rather than say half of it.

    Raises:
        DefinitionError: they could not.
    """
    if around.no_media and any(reply.media for reply in replies):
        raise DefinitionError(
            f"{around.no_media} cannot send pictures. Reply without media, or choose a provider"
            " that carries them: cooee providers"
        )


def _apology(
    around: Surroundings, claim: Claim, pending: Pending, moment: datetime, error: Exception
) -> Generator[Call, Any, list[Reply]]:
    """What a person is told when a text of theirs is set aside."""
    app, said = around.app, around.app.sorry
    if app.error_handler is not None:
        chat = _chat(around, claim, pending, moment, app.codec.start())
        try:
            said = yield Call(app.error_handler, chat.token, chat, (error,))
            replies = [*chat._said, spoken(said)]  # noqa: SLF001 -- for the turn
            return [app.worded(reply, capped=False) for reply in replies if reply]
        except Exception:  # an apology must not fail the turn a second time
            said = app.sorry
    reply = spoken(said)
    return [app.worded(reply, capped=False)] if reply else []


def _chat(
    around: Surroundings, claim: Claim, pending: Pending, moment: datetime, state: Any
) -> Chat[Any, Any]:
    return Chat(
        state=state,
        services=around.services,
        now=moment,
        message=pending.inbound,
        ours=claim.ours,
        theirs=claim.theirs,
        token=pending.id.hex(),
        recall=around.recall(claim, pending.seq),
    )


def _moment(pending: Pending, clock: datetime | None) -> datetime:
    sent = pending.inbound.sent_at or pending.inbound.received_at
    return sent if clock is None else max(sent, clock)


def _failure(around: Surroundings, claim: Claim, pending: Pending, error: Exception) -> Failure:
    attempts = claim.attempts if pending is claim.texts[0] else 1
    wait = None if isinstance(error, TooLong) else after(attempts)  # it would be as long again
    words = f"{type(error).__name__}: {error}"[:2000]
    return Failure(pending.seq, words, None if wait is None else around.now() + wait)
