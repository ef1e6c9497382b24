"""The endpoints of Telstra's API v2, behind a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.simulator.apis.telstra_v2 import requests as orders
from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.account import TelstraV2Account
from cooee.simulator.apis.telstra_v2.errors import TelstraV2APIError, invalid_parameter
from cooee.simulator.apis.telstra_v2.requests import TelstraV2SendRequest
from cooee.simulator.segments import count_segments


class TelstraV2Call(msgspec.Struct, frozen=True):
    """A request, the parameters in its path, and the API's URL from the caller's side."""

    request: Request
    path_params: Mapping[str, str]
    base_url: str

    @property
    def json_body(self) -> dict[str, Any]:
        """The JSON object in the request's body."""
        return orders.parse_json_object(self.request)


Endpoint: TypeAlias = Callable[[TelstraV2Account, TelstraV2Call], Response]


def create_subscription(account: TelstraV2Account, call: TelstraV2Call) -> Response:
    """Provision a number, or change the account's number."""
    return asgi.json_response(201, account.provision(call.json_body))


def get_subscription(account: TelstraV2Account, _: TelstraV2Call) -> Response:
    """Return the subscription of the account's number."""
    if account.subscription is None:
        raise TelstraV2APIError(404, "RESOURCE-NOT-FOUND", "")
    return asgi.json_response(200, account.subscription.to_json())


def delete_subscription(account: TelstraV2Account, _: TelstraV2Call) -> Response:
    """Delete the number; a documented body of ``{"emptyArr": 0}`` is not insisted on."""
    subscription = account.subscription
    if subscription is None or not subscription.is_active:
        raise TelstraV2APIError(404, "RESOURCE-NOT-FOUND", "")
    if account.is_trial:
        raise invalid_parameter("request: a free trial cannot delete its number")
    subscription.delete()
    return Response(status=204)


def register_trial_numbers(account: TelstraV2Account, call: TelstraV2Call) -> Response:
    """Register numbers for a free trial to text."""
    return asgi.json_response(
        200, {"bnum": account.register_numbers(_parse_trial_numbers(call.json_body))}
    )


def list_trial_numbers(account: TelstraV2Account, _: TelstraV2Call) -> Response:
    """List the registered numbers.

    Without any the body is empty: Telstra's Python SDK had to learn to expect an empty body.
    """
    if not account.registered_numbers:
        return Response(status=200)
    return asgi.json_response(200, {"bnum": account.registered_numbers})


def send_sms(account: TelstraV2Account, call: TelstraV2Call) -> Response:
    """Send a text to a recipient or to several."""
    return _send_all(201, account, [orders.parse_sms_request(call.json_body)], call.base_url)


def send_multiple_sms(account: TelstraV2Account, call: TelstraV2Call) -> Response:
    """Send several texts; of all sends, only this send answers 200."""
    return _send_all(200, account, orders.parse_multi_request(call.json_body), call.base_url)


def get_next_reply(account: TelstraV2Account, _: TelstraV2Call) -> Response:
    """Return the earliest unread reply; a body, as from the article's program, is ignored."""
    return asgi.json_response(200, account.next_reply())


def get_next_mms(account: TelstraV2Account, _: TelstraV2Call) -> Response:
    """Return EMPTY: MMS have a queue of their own, and no phone of the simulator sends any."""
    account.active_subscription()
    return asgi.json_response(200, {"status": "EMPTY"})


def send_mms(_: TelstraV2Account, __: TelstraV2Call) -> Response:
    """Refuse: the simulator has no MMS."""
    raise TelstraV2APIError(501, "TECH-ERR", "The simulator carries no MMS")


def get_sms_status(account: TelstraV2Account, call: TelstraV2Call) -> Response:
    """Return a text's delivery status, as a list of a single item."""
    return asgi.json_response(200, [account.message_status(call.path_params["id"])])


ROUTES: asgi.Router[Endpoint] = asgi.Router(
    [
        ("POST /messages/provisioning/subscriptions", create_subscription),
        ("GET /messages/provisioning/subscriptions", get_subscription),
        ("DELETE /messages/provisioning/subscriptions", delete_subscription),
        ("POST /messages/freetrial/bnum", register_trial_numbers),
        ("GET /messages/freetrial/bnum", list_trial_numbers),
        ("POST /messages/sms", send_sms),
        ("POST /messages/sms/multi", send_multiple_sms),
        ("GET /messages/sms", get_next_reply),
        ("POST /messages/mms", send_mms),
        ("GET /messages/mms", get_next_mms),
        ("GET /messages/sms/{id*}/status", get_sms_status),
        ("GET /messages/sms/{id*}", get_sms_status),
        ("GET /messages/mms/{id*}/status", get_sms_status),
    ]
)


def _send_all(
    status: int,
    account: TelstraV2Account,
    send_requests: Sequence[TelstraV2SendRequest],
    base_url: str,
) -> Response:
    sent_texts = account.send(send_requests)
    content = shapes.accepted_response(
        [
            shapes.accepted_item(sent_text.recipient, sent_text.id, base_url)
            for sent_text in sent_texts
        ],
        [one.recipient for one in sent_texts],
        max(count_segments(send_request.body) for send_request in send_requests),
    )
    if sent_texts[0].reply_address is not None:
        content["ReplyAddress"] = sent_texts[0].reply_address
    return asgi.json_response(status, content)


def _parse_trial_numbers(body: Mapping[str, Any]) -> list[str]:
    """Return the numbers in ``{"bnum": [...]}``; the schema says a string, every example a list."""
    value = body.get("bnum")
    numbers = [value] if isinstance(value, str) else value
    if (
        not isinstance(numbers, list)
        or not numbers
        or not all(isinstance(number, str) for number in numbers)
    ):
        raise invalid_parameter("'bnum': a list of numbers is expected")
    if any(len(one.lstrip("+")) > 15 for one in numbers):
        raise TelstraV2APIError(400, "BNUM-TOO-LONG")
    if any(not re.fullmatch(r"(\+614|04)\d{8}", one) for one in numbers):
        raise invalid_parameter("'bnum': Australian mobile numbers are expected")
    return ["+61" + one[1:] if one.startswith("0") else one for one in numbers]
