"""Telstra v2's JSON, read with all its quirks, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec

from cooee.core.errors import PermanentFailure, RequestRefused
from cooee.core.http_messages import Request, Response
from cooee.core.messages import Inbound, Outbound, Receipt, fingerprint, outbound_place
from cooee.providers import Subscription
from cooee.providers.json_fields import address, count, later, stamp, string, word
from cooee.providers.telstra_v2.errors import refusal, standing

AEST = timedelta(hours=10)
_DAYS, _RENEW_BELOW = 30, 14  # what a number is held for, and when it is held for longer
_LONGEST_VALIDITY = 7 * 24 * 60 - 1  # minutes; Telstra's Node SDK wants less than 7 days
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# Our number


class Held(msgspec.Struct, frozen=True):
    """The number we have: where its replies go, and how many days it is still ours."""

    number: str
    pushes_to: str | None
    days: int | None

    @property
    def ends_soon(self) -> bool:
        """Whether it is time to hold it for longer. Not where Telstra does not say: days cost."""
        return self.days is not None and self.days < _RENEW_BELOW

    def subscription(self, at: datetime | None) -> Subscription:
        """The same in the contract's words."""
        notes = () if self.days is not None else ("Telstra does not say until when it is ours.",)
        ends = later(at, timedelta(days=1), self.days)
        return Subscription(self.number, self.pushes_to, ends, notes)


def held(look: Request, found: Response) -> Held | None:
    """The number that a GET found; None where there is none (400, 404)."""
    if found.status in (400, 404):
        return None
    body = found.json()
    number = address(body, "destinationAddress")
    if found.status != 200 or not number:
        raise refusal(look, found)
    return Held(number, string(body, "notifyURL") or None, count(body.get("activeDays")))


def days_to_add(had: Held | None) -> int:
    """The increment that leaves 30 days; 1, where there are enough."""
    if had is None:
        return _DAYS
    return _DAYS - (had.days or 0) if had.ends_soon else 1


def provisioned(
    order: Request, made: Response, had: Held | None, added: int, pushes_to: str | None
) -> Subscription:
    """The number as a POST left it, of which the answer may tell no more than the number."""
    body = made.json()
    number = address(body, "destinationAddress") or (had.number if had else "")
    if made.status not in (200, 201) or not isinstance(body, dict) or not number:
        raise refusal(order, made, kind=PermanentFailure if made.status in (404, 405) else None)
    trial = later(_EPOCH, timedelta(milliseconds=1), count(body.get("expiryDate")))
    days = count(body.get("activeDays"))
    if days is None and (had is None or had.days is not None):
        days = added + (had.days or 0 if had else 0)
    ends = trial or later(made.at, timedelta(days=1), days)
    return Subscription(number, pushes_to, ends, _notes(body, trial))


def _notes(body: Mapping[str, Any], trial: datetime | None) -> Sequence[str]:
    said = string(body, "description")
    ends = trial and f"A free trial's number, which ends on {trial:%d %B %Y} for good."
    return tuple(note for note in (said, ends) if note)


# Texts


def sms(outbound: Outbound) -> Mapping[str, Any]:
    """The body that sends a text. What is half a character goes as "?": UTF-8 has no halves."""
    body: dict[str, Any] = {
        "to": outbound.recipient,
        "body": outbound.text.encode(errors="replace").decode(),
    }
    if outbound.callback:
        body["notifyURL"] = outbound.callback
    if outbound.good_until and outbound.at:
        minutes = (outbound.good_until - outbound.at) // timedelta(minutes=1)
        body["validity"] = min(max(minutes, 1), _LONGEST_VALIDITY)
    return body


def taken(answer: Response) -> Inbound | None:
    """The reply that a reading took out of the queue, as far as it goes; None if there is none.

    It needs no `key`: what is taken never comes again. Where something is missing or not what
    it should be, the whole answer is kept as `raw`, for it is the only copy.
    """
    body = answer.json()
    sender, text = address(body, "senderAddress"), string(body, "message")
    if not (sender or text):
        return None
    recipient = address(body, "destinationAddress")
    assert answer.at is not None, "A transport stamps its answers."
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=text or "",
        received_at=answer.at,
        sent_at=stamp(string(body, "sentTimestamp")),
        provider_id=word(body, "messageId"),
        raw=b"" if sender and recipient and text is not None else answer.body,
    )


def pushed(body: Any, at: datetime) -> Inbound:
    """The reply that a push brings, in its own keys or in those of reading.

    The key is made of everything, the id included: with `replyRequest` (which we never ask
    for, but another program on the same number may) two replies carry the id of the one text
    they answer, and a repeated push is the same in every part. A picture message has no body;
    its subject stands for it, so that the person is answered.

    Raises:
        RequestRefused: it has no sender, no recipient or no text.
    """
    sender = address(body, "from", "senderAddress")
    recipient = address(body, "to", "destinationAddress")
    text = string(body, "body", "message", "subject")
    if not sender or not recipient or text is None:
        raise RequestRefused(
            "A reply pushed by Telstra is JSON with from, to and body; this is not."
        )
    name, sent = word(body, "messageId"), string(body, "sentTimestamp") or ""
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=text,
        received_at=at,
        sent_at=stamp(sent),
        provider_id=name,
        key=fingerprint(name, sender, recipient, text, sent),
    )


# News of our texts


def reported(body: Any, name: str) -> Receipt:
    """The receipt that a push to ``status/name`` brings, where the name is our id of the text.

    Without a name it is found by Telstra's id, whose slashes (``/x/126…``) were a hyphen in
    the answer to the send (``x-126…``).

    Raises:
        RequestRefused: it names no text, or says no status.
    """
    if name and outbound_place(name) is None:
        raise RequestRefused("The path names no text of ours.", 404)
    provider_id = word(body, "messageId").strip("/").replace("/", "-")
    said = word(body, "deliveryStatus")
    if not said or not (name or provider_id):
        raise RequestRefused(
            "A receipt pushed by Telstra is JSON with messageId and deliveryStatus."
        )
    return receipt(body, name, provider_id)


def receipt(body: Any, outbound: str, provider_id: str) -> Receipt:
    """News of a text. Its moment is the later stamp: sources differ on which one is which."""
    said = word(body, "deliveryStatus")
    stamps = [stamp(string(body, name)) for name in ("sentTimestamp", "receivedTimestamp")]
    moments = [_in_utc(moment) for moment in stamps if moment is not None]
    at = max(moments, default=None)
    return Receipt(
        status=standing(said), word=said, outbound=outbound, provider_id=provider_id, at=at
    )


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None and moment.year > 1:  # the first ten hours have no place in UTC
        return moment.replace(tzinfo=timezone(AEST)).astimezone(UTC)
    return moment.replace(tzinfo=UTC)
