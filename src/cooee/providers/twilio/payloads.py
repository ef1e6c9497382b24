"""Twilio's JSON: numbers, messages, and pages of messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cooee.providers import Accepted, Inbound, Receipt
from cooee.providers.twilio.errors import twilio_status

# Values


def ascii_word(value: Any, *, max_chars: int = 128) -> str:
    """Return visible ASCII without spaces (a SID, a status, a code), else ""."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return ""
    return "" if " " in value or len(value) > max_chars else value


def address_or_empty(value: Any) -> str:
    """Return a number, a short code or a sender name, as it came; else ""."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 64 else ""


def parse_rfc2822_date(value: Any) -> datetime | None:
    """Parse an RFC 2822 date: ``Mon, 16 Aug 2010 03:45:01 +0000``, or GMT for the offset."""
    try:
        with_offset = value.replace("GMT", "+0000") if isinstance(value, str) else ""
        date = datetime.strptime(with_offset, "%a, %d %b %Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return date if date.year > 2000 else None  # before there was a Twilio


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
        """Return the URL without its fragment, which asks for retries."""
        return self.sms_url.partition("#")[0] or None

    @property
    def push_host(self) -> str:
        """Return the host of the URL."""
        try:
            return urlsplit(self.sms_url).hostname or "somewhere"
        except ValueError:
            return "somewhere"


def parse_numbers(body: Any) -> Sequence[IncomingPhoneNumber] | None:
    """Return the account's numbers; None for any other body."""
    match body:
        case {"incoming_phone_numbers": list() as listed}:
            parsed = [_parse_number(each) for each in listed]
            return [one for one in parsed if one] if all(parsed) else None
    return None


def _parse_number(body: Any) -> IncomingPhoneNumber | None:
    match body:
        case {"sid": str(sid), "phone_number": str(number)} if ascii_word(sid) and address_or_empty(
            number
        ):
            url = body.get("sms_url")
            return IncomingPhoneNumber(
                sid,
                number,
                url if isinstance(url, str) else "",
                body.get("sms_method") == "POST",
                ascii_word(body.get("sms_application_sid")),
            )
    return None


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
        """Return a text to us; it was sent when Twilio got it, before any webhook."""
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
    sid, status = ascii_word(body.get("sid")), ascii_word(body.get("status"))
    created_at = parse_rfc2822_date(body.get("date_created"))
    if not sid or not status or created_at is None:
        return None
    text = body.get("body")
    code = body.get("error_code")
    return LoggedMessage(
        sid=sid,
        sender=address_or_empty(body.get("from")),
        recipient=address_or_empty(body.get("to")),
        body=text if isinstance(text, str) else "",
        is_outbound=body.get("direction") != "inbound",
        status=status,
        created_at=created_at,
        updated_at=parse_rfc2822_date(body.get("date_updated")),
        error_code=str(code) if type(code) is int and 0 <= code < 10**9 else "",
        segments=_parse_segments(body.get("num_segments")),
    )


def parse_send_response(body: Any) -> Accepted | None:
    """Return an accepted text; a SID is enough, so that no oddity leaves its outcome unknown."""
    match body:
        case {"sid": str(sid)} if ascii_word(sid):
            return Accepted(sid, _parse_segments(body.get("num_segments")) or None)
    return None


def _parse_segments(value: Any) -> int | None:
    is_short_number = (
        isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6
    )
    return int(value) if is_short_number else None


class MessagePage(msgspec.Struct, frozen=True):
    """A page of the log, newest first, and the path of the next page."""

    messages: Sequence[LoggedMessage]
    next_path: str


def parse_page(body: Any) -> MessagePage | None:
    """Parse a page; None where any text cannot be read: better late than skipped."""
    match body:
        case {"messages": list() as listed}:
            parsed = [parse_message(each) for each in listed]
            next_path = body.get("next_page_uri")
            if all(parsed) and (next_path is None or _is_api_path(next_path)):
                return MessagePage([each for each in parsed if each], next_path or "")
    return None


def _is_api_path(value: Any) -> bool:
    """Return True for a path of the API: credentials go with the request."""
    return bool(ascii_word(value, max_chars=2048)) and value.startswith("/2010-04-01/Accounts/")
