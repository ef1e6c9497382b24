"""The log line of each event: its name, its level, its fields.

A step in the life of a text, a conversation or a person's consent is an event, and only this file
writes its line. A line about the process itself (its start, its connection, its database, a loop's
own mistake) tells of no such step: `log_event` writes it where the fault is noticed. Both kinds
are listed in docs/internals/delivery.md, and a test holds the lists.
"""

from __future__ import annotations

import logging
from traceback import extract_tb, format_exception
from typing import Any

from cooee.core.messages import Status
from cooee.core.own_code import is_own_file
from cooee.runtime import events
from cooee.runtime.log import error_location, log_event, logger

_DEBUG_ONLY = frozenset(
    {
        events.MediaFetched,
        events.ConversationClaimed,
        events.HandlerStarted,
        events.CheckpointStarted,
        events.CheckpointWritten,
        events.TurnsFinished,
        events.TurnsCommitted,
        events.DialogueEnded,
        events.TextQueued,
        events.AttemptStarted,
        events.AttemptRecorded,
        events.StatusCheckFailed,
    }
)


def write_event_to_log(event: events.Event) -> None:
    """Log an event on one line: the way of a text at DEBUG, anything else from INFO on.

    Texts, numbers and exceptions' messages are private fields (`COOEE_LOG_PRIVATE`).
    """
    if logger.isEnabledFor(logging.DEBUG):
        _log_step(event)
    elif type(event) in _DEBUG_ONLY or _is_undisturbed(event):  # most events: no line for them
        return
    _log_inbound_news(event)
    _log_turn_news(event)
    _log_outbound_news(event)


def _is_undisturbed(event: events.Event) -> bool:
    """Tell whether an event is a plain step of a text's way, so that only DEBUG has its line."""
    match event:
        case events.HandlerRan():
            return event.error is None
        case events.TextReceived():
            return event.is_new
        case events.AttemptFinished():
            return not event.error
        case events.ReceiptApplied():
            return event.status is Status.DELIVERED
    return False


def _log_step(event: events.Event) -> None:
    """Log a step that every text takes."""
    fields: dict[str, Any]
    match event:
        case events.TextReceived(inbound, is_new=True):
            _debug("received", private={"theirs": inbound.sender, "text": inbound.text})
        case events.MediaFetched(pending, stored_count, lost_count):
            fields = {"kept": stored_count, "given_up": lost_count}
            _debug("media-fetched", turn=pending.id.hex(), **fields)
        case events.ConversationClaimed(claim):
            _debug("claimed", turn=claim.turn_id, attempt=claim.attempt)
        case events.HandlerStarted(claim, _, handler):
            _debug("handler-started", turn=claim.turn_id, handler=handler.name)
        case events.CheckpointStarted(checkpoint):
            _debug("checkpointing", turn=checkpoint.claim.turn_id)
        case events.CheckpointWritten(checkpoint):
            _debug("checkpointed", turn=checkpoint.claim.turn_id)
        case events.TurnsFinished(finish):
            _debug("finishing", turn=finish.claim.turn_id)
        case events.TurnsCommitted(finish, duration_s):
            _debug("finished", turn=finish.claim.turn_id, seconds=round(duration_s, 3))
        case events.DialogueEnded(claim, id, handler, reason):
            fields = {"dialogue": id, "handler": handler, "reason": reason}
            _debug("dialogue-ended", turn=claim.turn_id, **fields)
        case events.TextQueued(id, _, theirs, text):
            _debug("queued", id=id, private={"theirs": theirs, "text": text})
        case events.AttemptStarted(outbound):
            _debug("sending", id=outbound.id, attempt=outbound.attempt)
        case events.AttemptFinished(outbound, status):
            _debug("sent", id=outbound.id, status=_status_name(status))
        case events.AttemptRecorded(outbound):
            _debug("recorded", id=outbound.id)
        case events.ReceiptApplied(outbound, Status.DELIVERED):
            _debug("receipt", id=outbound.id, status="delivered")
        case events.StatusCheckFailed(outbound, error):
            fields = {"id": outbound.id, "failure": type(error).__name__}
            _debug("status-failed", private={"words": str(error)}, **fields)


def _log_inbound_news(event: events.Event) -> None:
    fields: dict[str, Any]
    match event:
        case events.TextReceived(inbound, is_new=False):
            private = {"theirs": inbound.sender, "text": inbound.text}
            log_event("received-again", private=private)
        case events.OptOutRecorded(inbound, consent, source):
            log_event(f"opted-{consent}", source=source, private={"theirs": inbound.sender})
        case events.OptOutListRead(_, listed_count, new_count):
            log_event("optouts-read", listed=listed_count, fresh=new_count)
        case events.OptOutListUnread(_, error):
            fields = {"failure": type(error).__name__, "private": {"words": str(error)}}
            log_event("optouts-unread", logging.WARNING, **fields)
        case events.PollFailed(_, error, code, status):
            fields = {"failure": type(error).__name__, "code": code or None}
            fields |= {"status": status or None, "private": {"words": str(error)}}
            log_event("poll-failed", logging.WARNING, **fields)
        case events.PollAnswerLost(ours):
            log_event("poll-answer-lost", logging.ERROR, private={"ours": ours})
        case events.WebhookRefused(status, reason):
            log_event("request-refused", logging.WARNING, status=status, why=reason)
        case events.WebhookFailed(error):
            log_event("webhook-failed", logging.CRITICAL, error=error_location(error))
        case events.MediaLost(pending, reason, error):
            fields = {"turn": pending.id.hex(), "why": reason, "error": error_location(error)}
            log_event("media-lost", logging.WARNING, **fields)


