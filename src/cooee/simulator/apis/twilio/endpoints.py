"""The calls of Twilio's API that the box answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.simulator.apis.twilio import requests as orders
from cooee.simulator.apis.twilio import responses as shapes
from cooee.simulator.apis.twilio.account import Account
from cooee.simulator.apis.twilio.errors import Refusal
from cooee.simulator.apis.twilio.requests import Form, Wanted

Names: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[[Account, Request, Names], Response]


def send(account: Account, request: Request, _: Names) -> Response:
    """Send one text."""
    order = orders.order(orders.form(request), account.number.number)
    return desk.json(201, account.send(order))


def texts(account: Account, request: Request, _: Names) -> Response:
    """List texts, youngest first, a page at a time."""
    query = desk.query_of(request)
    wanted = orders.wanted(query)
    found, more = account.page(wanted)
    behind = found[-1].sid if more else ""
    listed = {"messages": [account.shown(one) for one in found]}
    own = shapes.path(account.sid, "Messages")
    return desk.json(200, listed | _paging(own, query, wanted, behind))


def text(account: Account, _: Request, names: Names) -> Response:
    """Tell of one text."""
    return desk.json(200, account.shown(account.find(names["sid"])))


def forget(account: Account, _: Request, names: Names) -> Response:
    """Delete one text from the log."""
    account.forget(names["sid"])
    return Response(status=204)


def numbers(account: Account, request: Request, _: Names) -> Response:
    """List the numbers, of which there is one; `PhoneNumber` asks for those with such digits."""
    query = desk.query_of(request)
    held = [account.number] if query.get("PhoneNumber", "") in account.number.number else []
    listed = {"incoming_phone_numbers": [shapes.number(one) for one in held]}
    wanted = orders.wanted({name: query[name] for name in ("PageSize",) if name in query})
    own = shapes.path(account.sid, "IncomingPhoneNumbers")
    return desk.json(200, listed | _paging(own, query, wanted, ""))


def number(account: Account, _: Request, names: Names) -> Response:
    """Tell of a number."""
    _check_number(account, names)
    return desk.json(200, shapes.number(account.number))


def change(account: Account, request: Request, names: Names) -> Response:
    """Change what is called when a text comes to a number; what is not named stays."""
    _check_number(account, names)
    asked = orders.form(request)
    changes = {field: orders.one(asked, name) for name, field in _FIELDS.items() if name in asked}
    _check_changes(asked)
    account.number = msgspec.structs.replace(account.number, **changes)
    return desk.json(200, shapes.number(account.number))


_FIELDS = {
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "SmsApplicationSid": "sms_application_sid",
    "FriendlyName": "friendly_name",
}

ROUTES: desk.Routes[Handler] = desk.Routes(
    [
        ("POST /2010-04-01/Accounts/{account}/Messages.json", send),
        ("GET /2010-04-01/Accounts/{account}/Messages.json", texts),
        ("GET /2010-04-01/Accounts/{account}/Messages/{sid}.json", text),
        ("DELETE /2010-04-01/Accounts/{account}/Messages/{sid}.json", forget),
        ("GET /2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", numbers),
        ("GET /2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json", number),
        ("POST /2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json", change),
    ]
)


def _check_number(account: Account, names: Names) -> None:
    if names["sid"] != account.number.sid:
        raise Refusal(20404, shapes.path(account.sid, "IncomingPhoneNumbers", names["sid"]))


def _check_changes(asked: Form) -> None:
    for name in ("SmsUrl", "SmsFallbackUrl"):
        url = orders.one(asked, name)
        if url and not desk.host_of(url):
            raise Refusal(21402, url)
    for name in ("SmsMethod", "SmsFallbackMethod"):
        if orders.one(asked, name) not in ("", "GET", "POST"):
            raise Refusal(21403, name)


def _paging(own: str, query: Mapping[str, str], wanted: Wanted, behind: str) -> dict[str, Any]:
    """What a list says of itself, beside what is in it; `behind` begins the next page."""
    asked = {name: value for name, value in query.items() if name not in ("Page", "PageToken")}
    sized = {**asked, "PageSize": str(wanted.size)}
    further = {**sized, "Page": str(wanted.page + 1), "PageToken": f"PA{behind}"}
    start = wanted.page * wanted.size
    return {
        "end": start + wanted.size - 1,
        "first_page_uri": f"{own}?{urlencode({**sized, 'Page': '0'})}",
        "next_page_uri": f"{own}?{urlencode(further)}" if behind else None,
        "page": wanted.page,
        "page_size": wanted.size,
        "previous_page_uri": None,
        "start": start,
        "uri": f"{own}?{urlencode({**sized, 'Page': str(wanted.page)})}",
    }
