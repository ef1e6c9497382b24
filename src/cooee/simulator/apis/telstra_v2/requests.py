"""Requests to Telstra's API v2 to send texts, with Telstra's checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cooee.core.http_messages import Request
from cooee.net import asgi
from cooee.simulator.apis.telstra_v2.errors import (
    TelstraV2APIError,
    invalid_parameter,
    malformed_json,
)

MAX_RECIPIENTS = 10
MAX_VALIDITY_MINUTES = 7 * 24 * 60  # minutes

_RECIPIENT = re.compile(r"\+614\d{8}|04\d{8}|\+(?!61)[1-9]\d{6,14}")
_SENDER_NAME = re.compile(r"[\w~!@#$%^&*()+\-={}|\[\];'?,./]{1,11}", re.ASCII)
_PHONE_NUMBER = re.compile(r"\+?\d+")
_UNSUPPORTED_PREFIXES = ("+95", "+225", "+53", "+98", "+850", "+963")


class TelstraV2SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A text to send: `recipients` as `+61…`, times in seconds."""

    recipients: tuple[str, ...]
    body: str
    sender: str | None = None
    delay_s: float = 0.0
    validity_s: float = MAX_VALIDITY_MINUTES * 60.0
    notify_url: str | None = None
    wants_receipt: bool = True
    wants_reply_number: bool = False  # `replyRequest`: a number of its own for the reply


class InvalidRecipients(Exception):
    """Recipients without a number. Telstra answers 400 in the shape of a success."""

    def __init__(self, recipients: list[str]) -> None:
        super().__init__(recipients)
        self.recipients = recipients


def parse_json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body.

    Raises:
        TelstraV2APIError: 500 where it is not JSON at all, 400 where it is not UTF-8 or no object.
    """
    try:
        request.body.decode()
    except UnicodeDecodeError:
        raise TelstraV2APIError(400, "BODY-NOT-VALID") from None
    try:
        content = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        looks_like_json = request.body.lstrip()[:1] in {b"{", b"["}
        reason = "JSON is malformed" if looks_like_json else "Expecting { or [ at line 1"
        raise malformed_json(reason) from None
    if not isinstance(content, dict):
        raise invalid_parameter("request: a JSON object is expected")
    return content


def parse_sms_request(body: Mapping[str, Any]) -> TelstraV2SendRequest:
    """Parse the body of ``POST /messages/sms``.

    Telstra's limits contradict each other; the limits in its error texts are kept: 1999 characters
    to one recipient, 1998 to several. A list with some invalid recipients is documented nowhere:
    it is assumed that nothing is sent then, so that a client that retries texts no person twice.

    Raises:
        TelstraV2APIError: a field is missing or wrong.
        InvalidRecipients: recipients are no numbers.
    """
    recipients = _parse_recipients(body.get("to"))
    wants_reply_number = _get_flag(body, "replyRequest")
    if len(recipients) > (1 if wants_reply_number else MAX_RECIPIENTS):
        raise TelstraV2APIError(400, "TOO MANY DESTINATIONS")
    wants_receipt = not _get_flag(body, "receiptOff")
    _get_flag(body, "priority")
    return TelstraV2SendRequest(
        recipients=recipients,
        body=_check_body(body.get("body"), max_chars=1999 if len(recipients) == 1 else 1998),
        sender=None if wants_reply_number else _check_sender(body.get("from")),
        delay_s=60.0 * (_get_minutes(body, "scheduledDelivery") or 0),
        validity_s=60.0
        * (_get_minutes(body, "validity", maximum=MAX_VALIDITY_MINUTES) or MAX_VALIDITY_MINUTES),
        notify_url=check_notify_url(body.get("notifyURL")) if wants_receipt else None,
        wants_receipt=wants_receipt,
        wants_reply_number=wants_reply_number,
    )


def parse_multi_request(body: Mapping[str, Any]) -> list[TelstraV2SendRequest]:
    """Parse the body of ``POST /messages/sms/multi``: up to ten texts, each to a single recipient.

    Raises:
        TelstraV2APIError: a field is missing or wrong.
        InvalidRecipients: recipients are no numbers.
    """
    items = body.get("smsMulti")
    if (
        not isinstance(items, list)
        or not items
        or not all(isinstance(item, dict) for item in items)
    ):
        raise invalid_parameter("'smsMulti': a list of messages is expected")
    if len(items) > MAX_RECIPIENTS:
        raise TelstraV2APIError(400, "TOO MANY DESTINATIONS")
    url = body.get("notifyURL")
    named_items = [{name: one.get(name) for name in ("to", "body", "receiptOff")} for one in items]
    send_requests = [parse_sms_request({**one, "notifyURL": url}) for one in named_items]
    if any(one.wants_receipt and one.notify_url is None for one in send_requests):
        raise TelstraV2APIError(400, "DR-NOTIFY-URL-MISSING")
    return send_requests


def check_notify_url(url: object) -> str | None:
    """Return a webhook's URL: with its scheme, and a bare domain with its slash (S2.2.10).

    Raises:
        TelstraV2APIError: the value is no such URL.
    """
    if url is None:
        return None
    if not isinstance(url, str) or not asgi.host_of(url) or not urlsplit(url).path:
        raise invalid_parameter(
            "'notifyURL': a full URL such as https://www.example.com/ is expected"
        )
    return url


def _parse_recipients(to: object) -> tuple[str, ...]:
    items = to.split(",") if isinstance(to, str) else to
    if not isinstance(items, list) or not items:
        raise TelstraV2APIError(400, "TO-MSISDN-NOT-VALID")
    numbers = [number.strip() if isinstance(number, str) else str(number) for number in items]
    if any(_PHONE_NUMBER.fullmatch(one) and len(one.lstrip("+")) > 15 for one in numbers):
        raise TelstraV2APIError(400, "TO-MSISDN-TOO-LONG")
    if invalid_numbers := [one for one in numbers if not _RECIPIENT.fullmatch(one)]:
        raise InvalidRecipients(invalid_numbers)
    if any(one.startswith(_UNSUPPORTED_PREFIXES) for one in numbers):
        raise TelstraV2APIError(400, "DELIVERY-IMPOSSIBLE")
    return tuple("+61" + one[1:] if one.startswith("0") else one for one in numbers)


def _check_body(body: object, max_chars: int) -> str:
    if body is None or body == "":
        raise TelstraV2APIError(400, "BODY-MISSING")
    if not isinstance(body, str):
        raise TelstraV2APIError(400, "BODY-NOT-VALID")
    if len(body) > max_chars:
        raise TelstraV2APIError(400, "BODY-TOO-LONG")
    return body


def _check_sender(sender: object) -> str | None:
    """Return a sender's name, or a number, checked against the account's threads."""
    if sender is None or sender == "":
        return None
    if not isinstance(sender, str):
        raise TelstraV2APIError(400, "DELIVERY-IMPOSSIBLE", "Invalid 'from' address specified")
    if len(sender) > 15:
        raise TelstraV2APIError(400, "FROM-MSISDN-TOO-LONG")
    if not _PHONE_NUMBER.fullmatch(sender) and not _SENDER_NAME.fullmatch(sender):
        raise TelstraV2APIError(400, "DELIVERY-IMPOSSIBLE", "Invalid 'from' address specified")
    return sender


def _get_flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid_parameter(f"'{name}': true or false is expected")
    return bool(value)


def _get_minutes(body: Mapping[str, Any], name: str, maximum: int = 10**6) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
        raise invalid_parameter(f"'{name}': whole minutes are expected")
    return value