def _log_turn_news(event: events.Event) -> None:
    fields: dict[str, Any]
    match event:
        case events.HandlerRan():
            _log_raised(event)
        case events.TurnFailed() | events.TurnSetAside():
            _log_failed_turn(event)
        case events.LeaseExpired(claim):
            log_event("lease-lost", logging.WARNING, turn=claim.turn_id)
        case events.CommitRefused(claim, error):
            fields = {"turn": claim.turn_id, "error": error_location(error)}
            log_event("commit-refused", logging.CRITICAL, private={"words": str(error)}, **fields)
        case events.ClaimFailed(claim, error):
            fields = {"turn": claim.turn_id, "error": error_location(error)}
            log_event("claim-failed", logging.CRITICAL, **fields)
        case events.ClaimStuck(claim, step, held_s):
            fields = {"turn": claim.turn_id, "step": step, "seconds": round(held_s)}
            log_event("claim-stuck", logging.CRITICAL, **fields)
        case events.HandlerAbandoned(handler, timeout_s, stack):
            fields = {"handler": handler, "seconds": timeout_s}
            log_event("handler-abandoned", logging.ERROR, **fields, stack=stack)


def _log_outbound_news(event: events.Event) -> None:
    fields: dict[str, Any]
    match event:
        case events.TextsCancelled(outbounds, reason):
            for one in outbounds:
                log_event("cancelled", id=one.id, why=reason, private={"theirs": one.recipient})
        case events.AttemptFinished() if event.error:
            _log_failed_attempt(event)
        case events.AdapterFailed(outbound, error):
            fields = {"id": outbound.id, "error": error_location(error)}
            log_event("adapter-failed", logging.CRITICAL, **fields)
        case events.InlineReplyRefused(outbounds, reason):
            log_event("inline-reply-refused", id=outbounds[0].id, why=reason)
        case events.LookupFailed(outbound, error):
            fields = {"id": outbound.id, "failure": type(error).__name__}
            log_event("lookup-failed", logging.WARNING, private={"words": str(error)}, **fields)
        case events.AttemptHeld(outbound):
            fields = {"id": outbound.id, "attempt": outbound.attempt}
            log_event("send-on-hold", logging.WARNING, **fields)
        case events.ReceiptApplied(outbound, status) if status is not Status.DELIVERED:
            log_event("undelivered", id=outbound.id, status=_status_name(status))
        case events.ReceiptHandlerFailed(outbound, error):
            fields = {"id": outbound.id, "error": error_location(error)}
            log_event("receipt-handler-failed", logging.ERROR, **fields)


def _log_raised(event: events.HandlerRan) -> None:
    """Log the frames of the exception; its message, and the whole traceback, are private."""
    error = event.error
    if error is None:
        return
    frames = [one for one in extract_tb(error.__traceback__) if is_own_file(one.filename)]
    log_event(
        "handler-raised",
        logging.ERROR,
        turn=event.claim.turn_id,
        error=type(error).__name__,
        at=" < ".join(f"{one.filename}:{one.lineno} {one.name}" for one in reversed(frames)),
        private={"traceback": "".join(format_exception(error))},
    )


def _log_failed_turn(event: events.TurnFailed | events.TurnSetAside) -> None:
    retry_at = event.retry_at if isinstance(event, events.TurnFailed) else None
    log_event(
        "turn-failed" if retry_at else "turn-set-aside",
        logging.ERROR,
        turn=event.claim.turn_id,
        attempt=event.claim.attempt,
        error=event.error.partition(":")[0],
        again_at=retry_at and retry_at.isoformat(timespec="seconds"),
        private={"theirs": event.claim.theirs, "words": event.error},
    )


def _log_failed_attempt(event: events.AttemptFinished) -> None:
    log_event(
        "send-failed",
        logging.WARNING,
        id=event.outbound.id,
        attempt=event.outbound.attempt,
        failure=event.error,
        code=event.code or None,
        status=event.http_status or None,
        private={"theirs": event.outbound.recipient, "words": event.message},
    )


def _debug(name: str, *, private: dict[str, str] | None = None, **fields: object) -> None:
    log_event(name, logging.DEBUG, private=private, **fields)


def _status_name(status: Status) -> str:
    return status.name.lower()
