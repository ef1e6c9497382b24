"""Twilio's forms: what is posted to us, and what we post."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from cooee.core.errors import RequestRefused
from cooee.core.http_messages import Request
from cooee.core.messages import Inbound, Media, Outbound, Receipt, outbound_place
from cooee.providers.twilio.errors import standing
from cooee.providers.twilio.payloads import address, word

MOST_MEDIA = 10
_LONGEST_VALIDITY = 36_000  # seconds
_CONSENT: Mapping[str, Literal["out", "in"]] = {"STOP": "out", "START": "in"}


def fields(request: Request, pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """What was posted, by name: a form, or a flat JSON object of strings."""
    if pairs:
        return dict(pairs)
    body: Any = request.json() if request.body else None
    named = body if isinstance(body, dict) else {}
    return {name: value for name, value in named.items() if isinstance(value, str)}


def pushed(form: Mapping[str, str], at: datetime) -> Inbound:
    """The text that a push brings. It has no stamp: what counts is when it came.

    `OptOutType` is there where a messaging service has Advanced Opt-Out, whose words are the
    customer's own; it says what Twilio made of this one.

    Raises:
        RequestRefused: it has no SID, no sender or no recipient.
    """
    sid = word(form.get("MessageSid") or form.get("SmsMessageSid") or form.get("SmsSid"))
    sender, recipient = address(form.get("From")), address(form.get("To"))
    if not sid or not sender or not recipient:
        raise RequestRefused("A text pushed by Twilio has MessageSid, From and To; this has not.")
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=form.get("Body", ""),
        received_at=at,
        provider_id=sid,
        key=sid,
        media=_media(form),
        consent=_CONSENT.get(form.get("OptOutType", "").upper(), ""),
    )


def reported(form: Mapping[str, str], name: str) -> Receipt:
    """The receipt that a push to ``status/name`` brings, where the name is our id of the text.

    Raises:
        RequestRefused: it names no text, or says no status.
    """
    if name and outbound_place(name) is None:
        raise RequestRefused("The path names no text of ours.", 404)
    sid = word(form.get("MessageSid") or form.get("SmsSid"))
    said = word(form.get("MessageStatus") or form.get("SmsStatus"))
    if not sid or not said:
        raise RequestRefused("A receipt pushed by Twilio has MessageSid and MessageStatus.")
    code = word(form.get("ErrorCode"))
    code = "" if code == "0" else code
    return Receipt(
        status=standing(said, code), word=said, outbound=name, provider_id=sid, code=code
    )


def written(outbound: Outbound, service: str) -> Sequence[tuple[str, str]]:
    """The form that sends a text. What is half a character goes as "?": UTF-8 has no halves.

    `ValidityPeriod` is how long the text may wait at Twilio, in seconds, told where the text
    has a `good_until` and the attempt a time. With a messaging service `From` says which of
    its senders goes out: the number that the person knows.
    """
    form = [("To", outbound.recipient), ("From", outbound.sender)]
    if service:
        form.append(("MessagingServiceSid", service))
    if outbound.text or not outbound.media:
        form.append(("Body", outbound.text.encode(errors="replace").decode()))
    form += [("MediaUrl", url) for url in outbound.media]
    if outbound.callback:
        form.append(("StatusCallback", outbound.callback))
    if outbound.good_until and outbound.at:
        seconds = (outbound.good_until - outbound.at) // timedelta(seconds=1)
        form.append(("ValidityPeriod", str(min(max(seconds, 1), _LONGEST_VALIDITY))))
    return form


def _media(form: Mapping[str, str]) -> tuple[Media, ...]:
    count = form.get("NumMedia", "0")
    most = min(int(count), MOST_MEDIA) if count.isascii() and count.isdecimal() else 0
    found = (
        Media(
            url=word(form.get(f"MediaUrl{place}"), longest=2048),
            content_type=word(form.get(f"MediaContentType{place}")),
        )
        for place in range(most)
    )
    return tuple(one for one in found if one.url)
