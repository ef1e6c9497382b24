"""The simulator's own JSON, error codes and delivery statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cooee.providers import (
    Accepted,
    ErrorItem,
    ErrorRule,
    ErrorTable,
    Inbound,
    OptedOut,
    Outbound,
    PermanentFailure,
    Receipt,
    Response,
    Status,
    TemporaryFailure,
    Unauthorized,
    parse_outbound_id,
)
from cooee.providers.json_fields import get_string, parse_timestamp

_STATUS_BY_WORD: Mapping[str, Status] = {
    "accepted": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "expired": Status.EXPIRED,
}


def build_send_body(outbound: Outbound) -> Mapping[str, Any]:
    """Build the body of a send. Half a character is sent as "?": UTF-8 has no halves."""
    body = {
        "from": outbound.sender,
        "to": outbound.recipient,
        "text": outbound.text.encode(errors="replace").decode(),
        "reference": outbound.id,
    }
    return {**body, "callback": outbound.callback} if outbound.callback else body


def parse_accepted(body: Any) -> Accepted | None:
    """Return the id of an accepted text, or None."""
    match body:
        case {"id": str(id)} if id.isprintable() and id:
            segments = body.get("segments")
            return Accepted(id, segments if type(segments) is int else None)
    return None


def parse_inbound(body: Any, at: datetime) -> Inbound | None:
    """Parse a text to us; None without id, from, to or text."""
    match body:
        case {"id": str(id), "from": str(sender), "to": str(recipient), "text": str(text)} if all(
            value and value.isprintable() and len(value) <= 64 for value in (id, sender, recipient)
        ):
            return Inbound(
                sender=sender,
                recipient=recipient,
                text=text,
                received_at=at,
                sent_at=_get_utc(body, "sent_at"),
                provider_id=id,
                key=id,
            )
    return None


def parse_receipt(body: Any, outbound_id: str) -> Receipt | None:
    """Parse a receipt, with our id if sent along; None without id or a known status."""
    match body:
        case {"id": str(id), "status": str(word)} if (
            word in _STATUS_BY_WORD and id.isprintable() and id
        ):
            return Receipt(
                status=_STATUS_BY_WORD[word],
                provider_status=word,
                outbound_id=outbound_id if parse_outbound_id(outbound_id) else "",
                provider_id=id,
                at=_get_utc(body, "at"),
            )
    return None


def _get_utc(body: Any, name: str) -> datetime | None:
    timestamp = parse_timestamp(get_string(body, name))
    return timestamp if timestamp and timestamp.tzinfo else None


def _parse_error(response: Response) -> Sequence[ErrorItem]:
    """Return the error in ``{error, message}``."""
    body = response.json()
    return [ErrorItem(get_string(body, "error") or "", get_string(body, "message") or "")]


ERRORS = ErrorTable(
    provider="The simulator",
    by_code={
        "bad-request": ErrorRule(PermanentFailure),
        "text-too-long": ErrorRule(PermanentFailure, "Split the text; 1600 characters fit."),
        "bad-recipient": ErrorRule(PermanentFailure, "The recipient should look like +614…"),
        "opted-out": ErrorRule(OptedOut),
        "throttled": ErrorRule(TemporaryFailure),
    },
    by_status={401: ErrorRule(Unauthorized, "Check SIMULATED_KEY.")},
    parse_items=_parse_error,
)
