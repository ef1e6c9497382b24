"""The simulated company's JSON, its codes and its delivery words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cooee.core.errors import OptedOut, PermanentFailure, ProviderFailure, TemporaryFailure
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound, Outbound, Receipt, Status, parse_outbound_id
from cooee.providers import Accepted
from cooee.providers.http_errors import error_from_response

_KEY_HINT = "Check SIMULATED_KEY."

_STATUS_BY_WORD: Mapping[str, Status] = {
    "accepted": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "expired": Status.EXPIRED,
}
_ERRORS_BY_CODE: Mapping[str, tuple[type[ProviderFailure], str]] = {
    "bad-request": (PermanentFailure, ""),
    "text-too-long": (PermanentFailure, "Split the text; 1600 characters fit."),
    "bad-recipient": (PermanentFailure, "The recipient should look like +614…"),
    "opted-out": (OptedOut, ""),
    "throttled": (TemporaryFailure, ""),
}


def build_send_body(outbound: Outbound) -> Mapping[str, Any]:
    """The body that sends a text. What is half a character goes as "?": UTF-8 has no halves."""
    body = {
        "from": outbound.sender,
        "to": outbound.recipient,
        "text": outbound.text.encode(errors="replace").decode(),
        "reference": outbound.id,
    }
    return {**body, "callback": outbound.callback} if outbound.callback else body


def parse_accepted(body: Any) -> Accepted | None:
    """What the box says of a text it has; None where it says something else."""
    match body:
        case {"id": str(id)} if id.isprintable() and id:
            segments = body.get("segments")
            return Accepted(id, segments if type(segments) is int else None)
    return None


def parse_inbound(body: Any, at: datetime) -> Inbound | None:
    """A text for us; None where it has no id, from, to or text."""
    match body:
        case {"id": str(id), "from": str(sender), "to": str(recipient), "text": str(text)} if all(
            value and value.isprintable() and len(value) <= 64 for value in (id, sender, recipient)
        ):
            return Inbound(
                sender=sender,
                recipient=recipient,
                text=text,
                received_at=at,
                sent_at=_parse_utc_timestamp(body.get("sent_at")),
                provider_id=id,
                key=id,
            )
    return None


def parse_receipt(body: Any, outbound_id: str) -> Receipt | None:
    """News of our text, by our id where it has travelled; None where there is none in it."""
    match body:
        case {"id": str(id), "status": str(word)} if (
            word in _STATUS_BY_WORD and id.isprintable() and id
        ):
            return Receipt(
                status=_STATUS_BY_WORD[word],
                provider_status=word,
                outbound_id=outbound_id if parse_outbound_id(outbound_id) else "",
                provider_id=id,
                at=_parse_utc_timestamp(body.get("at")),
            )
    return None


def simulated_error(request: Request, response: Response) -> ProviderFailure:
    """The failure that ``{error, message}``, or anything else, stands for."""
    body = response.json()
    fields = body if isinstance(body, dict) else {}
    code, reason = (
        value if isinstance(value := fields.get(name), str) else "" for name in ("error", "message")
    )
    error_class, hint = _ERRORS_BY_CODE.get(
        code, (None, _KEY_HINT if response.status == 401 else "")
    )
    return error_from_response(
        "The box", request, response, error_class=error_class, code=code, reason=reason, hint=hint
    )


def _parse_utc_timestamp(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
