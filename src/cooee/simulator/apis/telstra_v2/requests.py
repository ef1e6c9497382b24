"""What a caller asks Telstra to send, read and checked as Telstra checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cooee.core.http_messages import Request
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v2.errors import Refusal, invalid, not_json

MOST_RECIPIENTS = 10
WEEK = 7 * 24 * 60  # minutes

_RECIPIENT = re.compile(r"\+614\d{8}|04\d{8}|\+(?!61)[1-9]\d{6,14}")
_NAME = re.compile(r"[\w~!@#$%^&*()+\-={}|\[\];'?,./]{1,11}", re.ASCII)
_PHONE = re.compile(r"\+?\d+")
_NOT_SERVED = ("+95", "+225", "+53", "+98", "+850", "+963")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One text to send: `recipients` as `+61…`, times in seconds."""

    recipients: tuple[str, ...]
    body: str
    sender: str | None = None
    wait: float = 0.0
    good_for: float = WEEK * 60.0
    notify_url: str | None = None
    receipts: bool = True
    thread: bool = False  # `replyRequest`: a number of its own for the reply


class Impossible(Exception):
    """Recipients that are no numbers. Telstra answers 400 in the shape of a success."""

    def __init__(self, recipients: list[str]) -> None:
        super().__init__(recipients)
        self.recipients = recipients


def content(request: Request) -> dict[str, Any]:
    """The JSON object in a call's body.

    Raises:
        Refusal: 500 where it is not JSON at all, 400 where it is not UTF-8 or no object.
    """
    try:
        request.body.decode()
    except UnicodeDecodeError:
        raise Refusal(400, "BODY-NOT-VALID") from None
    try:
        found = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        starts = request.body.lstrip()[:1] in {b"{", b"["}
        reason = "JSON is malformed" if starts else "Expecting { or [ at line 1"
        raise not_json(reason) from None
    if not isinstance(found, dict):
        raise invalid("request: a JSON object is expected")
    return found


def order(asked: Mapping[str, Any]) -> Order:
    """Read what ``POST /messages/sms`` is given.

    Telstra's limits contradict each other; those of its error texts are kept: 1999 characters
    to one, 1998 to several. A list with some invalid recipients is documented nowhere: it is
    assumed that nothing is sent then, so that nobody who tries again texts anybody twice.

    Raises:
        Refusal: something is missing or wrong.
        Impossible: recipients are no numbers.
    """
    recipients = _recipients(asked.get("to"))
    thread = _flag(asked, "replyRequest")
    if len(recipients) > (1 if thread else MOST_RECIPIENTS):
        raise Refusal(400, "TOO MANY DESTINATIONS")
    receipts = not _flag(asked, "receiptOff")
    _flag(asked, "priority")
    return Order(
        recipients=recipients,
        body=_body(asked.get("body"), longest=1999 if len(recipients) == 1 else 1998),
        sender=None if thread else _sender(asked.get("from")),
        wait=60.0 * (_minutes(asked, "scheduledDelivery") or 0),
        good_for=60.0 * (_minutes(asked, "validity", most=WEEK) or WEEK),
        notify_url=callback(asked.get("notifyURL")) if receipts else None,
        receipts=receipts,
        thread=thread,
    )


def orders(asked: Mapping[str, Any]) -> list[Order]:
    """Read what ``POST /messages/sms/multi`` is given: up to ten texts, each to one.

    Raises:
        Refusal: something is missing or wrong.
        Impossible: recipients are no numbers.
    """
    items = asked.get("smsMulti")
    if not isinstance(items, list) or not items or not all(isinstance(one, dict) for one in items):
        raise invalid("'smsMulti': a list of messages is expected")
    if len(items) > MOST_RECIPIENTS:
        raise Refusal(400, "TOO MANY DESTINATIONS")
    url = asked.get("notifyURL")
    named = [{name: one.get(name) for name in ("to", "body", "receiptOff")} for one in items]
    read = [order({**one, "notifyURL": url}) for one in named]
    if any(one.receipts and one.notify_url is None for one in read):
        raise Refusal(400, "DR-NOTIFY-URL-MISSING")
    return read


def callback(url: object) -> str | None:
    """A URL to call: with its scheme, and a bare domain with its slash (S2.2.10).

    Raises:
        Refusal: it is none.
    """
    if url is None:
        return None
    if not isinstance(url, str) or not desk.host_of(url) or not urlsplit(url).path:
        raise invalid("'notifyURL': a full URL such as https://www.example.com/ is expected")
    return url


def _recipients(to: object) -> tuple[str, ...]:
    listed = to.split(",") if isinstance(to, str) else to
    if not isinstance(listed, list) or not listed:
        raise Refusal(400, "TO-MSISDN-NOT-VALID")
    named = [one.strip() if isinstance(one, str) else str(one) for one in listed]
    if any(_PHONE.fullmatch(one) and len(one.lstrip("+")) > 15 for one in named):
        raise Refusal(400, "TO-MSISDN-TOO-LONG")
    if wrong := [one for one in named if not _RECIPIENT.fullmatch(one)]:
        raise Impossible(wrong)
    if any(one.startswith(_NOT_SERVED) for one in named):
        raise Refusal(400, "DELIVERY-IMPOSSIBLE")
    return tuple("+61" + one[1:] if one.startswith("0") else one for one in named)


def _body(body: object, longest: int) -> str:
    if body is None or body == "":
        raise Refusal(400, "BODY-MISSING")
    if not isinstance(body, str):
        raise Refusal(400, "BODY-NOT-VALID")
    if len(body) > longest:
        raise Refusal(400, "BODY-TOO-LONG")
    return body


def _sender(sender: object) -> str | None:
    """A sender's name, or a number that only its owner can know to be a thread's."""
    if sender is None or sender == "":
        return None
    if not isinstance(sender, str):
        raise Refusal(400, "DELIVERY-IMPOSSIBLE", "Invalid 'from' address specified")
    if len(sender) > 15:
        raise Refusal(400, "FROM-MSISDN-TOO-LONG")
    if not _PHONE.fullmatch(sender) and not _NAME.fullmatch(sender):
        raise Refusal(400, "DELIVERY-IMPOSSIBLE", "Invalid 'from' address specified")
    return sender


def _flag(asked: Mapping[str, Any], name: str) -> bool:
    value = asked.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"'{name}': true or false is expected")
    return bool(value)


def _minutes(asked: Mapping[str, Any], name: str, most: int = 10**6) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise invalid(f"'{name}': whole minutes are expected")
    return value
