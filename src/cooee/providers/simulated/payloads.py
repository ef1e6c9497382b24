"""The simulated company's JSON, its codes and its delivery words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cooee.core.errors import OptedOut, PermanentFailure, ProviderFailure, TemporaryFailure
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound, Outbound, Receipt, Status, outbound_place
from cooee.providers import Accepted
from cooee.providers.http_errors import failure

_KEY = "Check SIMULATED_KEY."

_STATUSES: Mapping[str, Status] = {
    "accepted": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "expired": Status.EXPIRED,
}
_CODES: Mapping[str, tuple[type[ProviderFailure], str]] = {
    "bad-request": (PermanentFailure, ""),
    "text-too-long": (PermanentFailure, "Split the text; 1600 characters fit."),
    "bad-recipient": (PermanentFailure, "The recipient should look like +614…"),
    "opted-out": (OptedOut, ""),
    "throttled": (TemporaryFailure, ""),
}


def written(outbound: Outbound) -> Mapping[str, Any]:
    """The body that sends a text. What is half a character goes as "?": UTF-8 has no halves."""
    body = {
        "from": outbound.sender,
        "to": outbound.recipient,
        "text": outbound.text.encode(errors="replace").decode(),
        "reference": outbound.id,
    }
    return {**body, "callback": outbound.callback} if outbound.callback else body


def read_accepted(body: Any) -> Accepted | None:
    """What the box says of a text it has; None where it says something else."""
    match body:
        case {"id": str(id)} if id.isprintable() and id:
            segments = body.get("segments")
            return Accepted(id, segments if type(segments) is int else None)
    return None


def read_inbound(body: Any, at: datetime) -> Inbound | None:
    """A text for us; None where it has no id, from, to or text."""
    match body:
        case {"id": str(id), "from": str(sender), "to": str(recipient), "text": str(text)} if all(
            end and end.isprintable() and len(end) <= 64 for end in (id, sender, recipient)
        ):
            return Inbound(
                sender=sender,
                recipient=recipient,
                text=text,
                received_at=at,
                sent_at=_moment(body.get("sent_at")),
                provider_id=id,
                key=id,
            )
    return None


def read_receipt(body: Any, outbound: str) -> Receipt | None:
    """News of our text, by our id where it has travelled; None where there is none in it."""
    match body:
        case {"id": str(id), "status": str(word)} if word in _STATUSES and id.isprintable() and id:
            return Receipt(
                status=_STATUSES[word],
                word=word,
                outbound=outbound if outbound_place(outbound) else "",
                provider_id=id,
                at=_moment(body.get("at")),
            )
    return None


def refusal(request: Request, answer: Response) -> ProviderFailure:
    """The failure that ``{error, message}``, or anything else, stands for."""
    body = answer.json()
    said = body if isinstance(body, dict) else {}
    code, words = (
        value if isinstance(value := said.get(name), str) else "" for name in ("error", "message")
    )
    kind, hint = _CODES.get(code, (None, _KEY if answer.status == 401 else ""))
    return failure("The box", request, answer, kind=kind, code=code, words=words, hint=hint)


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
