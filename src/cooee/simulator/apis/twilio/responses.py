"""The JSON of Twilio's API and the forms of its webhooks, key by key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec

from cooee.simulator.apis.twilio.opt_outs import OptOutType

API_VERSION = "2010-04-01"


class TwilioMessage(msgspec.Struct, eq=False, kw_only=True):
    """A message in an account's log."""

    sid: str
    account_sid: str
    direction: str  # inbound, outbound-api, outbound-reply
    sender: str
    recipient: str
    body: str
    status: str
    created_at: datetime
    updated_at: datetime
    sent_at: datetime | None = None
    segment_count: int = 1
    media_urls: Sequence[str] = ()
    service_sid: str | None = None
    status_callback_url: str = ""
    error_code: int | None = None
    was_listed: bool = False

    @property
    def is_inbound(self) -> bool:
        """True where the message came from a phone."""
        return self.direction == "inbound"


class TwilioNumber(msgspec.Struct, kw_only=True):
    """A number of an account, and its webhooks for inbound messages."""

    sid: str
    account_sid: str
    number: str
    created_at: datetime
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    sms_application_sid: str = ""
    friendly_name: str = ""


def format_rfc2822(time: datetime | None) -> str | None:
    """Return a date in the form of RFC 2822."""
    return None if time is None else format_datetime(time.astimezone(UTC))


def resource_path(account_sid: str, *parts: str) -> str:
    """Return the path of a resource, relative to the API's host."""
    return "/".join([f"/{API_VERSION}/Accounts/{account_sid}", *parts]) + ".json"


_ERROR_MESSAGES = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30036: "Validity Period Expired",
}


def message_json(message: TwilioMessage) -> dict[str, Any]:
    """Return a message's JSON."""
    own_path = resource_path(message.account_sid, "Messages", message.sid)
    num_segments = (
        "0" if message.service_sid and message.status == "accepted" else str(message.segment_count)
    )
    return {
        "account_sid": message.account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": format_rfc2822(message.created_at),
        "date_sent": format_rfc2822(message.sent_at),
        "date_updated": format_rfc2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": _ERROR_MESSAGES.get(message.error_code or 0),
        "from": message.sender,
        "messaging_service_sid": message.service_sid,
        "num_media": str(len(message.media_urls)),
        "num_segments": num_segments,
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": own_path.removesuffix(".json") + "/Media.json"},
        "to": message.recipient,
        "uri": own_path,
    }


def number_json(number: TwilioNumber) -> dict[str, Any]:
    """Return a number's JSON, with messaging's fields of the SDK's model."""
    created = format_rfc2822(number.created_at)
    return {
        "account_sid": number.account_sid,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": API_VERSION,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": created,
        "date_updated": created,
        "friendly_name": number.friendly_name or number.number,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": number.number,
        "sid": number.sid,
        "sms_application_sid": number.sms_application_sid,
        "sms_fallback_method": number.sms_fallback_method,
        "sms_fallback_url": number.sms_fallback_url,
        "sms_method": number.sms_method,
        "sms_url": number.sms_url,
        "status": "in-use",
        "trunk_sid": None,
        "uri": resource_path(number.account_sid, "IncomingPhoneNumbers", number.sid),
        "voice_method": "POST",
        "voice_url": "",
    }


def inbound_form(message: TwilioMessage, opt_out_type: OptOutType | None) -> list[tuple[str, str]]:
    """Return the form of an inbound message, as posted to `SmsUrl`."""
    form = [
        ("ToCountry", "AU"),
        ("SmsMessageSid", message.sid),
        ("NumMedia", str(len(message.media_urls))),
        ("FromState", ""),
        ("SmsSid", message.sid),
        ("SmsStatus", "received"),
        ("Body", message.body),
        ("FromCountry", "AU"),
        ("To", message.recipient),
        ("NumSegments", str(message.segment_count)),
        ("MessageSid", message.sid),
        ("AccountSid", message.account_sid),
        ("From", message.sender),
        ("ApiVersion", API_VERSION),
    ]
    if message.service_sid:
        form.append(("MessagingServiceSid", message.service_sid))
        form += [("OptOutType", opt_out_type)] if opt_out_type else []
    return form


def status_form(message: TwilioMessage) -> list[tuple[str, str]]:
    """Return the form of a message's status, as posted to `StatusCallback`."""
    form = [
        ("SmsSid", message.sid),
        ("SmsStatus", message.status),
        ("MessageStatus", message.status),
        ("To", message.recipient),
        ("MessageSid", message.sid),
        ("AccountSid", message.account_sid),
        ("From", message.sender),
        ("ApiVersion", API_VERSION),
    ]
    if message.service_sid:
        form.append(("MessagingServiceSid", message.service_sid))
    if message.error_code:
        form.append(("ErrorCode", str(message.error_code)))
    return form
