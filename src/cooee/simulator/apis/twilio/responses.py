"""Twilio's JSON and forms, key by key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from cooee.simulator.apis.twilio.opt_outs import Kind

VERSION = "2010-04-01"


class Message(msgspec.Struct, eq=False, kw_only=True):
    """A text in an account's log."""

    sid: str
    account: str
    direction: str  # inbound, outbound-api, outbound-reply
    sender: str
    recipient: str
    body: str
    status: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    segments: int = 1
    media: Sequence[str] = ()
    service: str | None = None
    callback: str = ""
    error_code: int | None = None
    listed: bool = False

    @property
    def inbound(self) -> bool:
        """Whether it is a text to us."""
        return self.direction == "inbound"


class Number(msgspec.Struct, kw_only=True):
    """A number of an account, and what is called when a text comes."""

    sid: str
    account: str
    number: str
    created_at: datetime
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    sms_application_sid: str = ""
    friendly_name: str = ""


def stamp(moment: datetime | None) -> str | None:
    """A date as RFC 2822 has it."""
    return None if moment is None else moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def path(account: str, *parts: str) -> str:
    """The path of a resource, relative to the API's host."""
    return "/".join([f"/{VERSION}/Accounts/{account}", *parts]) + ".json"


_WORDS = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30036: "Validity Period Expired",
}


def message(one: Message) -> dict[str, Any]:
    """A text."""
    own = path(one.account, "Messages", one.sid)
    counted = "0" if one.service and one.status == "accepted" else str(one.segments)
    return {
        "account_sid": one.account,
        "api_version": VERSION,
        "body": one.body,
        "date_created": stamp(one.created_at),
        "date_sent": stamp(one.sent_at),
        "date_updated": stamp(one.updated_at),
        "direction": one.direction,
        "error_code": one.error_code,
        "error_message": _WORDS.get(one.error_code or 0),
        "from": one.sender,
        "messaging_service_sid": one.service,
        "num_media": str(len(one.media)),
        "num_segments": counted,
        "price": None,
        "price_unit": "USD",
        "sid": one.sid,
        "status": one.status,
        "subresource_uris": {"media": own.removesuffix(".json") + "/Media.json"},
        "to": one.recipient,
        "uri": own,
    }


def number(one: Number) -> dict[str, Any]:
    """A number, with every field of the SDK's model that a text has to do with."""
    at = stamp(one.created_at)
    return {
        "account_sid": one.account,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": VERSION,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": at,
        "date_updated": at,
        "friendly_name": one.friendly_name or one.number,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": one.number,
        "sid": one.sid,
        "sms_application_sid": one.sms_application_sid,
        "sms_fallback_method": one.sms_fallback_method,
        "sms_fallback_url": one.sms_fallback_url,
        "sms_method": one.sms_method,
        "sms_url": one.sms_url,
        "status": "in-use",
        "trunk_sid": None,
        "uri": path(one.account, "IncomingPhoneNumbers", one.sid),
        "voice_method": "POST",
        "voice_url": "",
    }


def pushed(one: Message, optout: Kind | None) -> list[tuple[str, str]]:
    """A text as it is posted to `SmsUrl`."""
    pairs = [
        ("ToCountry", "AU"),
        ("SmsMessageSid", one.sid),
        ("NumMedia", str(len(one.media))),
        ("FromState", ""),
        ("SmsSid", one.sid),
        ("SmsStatus", "received"),
        ("Body", one.body),
        ("FromCountry", "AU"),
        ("To", one.recipient),
        ("NumSegments", str(one.segments)),
        ("MessageSid", one.sid),
        ("AccountSid", one.account),
        ("From", one.sender),
        ("ApiVersion", VERSION),
    ]
    if one.service:
        pairs.append(("MessagingServiceSid", one.service))
        pairs += [("OptOutType", optout)] if optout else []
    return pairs


def reported(one: Message) -> list[tuple[str, str]]:
    """News of a text as it is posted to `StatusCallback`."""
    pairs = [
        ("SmsSid", one.sid),
        ("SmsStatus", one.status),
        ("MessageStatus", one.status),
        ("To", one.recipient),
        ("MessageSid", one.sid),
        ("AccountSid", one.account),
        ("From", one.sender),
        ("ApiVersion", VERSION),
    ]
    if one.service:
        pairs.append(("MessagingServiceSid", one.service))
    if one.error_code:
        pairs.append(("ErrorCode", str(one.error_code)))
    return pairs
