"""Twilio's JSON: its numbers, its texts, and pages of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cooee.core.messages import Inbound, Receipt
from cooee.providers import Accepted
from cooee.providers.twilio.errors import standing

# Values


def word(value: Any, *, longest: int = 128) -> str:
    """One short word of visible ASCII (a SID, a status, a code), else ""."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return ""
    return "" if " " in value or len(value) > longest else value


def address(value: Any) -> str:
    """What can be a number, a short code or a sender's name, as it came; else ""."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 64 else ""


def moment(value: Any) -> datetime | None:
    """A date as RFC 2822 has it: ``Mon, 16 Aug 2010 03:45:01 +0000``, or GMT for the offset."""
    try:
        stamp = value.replace("GMT", "+0000") if isinstance(value, str) else ""
        read = datetime.strptime(stamp, "%a, %d %b %Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return read if read.year > 2000 else None  # before there was a Twilio


# Our number


class Number(msgspec.Struct, frozen=True):
    """A number of the account's, and where its texts are pushed."""

    sid: str
    number: str
    sms_url: str
    by_post: bool
    application: str

    @property
    def pushes_to(self) -> str | None:
        """The URL without the fragment that says how to try again."""
        return self.sms_url.partition("#")[0] or None

    @property
    def host(self) -> str:
        """Whose URL it is."""
        try:
            return urlsplit(self.sms_url).hostname or "somewhere"
        except ValueError:
            return "somewhere"


def numbers(body: Any) -> Sequence[Number] | None:
    """The account's numbers; None where the answer is no list of them."""
    match body:
        case {"incoming_phone_numbers": list() as listed}:
            read = [_number(each) for each in listed]
            return [one for one in read if one] if all(read) else None
    return None


def _number(body: Any) -> Number | None:
    match body:
        case {"sid": str(sid), "phone_number": str(number)} if word(sid) and address(number):
            url = body.get("sms_url")
            return Number(
                sid,
                number,
                url if isinstance(url, str) else "",
                body.get("sms_method") == "POST",
                word(body.get("sms_application_sid")),
            )
    return None


# Texts


class Message(msgspec.Struct, frozen=True):
    """A text as Twilio's log has it. Its own dates are in whole seconds."""

    sid: str
    sender: str
    recipient: str
    body: str
    ours: bool
    status: str
    created: datetime
    updated: datetime | None
    error: str
    segments: int | None

    def inbound(self, at: datetime) -> Inbound:
        """The same as a text to us; its moment is when Twilio got it, before it called anybody."""
        return Inbound(
            sender=self.sender,
            recipient=self.recipient,
            text=self.body,
            received_at=at,
            sent_at=self.created,
            provider_id=self.sid,
            key=self.sid,
        )

    def receipt(self, outbound: str) -> Receipt:
        """News of it, where it is a text of ours."""
        return Receipt(
            status=standing(self.status, self.error),
            word=self.status,
            outbound=outbound,
            provider_id=self.sid,
            code=self.error,
            at=self.updated,
        )

    @property
    def accepted(self) -> Accepted:
        """What sending it came to; a messaging service does not count segments at once."""
        return Accepted(self.sid, self.segments or None)


def message(body: Any) -> Message | None:
    """A text; None where it has no SID, status or date of birth."""
    if not isinstance(body, dict):
        return None
    sid, status = word(body.get("sid")), word(body.get("status"))
    created = moment(body.get("date_created"))
    if not sid or not status or created is None:
        return None
    words = body.get("body")
    code = body.get("error_code")
    return Message(
        sid=sid,
        sender=address(body.get("from")),
        recipient=address(body.get("to")),
        body=words if isinstance(words, str) else "",
        ours=body.get("direction") != "inbound",
        status=status,
        created=created,
        updated=moment(body.get("date_updated")),
        error=str(code) if type(code) is int and 0 <= code < 10**9 else "",
        segments=_count(body.get("num_segments")),
    )


def accepted(body: Any) -> Accepted | None:
    """What a send came to; a SID will do, so that no oddity puts a text in doubt."""
    match body:
        case {"sid": str(sid)} if word(sid):
            return Accepted(sid, _count(body.get("num_segments")) or None)
    return None


def _count(value: Any) -> int | None:
    short = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6
    return int(value) if short else None


class Page(msgspec.Struct, frozen=True):
    """A page of the log, youngest first, and the path of the next one."""

    messages: Sequence[Message]
    next: str


def page(body: Any) -> Page | None:
    """A page; None where it is none, or holds what cannot be read: better late than skipped."""
    match body:
        case {"messages": list() as listed}:
            read = [message(each) for each in listed]
            further = body.get("next_page_uri")
            if all(read) and (further is None or _is_path(further)):
                return Page([each for each in read if each], further or "")
    return None


def _is_path(value: Any) -> bool:
    """Whether it can only lead to where we already are: credentials go with the request."""
    return bool(word(value, longest=2048)) and value.startswith("/2010-04-01/Accounts/")
