"""Events: the steps of texts, turns and attempts, published to the log and the inspector.

An event is data: plain structs, and the exception or the handler that it tells of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from cooee.core.app.routes import Handler
from cooee.core.messages import Inbound, Outbound, Status
from cooee.runtime.log import error_location, log_event
from cooee.storage import Checkpoint, Claim, ClaimResult, PendingText

# Texts in


class TextReceived(msgspec.Struct, frozen=True, tag=True):
    """An inbound text is stored; `is_new` is False where the provider brought it once more.

    `id` is ours, and that of the text in each claim.
    """

    inbound: Inbound
    is_new: bool = True
    id: bytes = b""


class OptOutRecorded(msgspec.Struct, frozen=True, tag=True):
    """A stored text opted its sender "out" or "in"; `source` says how the app learnt it."""

    inbound: Inbound
    consent: str
    source: str
    id: bytes = b""


class TextsCancelled(msgspec.Struct, frozen=True, tag=True):
    """Queued texts were cancelled, for a reason: "opted out", or "no longer asked".

    A question that is no longer asked is sent all the same where its attempt began meanwhile.
    """

    outbounds: Sequence[Outbound]
    reason: str = "opted out"


class OptOutListRead(msgspec.Struct, frozen=True, tag=True):
    """The provider's own list of opt-outs was read, and `new_count` of its people are new."""

    ours: str
    listed_count: int
    new_count: int


class OptOutListUnread(msgspec.Struct, frozen=True, tag=True):
    """The provider's own list of opt-outs could not be read; it is read again tomorrow."""

    ours: str
    error: Exception


class PollFailed(msgspec.Struct, frozen=True, tag=True):
    """A poll failed; `retry_after_s` is the pause until the next one."""

    ours: str
    error: Exception
    code: str
    status: int
    retry_after_s: float


class PollAnswerLost(msgspec.Struct, frozen=True, tag=True):
    """The answer to a poll that removes texts never came; nothing can bring such a text back."""

    ours: str


class WebhookRefused(msgspec.Struct, frozen=True, tag=True):
    """A request was answered with an HTTP status of refusal, and nothing of it was stored."""

    status: int
    reason: str


class WebhookFailed(msgspec.Struct, frozen=True, tag=True):
    """A request failed by a mistake of ours or of the adapter; the caller is to try again."""

    error: Exception


class MediaFetched(msgspec.Struct, frozen=True, tag=True):
    """Every media file of a text is stored or given up."""

    pending: PendingText
    stored_count: int
    lost_count: int


class MediaLost(msgspec.Struct, frozen=True, tag=True):
    """A media file of a text was given up; its handler reads `reason`."""

    pending: PendingText
    reason: str
    error: Exception


# Turns


class ConversationClaimed(msgspec.Struct, frozen=True, tag=True):
    """A worker leased a conversation; `claim.attempts` counts this claim."""

    claim: Claim


class HandlerStarted(msgspec.Struct, frozen=True, tag=True):
    """A turn is about to call its handler. `pending` is None where no text caused the turn."""

    claim: Claim
    pending: PendingText | None
    handler: Handler


class HandlerRan(msgspec.Struct, frozen=True, tag=True):
    """A turn ran to its end, and is not committed yet.

    The states are as stored. A turn that raised changes nothing: `error` is the app's own
    exception, `location` the line of the app that raised it ("" where none is known).
    """

    claim: Claim
    pending: PendingText | None
    state_before: bytes | None
    state_after: bytes | None
    error: Exception | None = None
    location: str = ""
    reply_count: int = 0


class CheckpointStarted(msgspec.Struct, frozen=True, tag=True):
    """A turn writes journal entries before it calls something once."""

    checkpoint: Checkpoint


class CheckpointWritten(msgspec.Struct, frozen=True, tag=True):
    """The journal entries of a checkpoint are on disk."""

    checkpoint: Checkpoint


class TurnsFinished(msgspec.Struct, frozen=True, tag=True):
    """A claim's turns are over, and their commit is asked for."""

    finish: ClaimResult


class TurnsCommitted(msgspec.Struct, frozen=True, tag=True):
    """A claim's turns are on disk, drafts and dialogues too, `duration_s` after the claim."""

    finish: ClaimResult
    duration_s: float


class LeaseExpired(msgspec.Struct, frozen=True, tag=True):
    """A claim's turns were dropped, since another worker has the conversation by now."""

    claim: Claim


class CommitRefused(msgspec.Struct, frozen=True, tag=True):
    """The database refused a claim's commit for good; the claim is tried again later."""

    claim: Claim
    error: Exception


class ClaimFailed(msgspec.Struct, frozen=True, tag=True):
    """A claim could not be run to its end, by a mistake of cooee's or for want of memory.

    The claim is tried again with its first text alone, or has failed with that text.
    """

    claim: Claim
    error: Exception


class ClaimStuck(msgspec.Struct, frozen=True, tag=True):
    """A claim made no step for `held_s` seconds after `step`; its place is freed."""

    claim: Claim
    step: str
    held_s: float


class TurnFailed(msgspec.Struct, frozen=True, tag=True):
    """A turn raised, and is tried again at `retry_at`. `dialogue` is the id in a timer's turn."""

    claim: Claim
    error: str
    retry_at: datetime
    dialogue: str = ""


