"""Twilio's forms: webhooks in, sends out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from cooee.providers import (
    Inbound,
    Media,
    Outbound,
    Receipt,
    Request,
    RequestRefused,
    parse_outbound_id,
)
from cooee.providers.json_fields import get_address, get_ascii_word, parse_int
from cooee.providers.twilio.errors import twilio_status

MAX_MEDIA = 10
_MAX_VALIDITY_S = 36_000  # seconds
_CONSENT_BY_TYPE: Mapping[str, Literal["out", "in"]] = {"STOP": "out", "START": "in"}


def parse_form(request: Request, pairs: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Return the posted fields by name, from a form or a flat JSON object of strings."""
    if pairs:
        return dict(pairs)
    body: Any = request.json() if request.body else None
    members = body if isinstance(body, dict) else {}
    return {name: value for name, value in members.items() if isinstance(value, str)}


def parse_inbound_form(form: Mapping[str, str], at: datetime) -> Inbound:
    """Parse a pushed text. Without a timestamp, the time of its arrival counts.

    `OptOutType` is there where a messaging service has Advanced Opt-Out, whose keywords
    are the customer's own; it says how Twilio understood the text.

    Raises:
        RequestRefused: it has no SID, no sender or no recipient.
    """
    sid = get_ascii_word(form, "MessageSid", "SmsMessageSid", "SmsSid")
    sender, recipient = get_address(form, "From"), get_address(form, "To")
    if not sid or not sender or not recipient:
        raise RequestRefused("A text pushed by Twilio has MessageSid, From and To; this has not.")
    return Inbound(
        sender=sender,
        recipient=recipient,
        text=form.get("Body", ""),
        received_at=at,
        provider_id=sid,
        key=sid,
        media=_parse_media(form),
        consent=_CONSENT_BY_TYPE.get(form.get("OptOutType", "").upper(), ""),
    )


def parse_receipt_form(form: Mapping[str, str], outbound_id: str) -> Receipt:
    """Parse a push to ``status/name``, where the name is our id of the text.

    Raises:
        RequestRefused: it names no text, or says no status.
    """
    if outbound_id and parse_outbound_id(outbound_id) is None:
        raise RequestRefused("The path names no text of ours.", 404)
    sid = get_ascii_word(form, "MessageSid", "SmsSid")
    status_word = get_ascii_word(form, "MessageStatus", "SmsStatus")
    if not sid or not status_word:
        raise RequestRefused("A receipt pushed by Twilio has MessageSid and MessageStatus.")
    code = get_ascii_word(form, "ErrorCode")
    code = "" if code == "0" else code
    return Receipt(
        status=twilio_status(status_word, code),
        provider_status=status_word,
        outbound_id=outbound_id,
        provider_id=sid,
        code=code,
    )


def build_send_form(outbound: Outbound, service: str) -> Sequence[tuple[str, str]]:
    """Build the form of a send. Half a character is sent as "?": UTF-8 has no halves.

    `ValidityPeriod` is how long the text may wait at Twilio, in seconds, sent where the text
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
        form.append(("ValidityPeriod", str(min(max(seconds, 1), _MAX_VALIDITY_S))))
    return form


def encode_form(form: Sequence[tuple[str, str]]) -> bytes:
    """Encode a form, as `urllib.parse.urlencode` does in twice the time; "?" for half a character.

    Names are ASCII words, and go as they are.
    """
    return b"&".join(
        name.encode() + b"=" + _UNSAFE_BYTE.sub(_quote_byte, value.encode(errors="replace"))
        for name, value in form
    )


def _quote_byte(found: re.Match[bytes]) -> bytes:
    return _QUOTED_BYTES[found[0]]


_UNSAFE_BYTE = re.compile(rb"[^A-Za-z0-9_.~-]")
_QUOTED_BYTES = {bytes([n]): b"%%%02X" % n for n in range(256)} | {b" ": b"+"}


def _parse_media(form: Mapping[str, str]) -> tuple[Media, ...]:
    media_count = min(parse_int(form.get("NumMedia")) or 0, MAX_MEDIA)
    found = (
        Media(
            url=get_ascii_word(form, f"MediaUrl{index}", max_chars=2048),
            content_type=get_ascii_word(form, f"MediaContentType{index}"),
        )
        for index in range(media_count)
    )
    return tuple(one for one in found if one.url)
