"""Telstra v2's JSON, parsed with all its quirks, and built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from cooee.providers import (
    Inbound,
    Outbound,
    PermanentFailure,
    Receipt,
    Request,
    RequestRefused,
    Response,
    Subscription,
    parse_outbound_id,
    text_fingerprint,
)
from cooee.providers.json_fields import (
    add_durations,
    get_address,
    get_ascii_word,
    get_string,
    parse_int,
    parse_timestamp,
)
from cooee.providers.telstra_v2.errors import ERRORS, telstra_v2_status

AEST_OFFSET = timedelta(hours=10)
_HOLD_DAYS, _RENEW_BELOW_DAYS = 30, 14  # what a number is held for, and when it is held for longer
_MAX_VALIDITY_MINUTES = 7 * 24 * 60 - 1  # minutes; Telstra's Node SDK wants less than 7 days
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# Our number


class ProvisionedNumber(msgspec.Struct, frozen=True):
    """Our number: where its replies are pushed, and its remaining days."""

    number: str
    push_url: str | None
    days_left: int | None

    @property
    def expires_soon(self) -> bool:
        """Return True when the number should be renewed; not for unknown days, since days cost."""
        return self.days_left is not None and self.days_left < _RENEW_BELOW_DAYS

    def to_subscription(self, at: datetime | None) -> Subscription:
        """Return the number as a subscription."""
        notes = (
            () if self.days_left is not None else ("Telstra does not say until when it is ours.",)
        )
        expires_at = add_durations(at, timedelta(days=1), self.days_left)
        return Subscription(self.number, self.push_url, expires_at, notes)


def parse_provisioned(request: Request, response: Response) -> ProvisionedNumber | None:
    """Return the number in a GET's response; None where the app has none (400, 404)."""
    if response.status in (400, 404):
        return None
    body = response.json()
    number = get_address(body, "destinationAddress")
    if response.status != 200 or not number:
        raise ERRORS.error_from(request, response)
    return ProvisionedNumber(
        number, get_string(body, "notifyURL") or None, parse_int(body.get("activeDays"))
    )


def days_to_add(current: ProvisionedNumber | None) -> int:
    """Return the increment to 30 days; 1 where more than 14 are left."""
    if current is None:
        return _HOLD_DAYS
    return _HOLD_DAYS - (current.days_left or 0) if current.expires_soon else 1


def parse_subscription(
    request: Request,
    response: Response,
    current: ProvisionedNumber | None,
    added_days: int,
    push_url: str | None,
) -> Subscription:
    """Return the number after a POST, whose response may hold only the number."""
    body = response.json()
    number = get_address(body, "destinationAddress") or (current.number if current else "")
    if response.status not in (200, 201) or not isinstance(body, dict) or not number:
        raise ERRORS.error_from(
            request,
            response,
            error_class=PermanentFailure if response.status in (404, 405) else None,
        )
    trial_ends_at = add_durations(
        _EPOCH, timedelta(milliseconds=1), parse_int(body.get("expiryDate"))
    )
    days_left = parse_int(body.get("activeDays"))
    if days_left is None and (current is None or current.days_left is not None):
        days_left = added_days + (current.days_left or 0 if current else 0)
    expires_at = trial_ends_at or add_durations(response.at, timedelta(days=1), days_left)
    return Subscription(number, push_url, expires_at, _subscription_notes(body, trial_ends_at))


def _subscription_notes(body: Mapping[str, Any], trial_ends_at: datetime | None) -> Sequence[str]:
    description = get_string(body, "description")
    trial_note = (
        trial_ends_at and f"A free trial's number, which ends on {trial_ends_at:%Y-%m-%d} for good."
    )
    return tuple(note for note in (description, trial_note) if note)


# Texts


