"""The calls of Telstra's API that need a token, and what answers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.simulator.apis.telstra_v2 import requests as orders
from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.account import Account
from cooee.simulator.apis.telstra_v2.errors import Refusal, invalid
from cooee.simulator.apis.telstra_v2.requests import Order
from cooee.simulator.segments import segments


class Call(msgspec.Struct, frozen=True):
    """A call: as it came, what its path names, and the URL that the API has for its caller."""

    request: Request
    names: Mapping[str, str]
    base: str

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object in its body."""
        return orders.content(self.request)


Handler: TypeAlias = Callable[[Account, Call], Response]


def subscribe(account: Account, call: Call) -> Response:
    """Get a number, or change the one there is."""
    return desk.json(201, account.provision(call.content))


def subscription(account: Account, _: Call) -> Response:
    """Tell of the number."""
    if account.subscription is None:
        raise Refusal(404, "RESOURCE-NOT-FOUND", "")
    return desk.json(200, account.subscription.read())


def unsubscribe(account: Account, _: Call) -> Response:
    """Give the number up; a documented body of ``{"emptyArr": 0}`` is not insisted on."""
    held = account.subscription
    if held is None or not held.active:
        raise Refusal(404, "RESOURCE-NOT-FOUND", "")
    if account.trial:
        raise invalid("request: a free trial cannot delete its number")
    held.delete()
    return Response(status=204)


def register(account: Account, call: Call) -> Response:
    """Register numbers that a free trial may text."""
    return desk.json(200, {"bnum": account.register(_numbers(call.content))})


def registered(account: Account, _: Call) -> Response:
    """List them; without any the body is empty, as Telstra's Python SDK learnt the hard way."""
    if not account.registered:
        return Response(status=200)
    return desk.json(200, {"bnum": account.registered})


def send(account: Account, call: Call) -> Response:
    """Send one text, to one or to several."""
    return _sent(201, account, [orders.order(call.content)], call.base)


def send_multi(account: Account, call: Call) -> Response:
    """Send several texts; the one send that answers 200."""
    return _sent(200, account, orders.orders(call.content), call.base)


def read(account: Account, _: Call) -> Response:
    """Hand over the earliest unread reply; a body, which the article sends, is not looked at."""
    return desk.json(200, account.next_reply())


def read_mms(account: Account, _: Call) -> Response:
    """The queue of MMS, which is another one; no phone in the box sends any."""
    account.in_use()
    return desk.json(200, {"status": "EMPTY"})


def send_mms(_: Account, __: Call) -> Response:
    """Refuse: the box carries no MMS."""
    raise Refusal(501, "TECH-ERR", "The box carries no MMS")


def status(account: Account, call: Call) -> Response:
    """Tell how a text fares: a list of one."""
    return desk.json(200, [account.status(call.names["id"])])


ROUTES: desk.Routes[Handler] = desk.Routes(
    [
        ("POST /messages/provisioning/subscriptions", subscribe),
        ("GET /messages/provisioning/subscriptions", subscription),
        ("DELETE /messages/provisioning/subscriptions", unsubscribe),
        ("POST /messages/freetrial/bnum", register),
        ("GET /messages/freetrial/bnum", registered),
        ("POST /messages/sms", send),
        ("POST /messages/sms/multi", send_multi),
        ("GET /messages/sms", read),
        ("POST /messages/mms", send_mms),
        ("GET /messages/mms", read_mms),
        ("GET /messages/sms/{id*}/status", status),
        ("GET /messages/sms/{id*}", status),
        ("GET /messages/mms/{id*}/status", status),
    ]
)


def _sent(code: int, account: Account, wanted: Sequence[Order], base: str) -> Response:
    done = account.send(wanted)
    content = shapes.sent(
        [shapes.waiting(one.recipient, one.id, base) for one in done],
        [one.recipient for one in done],
        max(segments(order.body) for order in wanted),
    )
    if done[0].reply_address is not None:
        content["ReplyAddress"] = done[0].reply_address
    return desk.json(code, content)


def _numbers(asked: Mapping[str, Any]) -> list[str]:
    """The numbers in ``{"bnum": [...]}``; the schema says a string, every example a list."""
    listed = asked.get("bnum")
    named = [listed] if isinstance(listed, str) else listed
    if not isinstance(named, list) or not named or not all(isinstance(one, str) for one in named):
        raise invalid("'bnum': a list of numbers is expected")
    if any(len(one.lstrip("+")) > 15 for one in named):
        raise Refusal(400, "BNUM-TOO-LONG")
    if any(not re.fullmatch(r"(\+614|04)\d{8}", one) for one in named):
        raise invalid("'bnum': Australian mobile numbers are expected")
    return ["+61" + one[1:] if one.startswith("0") else one for one in named]
