"""Twilio's JSON: numbers, messages, and pages of messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cooee.providers import Accepted, Inbound, Receipt
from cooee.providers.json_fields import get_address, get_ascii_word, get_string, parse_int
from cooee.providers.twilio.errors import twilio_status

# Values


def parse_rfc2822_date(value: Any) -> datetime | None:
    """Parse an RFC 2822 date: ``Mon, 16 Aug 2010 03:45:01 +0000``, or GMT for the offset."""
    try:
        date = parsedate_to_datetime(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None or date.year <= 2000:  # before there was a Twilio
        return None
    return date.astimezone(UTC)


# Our number


class IncomingPhoneNumber(msgspec.Struct, frozen=True):
    """A number of the account, and where its texts are pushed."""

    sid: str
    number: str
    sms_url: str
    uses_post: bool
    application_sid: str

    @property
    def push_url(self) -> str | None:
        """Return the URL without its fragment of retries."""
        return self.sms_url.partition("#")[0] or None

    @property
    def push_host(self) -> str:
        """Return the host of the URL."""
        try:
            return urlsplit(self.sms_url).hostname or "somewhere"
        except ValueError:
            return "somewhere"


def parse_numbers(body: Any) -> Sequence[IncomingPhoneNumber] | None:
    """Return the account's numbers; None for a body of another form."""
    match body:
        case {"incoming_phone_numbers": list() as listed}:
            parsed = [_parse_number(each) for each in listed]
            return [one for one in parsed if one] if all(parsed) else None
    return None


def _parse_number(body: Any) -> IncomingPhoneNumber | None:
    sid, number = get_ascii_word(body, "sid"), get_address(body, "phone_number")
    if not sid or not number:
        return None
    return IncomingPhoneNumber(
        sid,
        number,
        sms_url=get_string(body, "sms_url") or "",
        uses_post=body.get("sms_method") == "POST",
        application_sid=get_ascii_word(body, "sms_application_sid"),
    )


# Texts


class LoggedMessage(msgspec.Struct, frozen=True):
    """A text in Twilio's log. Its dates are in whole seconds."""

    sid: str
    sender: str
    recipient: str
    body: str
    is_outbound: bool
    status: str
    created_at: datetime
    updated_at: datetime | None
    error_code: str
    segments: int | None

    def to_inbound(self, at: datetime) -> Inbound:
        """Return a text to us, sent when Twilio got the text, before any webhook."""
        return Inbound(
            sender=self.sender,
            recipient=self.recipient,
            text=self.body,
            received_at=at,
            sent_at=self.created_at,
            provider_id=self.sid,
            key=self.sid,
        )

    def to_receipt(self, outbound_id: str) -> Receipt:
        """Return the receipt of a text of ours."""
        return Receipt(
            status=twilio_status(self.status, self.error_code),
            provider_status=self.status,
            outbound_id=outbound_id,
            provider_id=self.sid,
            code=self.error_code,
            at=self.updated_at,
        )

    @property
    def accepted(self) -> Accepted:
        """Return the text as accepted; a messaging service counts no segments at first."""
        return Accepted(self.sid, self.segments or None)


def parse_message(body: Any) -> LoggedMessage | None:
    """Parse a text; None without SID, status or creation date."""
    if not isinstance(body, dict):
        return None
    sid, status = get_ascii_word(body, "sid"), get_ascii_word(body, "status")
    created_at = parse_rfc2822_date(body.get("date_created"))
    if not sid or not status or created_at is None:
        return None
    code = body.get("error_code")
    return LoggedMessage(
        sid=sid,
        sender=get_address(body, "from"),
        recipient=get_address(body, "to"),
        body=get_string(body, "body") or "",
        is_outbound=body.get("direction") != "inbound",
        status=status,
        created_at=created_at,
        updated_at=parse_rfc2822_date(body.get("date_updated")),
        error_code=str(code) if type(code) is int and 0 <= code < 10**9 else "",
        segments=parse_int(get_string(body, "num_segments")),
    )


def parse_send_response(body: Any) -> Accepted | None:
    """Return an accepted text; a SID is enough: no oddity leaves the outcome unknown."""
    sid = get_ascii_word(body, "sid")
    return Accepted(sid, parse_int(get_string(body, "num_segments")) or None) if sid else None


class MessagePage(msgspec.Struct, frozen=True):
    """A page of the log, newest first, and the path of the next page."""

    messages: Sequence[LoggedMessage]
    next_path: str


def parse_page(body: Any) -> MessagePage | None:
    """Parse a page; None where any text cannot be read: better late than skipped."""
    match body:
        case {"messages": list() as listed}:
            parsed = [parse_message(each) for each in listed]
            is_last = body.get("next_page_uri") is None
            next_path = get_ascii_word(body, "next_page_uri", max_chars=2048)
            # Credentials go with the next request, so its path has to be one of the API's.
            if all(parsed) and (is_last or next_path.startswith("/2010-04-01/Accounts/")):
                return MessagePage([each for each in parsed if each], next_path)
    return None