class TurnSetAside(msgspec.Struct, frozen=True, tag=True):
    """A turn raised, and its text or dialogue waits for a person, or for other code."""

    claim: Claim
    error: str
    code_version: str = ""
    dialogue: str = ""


class HandlerAbandoned(msgspec.Struct, frozen=True, tag=True):
    """A handler took too long: its turn failed, and its thread is never used again."""

    handler: str
    timeout_s: float
    stack: str


class DialogueEnded(msgspec.Struct, frozen=True, tag=True):
    """A committed turn ended a dialogue; `reason` is the journal's word for the end."""

    claim: Claim
    id: str
    handler: str
    reason: str


# Texts out


class TextQueued(msgspec.Struct, frozen=True, tag=True):
    """The app wrote first: `App.send` put a text in the outbox."""

    id: str
    ours: str
    theirs: str
    text: str


class AttemptStarted(msgspec.Struct, frozen=True, tag=True):
    """An attempt to send a text is on disk, and begins."""

    outbound: Outbound


class AttemptFinished(msgspec.Struct, frozen=True, tag=True):
    """An attempt ended: ACCEPTED with a `provider_id`; QUEUED again, FAILED or UNKNOWN otherwise.

    The result is not on disk yet. `error` is the class of the failure, "" for an accepted text.
    """

    outbound: Outbound
    status: Status
    provider_id: str = ""
    error: str = ""
    code: str = ""
    http_status: int = 0
    message: str = ""
    retry_at: datetime | None = None


class AttemptRecorded(msgspec.Struct, frozen=True, tag=True):
    """The result of an attempt, a look-up or the app's policy is on disk."""

    outbound: Outbound
    status: Status
    message: str = ""
    retry_at: datetime | None = None


class AdapterFailed(msgspec.Struct, frozen=True, tag=True):
    """The provider's adapter raised a mistake of its own in the middle of an attempt."""

    outbound: Outbound
    error: Exception


class InlineReplyRefused(msgspec.Struct, frozen=True, tag=True):
    """Replies cannot travel in a webhook's response, for this reason; the sender sends them."""

    outbounds: Sequence[Outbound]
    reason: str


class LookupFailed(msgspec.Struct, frozen=True, tag=True):
    """The provider could not say whether it has a text of unknown outcome; it is asked again."""

    outbound: Outbound
    error: Exception


class StatusCheckFailed(msgspec.Struct, frozen=True, tag=True):
    """The provider could not say what became of an accepted text; it is asked again."""

    outbound: Outbound
    error: Exception


class AttemptHeld(msgspec.Struct, frozen=True, tag=True):
    """Nothing can tell whether a text was accepted; a receipt or a person has to."""

    outbound: Outbound


class ReceiptApplied(msgspec.Struct, frozen=True, tag=True):
    """A receipt made a status of an outbound text final."""

    outbound: Outbound
    status: Status


class ReceiptHandlerFailed(msgspec.Struct, frozen=True, tag=True):
    """The app's `on_delivered` or `on_failed` raised."""

    outbound: Outbound
    error: Exception


Event: TypeAlias = (
    TextReceived
    | OptOutRecorded
    | TextsCancelled
    | OptOutListRead
    | OptOutListUnread
    | PollFailed
    | PollAnswerLost
    | WebhookRefused
    | WebhookFailed
    | MediaFetched
    | MediaLost
    | ConversationClaimed
    | HandlerStarted
    | HandlerRan
    | CheckpointStarted
    | CheckpointWritten
    | TurnsFinished
    | TurnsCommitted
    | LeaseExpired
    | CommitRefused
    | ClaimFailed
    | ClaimStuck
    | TurnFailed
    | TurnSetAside
    | HandlerAbandoned
    | DialogueEnded
    | TextQueued
    | AttemptStarted
    | AttemptFinished
    | AttemptRecorded
    | AdapterFailed
    | InlineReplyRefused
    | LookupFailed
    | StatusCheckFailed
    | AttemptHeld
    | ReceiptApplied
    | ReceiptHandlerFailed
)

Listener: TypeAlias = Callable[[Event], None]
"""Called in the thread that publishes, which may be a handler's; it must not wait."""

_everywhere: list[Listener] = []


def subscribe_everywhere(listener: Listener) -> None:
    """Subscribe to every `Events` that this process makes from now on: kill points, profilers."""
    _everywhere.append(listener)


class Events:
    """The listeners of one service."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = (*_everywhere, *listeners)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with each event from now on; return a function that ends it."""
        self._listeners = (*self._listeners, listener)
        return lambda: self._unsubscribe(listener)

    def publish(self, event: Event) -> None:
        """Call every listener. One that raises is logged, and hurts neither turn nor send."""
        for listener in self._listeners:
            try:
                listener(event)
            # delivery rule 19: a listener ends neither the turn nor the task that publishes
            except BaseException as error:
                log_event("listener-failed", logging.ERROR, error=error_location(error))

    def _unsubscribe(self, listener: Listener) -> None:
        self._listeners = tuple(one for one in self._listeners if one is not listener)
