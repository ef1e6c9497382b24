"""The log line of each event: its name, its level, its fields."""

from __future__ import annotations

import logging
from typing import Any

from cooee.core.messages import Status
from cooee.runtime import events
from cooee.runtime.log import error_location, log_event, logger


def write_event_to_log(event: events.Event) -> None:
    """Log an event on one line; a claim, a handler's call and the like are DEBUG, or not logged.

    Texts, numbers and exceptions' messages are private fields (`COOEE_LOG_PRIVATE`).
    """
    match event:
        case events.AttemptFinished() if event.error:
            _log_failed_attempt(event)
            _log_debug("sent", id=event.outbound.id, status=_status_name(event.status))
        case events.TurnFailed() | events.TurnSetAside():
            _log_failed_turn(event)
        case events.TextReceived():
            log_event(
                "received" if event.is_new else "received-again",
                logging.DEBUG if event.is_new else logging.INFO,
                private={"theirs": event.inbound.sender, "text": event.inbound.text},
            )
        case _:
            if not _log_debug_event(event):
                _log_trouble(event)


def _log_debug_event(event: events.Event) -> bool:
    """Log a point of a text's way, if the event is one; return whether it is."""
    match event:
        case events.ConversationClaimed(claim):
            _log_debug("claimed", turn=claim.turn_id, attempt=claim.attempt)
        case events.CheckpointStarted(checkpoint):
            _log_debug("checkpointing", turn=checkpoint.claim.turn_id)
        case events.CheckpointWritten(checkpoint):
            _log_debug("checkpointed", turn=checkpoint.claim.turn_id)
        case events.TurnsFinished(finish):
            _log_debug("finishing", turn=finish.claim.turn_id)
        case events.TurnsCommitted(finish, duration_s):
            _log_debug("finished", turn=finish.claim.turn_id, seconds=round(duration_s, 3))
        case events.AttemptStarted(outbound):
            _log_debug("sending", id=outbound.id, attempt=outbound.attempt)
        case events.AttemptFinished():
            _log_debug("sent", id=event.outbound.id, status=_status_name(event.status))
        case events.AttemptRecorded(outbound):
            _log_debug("recorded", id=outbound.id)
        case events.ReceiptApplied(outbound, status):
            _log_debug("receipt", id=outbound.id, status=_status_name(status))
        case events.MediaFetched(pending, stored_count, lost_count):
            turn = pending.id.hex()
            _log_debug("media-fetched", turn=turn, kept=stored_count, given_up=lost_count)
        case (
            events.HandlerStarted()
            | events.HandlerRan()
            | events.DialogueEnded()
            | events.TextQueued()
            | events.OptOutRecorded()
        ):
            pass  # the log's events are fewer: other lines already tell of these
        case _:
            return False
    return True


def _log_trouble(event: events.Event) -> None:
    """Log an event that somebody should know of."""
    fields: dict[str, Any]
    match event:
        case events.LeaseExpired(claim):
            log_event("lease-lost", logging.WARNING, turn=claim.turn_id)
        case events.CommitRefused(claim, error):
            log_event("commit-refused", logging.CRITICAL, turn=claim.turn_id, error=str(error))
        case events.HandlerAbandoned(handler, timeout_s, stack):
            fields = {"handler": handler, "seconds": timeout_s}
            log_event("handler-abandoned", logging.ERROR, **fields, stack=stack)
        case events.AttemptHeld(outbound):
            fields = {"id": outbound.id, "attempt": outbound.attempt}
            log_event("send-on-hold", logging.WARNING, **fields)
        case events.ReceiptHandlerFailed(outbound, error):
            fields = {"id": outbound.id, "error": error_location(error)}
            log_event("receipt-handler-failed", logging.ERROR, **fields)
        case events.MediaLost(pending, reason, error):
            fields = {"turn": pending.id.hex(), "why": reason, "error": error_location(error)}
            log_event("media-lost", logging.WARNING, **fields)
        case events.PollFailed(_, error, code, status):
            fields = {"failure": type(error).__name__, "code": code or None}
            fields |= {"status": status or None, "words": str(error)}
            log_event("poll-failed", logging.WARNING, **fields)
        case events.WebhookRefused(status, reason):
            log_event("request-refused", logging.WARNING, status=status, why=reason)
        case events.WebhookFailed(error):
            log_event("webhook-failed", logging.CRITICAL, error=error_location(error))


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


def _log_debug(name: str, **fields: object) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        log_event(name, logging.DEBUG, private=None, **fields)


def _status_name(status: Status) -> str:
    return status.name.lower()
