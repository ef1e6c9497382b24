"""The endpoints of Twilio's API in the simulator: messages and phone numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator.apis.twilio import requests as orders
from cooee.simulator.apis.twilio import responses as shapes
from cooee.simulator.apis.twilio.account import TwilioAccount
from cooee.simulator.apis.twilio.errors import TwilioAPIError
from cooee.simulator.apis.twilio.requests import Form, MessageQuery

PathParams: TypeAlias = Mapping[str, str]
Endpoint: TypeAlias = Callable[[TwilioAccount, Request, PathParams], Response]


def create_message(account: TwilioAccount, request: Request, _: PathParams) -> Response:
    """Send a message."""
    send_request = orders.parse_message_form(orders.parse_form(request), account.number.number)
    return asgi.json_response(201, account.send(send_request))


def list_messages(account: TwilioAccount, request: Request, _: PathParams) -> Response:
    """List messages, youngest first, a page at a time."""
    query = asgi.query_of(request)
    message_query = orders.parse_message_query(query)
    messages, has_more = account.list_page(message_query)
    last_sid = messages[-1].sid if has_more else ""
    content = {"messages": [account.message_json(message) for message in messages]}
    list_path = shapes.resource_path(account.sid, "Messages")
    return asgi.json_response(
        200, content | _paging_json(list_path, query, message_query, last_sid)
    )


def fetch_message(account: TwilioAccount, _: Request, path_params: PathParams) -> Response:
    """Return a message."""
    return asgi.json_response(200, account.message_json(account.find_message(path_params["sid"])))


def delete_message(account: TwilioAccount, _: Request, path_params: PathParams) -> Response:
    """Delete a message from the log."""
    account.delete_message(path_params["sid"])
    return Response(status=204)


def list_numbers(account: TwilioAccount, request: Request, _: PathParams) -> Response:
    """List the account's only number, if its digits match `PhoneNumber`."""
    query = asgi.query_of(request)
    numbers = [account.number] if query.get("PhoneNumber", "") in account.number.number else []
    content = {"incoming_phone_numbers": [shapes.number_json(number) for number in numbers]}
    message_query = orders.parse_message_query(
        {name: query[name] for name in ("PageSize",) if name in query}
    )
    list_path = shapes.resource_path(account.sid, "IncomingPhoneNumbers")
    return asgi.json_response(200, content | _paging_json(list_path, query, message_query, ""))


def fetch_number(account: TwilioAccount, _: Request, path_params: PathParams) -> Response:
    """Return a number."""
    _check_number_sid(account, path_params)
    return asgi.json_response(200, shapes.number_json(account.number))


def update_number(account: TwilioAccount, request: Request, path_params: PathParams) -> Response:
    """Change the webhooks of a number; a left-out parameter stays unchanged."""
    _check_number_sid(account, path_params)
    form = orders.parse_form(request)
    changes = {
        field: orders.form_value(form, name)
        for name, field in _UPDATABLE_FIELDS.items()
        if name in form
    }
    _check_number_changes(form)
    account.number = msgspec.structs.replace(account.number, **changes)
    return asgi.json_response(200, shapes.number_json(account.number))


_UPDATABLE_FIELDS = {
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "SmsApplicationSid": "sms_application_sid",
    "FriendlyName": "friendly_name",
}

ROUTES: asgi.Router[Endpoint] = asgi.Router(
    [
        ("POST /2010-04-01/Accounts/{account}/Messages.json", create_message),
        ("GET /2010-04-01/Accounts/{account}/Messages.json", list_messages),
        ("GET /2010-04-01/Accounts/{account}/Messages/{sid}.json", fetch_message),
        ("DELETE /2010-04-01/Accounts/{account}/Messages/{sid}.json", delete_message),
        ("GET /2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", list_numbers),
        ("GET /2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json", fetch_number),
        ("POST /2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json", update_number),
    ]
)


def _check_number_sid(account: TwilioAccount, path_params: PathParams) -> None:
    if path_params["sid"] != account.number.sid:
        raise TwilioAPIError(
            20404, shapes.resource_path(account.sid, "IncomingPhoneNumbers", path_params["sid"])
        )


def _check_number_changes(form: Form) -> None:
    for name in ("SmsUrl", "SmsFallbackUrl"):
        url = orders.form_value(form, name)
        if url and not asgi.host_of(url):
            raise TwilioAPIError(21402, url)
    for name in ("SmsMethod", "SmsFallbackMethod"):
        if orders.form_value(form, name) not in ("", "GET", "POST"):
            raise TwilioAPIError(21403, name)


def _paging_json(
    list_path: str, query: Mapping[str, str], message_query: MessageQuery, last_sid: str
) -> dict[str, Any]:
    """Return a list's paging fields; `last_sid` ends this page, and is empty on the last page."""
    filters = {name: value for name, value in query.items() if name not in ("Page", "PageToken")}
    page_query = {**filters, "PageSize": str(message_query.page_size)}
    next_query = {
        **page_query,
        "Page": str(message_query.page_number + 1),
        "PageToken": f"PA{last_sid}",
    }
    start = message_query.page_number * message_query.page_size
    return {
        "end": start + message_query.page_size - 1,
        "first_page_uri": f"{list_path}?{urlencode({**page_query, 'Page': '0'})}",
        "next_page_uri": f"{list_path}?{urlencode(next_query)}" if last_sid else None,
        "page": message_query.page_number,
        "page_size": message_query.page_size,
        "previous_page_uri": None,
        "start": start,
        "uri": f"{list_path}?{urlencode({**page_query, 'Page': str(message_query.page_number)})}",
    }