def build_sms_body(outbound: Outbound) -> Mapping[str, Any]:
    """Build the body of a send. Half a character is sent as "?": UTF-8 has no halves."""
    body: dict[str, Any] = {
        "to": outbound.recipient,
        "body": outbound.text.encode(errors="replace").decode(),
    }
    if outbound.callback:
        body["notifyURL"] = outbound.callback
    if outbound.good_until and outbound.at:
        minutes = (outbound.good_until - outbound.at) // timedelta(minutes=1)
        body["validity"] = min(max(minutes, 1), _MAX_VALIDITY_MINUTES)
    return body


def parse_polled_reply(response: Response) -> Inbound | None:
    """Parse a polled reply, as far as readable, or None.

    It needs no `key`: what is taken never comes again. Where something is missing or not what
    it should be, the whole answer is kept as `raw`, for it is the only copy.
    """
    body = response.json()
    sender, text = get_address(body, "senderAddress"), get_string(body, "message")
    if not (sender or text):
        return None
    recipient = get_address(body, "destinationAddress")
    assert response.at is not None, "A transport stamps its answers."
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=text or "",
        received_at=response.at,
        sent_at=parse_timestamp(get_string(body, "sentTimestamp")),
        provider_id=get_ascii_word(body, "messageId"),
        raw=b"" if sender and recipient and text is not None else response.body,
    )


def parse_pushed_reply(body: Any, at: datetime) -> Inbound:
    """Parse a pushed reply, in its own keys or in the keys of polling.

    The key is made of everything, the id included: with `replyRequest` (which we never ask
    for, but another program on the same number may) two replies carry the id of the one text
    they answer, and a repeated push is the same in every part. A picture message has no body;
    its subject stands for it, so that the person is answered.

    Raises:
        RequestRefused: it has no sender, no recipient or no text.
    """
    sender = get_address(body, "from", "senderAddress")
    recipient = get_address(body, "to", "destinationAddress")
    text = get_string(body, "body", "message", "subject")
    if not sender or not recipient or text is None:
        raise RequestRefused(
            "A reply pushed by Telstra is JSON with from, to and body; this is not."
        )
    provider_id, sent_at = (
        get_ascii_word(body, "messageId"),
        get_string(body, "sentTimestamp") or "",
    )
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=text,
        received_at=at,
        sent_at=parse_timestamp(sent_at),
        provider_id=provider_id,
        key=text_fingerprint(provider_id, sender, recipient, text, sent_at),
    )


# Receipts


def parse_pushed_receipt(body: Any, outbound_id: str) -> Receipt:
    """Parse a push to ``status/name``, where the name is our id of the text.

    Without a name it is found by Telstra's id, whose slashes (``/x/126…``) were a hyphen in
    the answer to the send (``x-126…``).

    Raises:
        RequestRefused: it names no text, or says no status.
    """
    if outbound_id and parse_outbound_id(outbound_id) is None:
        raise RequestRefused("The path names no text of ours.", 404)
    provider_id = get_ascii_word(body, "messageId").strip("/").replace("/", "-")
    status_word = get_ascii_word(body, "deliveryStatus")
    if not status_word or not (outbound_id or provider_id):
        raise RequestRefused(
            "A receipt pushed by Telstra is JSON with messageId and deliveryStatus."
        )
    return build_receipt(body, outbound_id, provider_id)


def build_receipt(body: Any, outbound_id: str, provider_id: str) -> Receipt:
    """Build a receipt. Its moment is the later timestamp: sources differ on the order."""
    status_word = get_ascii_word(body, "deliveryStatus")
    timestamps = [
        parse_timestamp(get_string(body, name)) for name in ("sentTimestamp", "receivedTimestamp")
    ]
    moments = [_as_utc(moment) for moment in timestamps if moment is not None]
    at = max(moments, default=None)
    return Receipt(
        status=telstra_v2_status(status_word),
        provider_status=status_word,
        outbound_id=outbound_id,
        provider_id=provider_id,
        at=at,
    )


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None and moment.year > 1:  # the first ten hours have no place in UTC
        return moment.replace(tzinfo=timezone(AEST_OFFSET)).astimezone(UTC)
    return moment.replace(tzinfo=UTC)
