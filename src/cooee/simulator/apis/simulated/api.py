"""The simulated company's API over the network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from typing import TypeAlias, TypeVar

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.net.http_client import Transport
from cooee.simulator.apis.simulated.account import READINGS, Account, Order, Switches
from cooee.simulator.apis.simulated.errors import Refusal, failure
from cooee.simulator.apis.simulated.inbox import PAGE
from cooee.simulator.faults import Faults
from cooee.simulator.network import Network
from cooee.simulator.webhook_sender import Pushes

T = TypeVar("T")
Handler: TypeAlias = Callable[[Account, Request, Mapping[str, str]], Response]

PUSHED_AGAIN = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
"""Seconds after which a push without a 2xx is repeated: eight tries in all."""
LONGEST = 1600
_OPTIONS = ("lookup", "idempotency", "optout")
_NUMBER = re.compile(r"\+[1-9]\d{5,14}")


class _Hook(msgspec.Struct, frozen=True):
    number: str
    url: str | None = None
    secret: str = ""


class _Confirmed(msgspec.Struct, frozen=True):
    ids: frozenset[str]


class Simulated:
    """The company; each key has an account of its own.

    Its switches: `lookup`, `idempotency`, `optout`, and one of `pop`, `cursor` and `confirm`.
    """

    name = "simulated"
    prefix = "/simulated/v1"
    home = ""

    def __init__(self, network: Network, transport: Transport, *, key: str | None = None) -> None:
        self.faults = Faults()
        self._network = network
        self._key = key
        self._pushes = Pushes(network.clock, network.lanes, transport, self.faults, PUSHED_AGAIN)
        self._switches = Switches()
        self._accounts: dict[str, Account] = {}

    def answer(self, request: Request, path: str) -> Response:
        try:
            account = self._account(request)
            found = _ROUTES.find(request.method, path)
            if found is None:
                return _nothing(path)
            handler, names = found
            return handler(account, request, names)
        except Refusal as refusal:
            return refusal.answer
        except msgspec.DecodeError as error:
            return Refusal("bad-request", str(error)).answer

    def failure(self, name: str, _: Request, __: str, /) -> Response:
        return failure(name)

    def numbers(self) -> Sequence[Mapping[str, str | None]]:
        return [{"number": one.number, "notifyURL": one.url} for one in self._accounts.values()]

    def switch(self, switches: Sequence[str]) -> None:
        if wrong := set(switches) - {*_OPTIONS, *READINGS}:
            known = ", ".join((*_OPTIONS, *READINGS))
            raise ValueError(f"simulated has no switch {min(wrong)!r}. It has {known}.")
        readings = [reading for reading in READINGS if reading in switches]
        if len(readings) > 1:
            raise ValueError(f"Choose one way of reading, not {' and '.join(readings)}.")
        options = {option: option in switches for option in _OPTIONS}
        self._switches = msgspec.convert(
            {**options, "reading": readings[0] if readings else "pop"}, Switches
        )
        for account in self._accounts.values():
            account.switches = self._switches

    def _account(self, request: Request) -> Account:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        known = self._key is None or compare_digest(key.encode(), self._key.encode())
        if scheme.lower() != "bearer" or not key or not known:
            raise Refusal("unauthorized", "Send `Authorization: Bearer <key>` with your key.")
        if key not in self._accounts:
            self._accounts[key] = Account(self._network, self._pushes, self._switches)
        return self._accounts[key]


# --- calls


def numbers(account: Account, _: Request, __: Mapping[str, str]) -> Response:
    """List the numbers, of which there is one."""
    return desk.json(200, [{"number": account.number}])


def hook(account: Account, request: Request, _: Mapping[str, str]) -> Response:
    """Choose between pushing and reading."""
    asked = _read(request, _Hook)
    if asked.number != account.number:
        raise Refusal("not-found", f"{asked.number} is not a number of yours.")
    if asked.url is not None:
        _check_url(asked.url)
    account.hook(asked.url, asked.secret)
    return desk.json(200, {"number": account.number, "url": account.url})


def send(account: Account, request: Request, _: Mapping[str, str]) -> Response:
    """Accept a text."""
    order = _read(request, Order)
    if order.sender != account.number:
        raise Refusal("bad-request", f"`from` is {order.sender!r}: it is not a number of yours.")
    if not _NUMBER.fullmatch(order.to):
        raise Refusal("bad-recipient", f"{order.to!r} is not a number such as +61491570156.")
    if not order.text:
        raise Refusal("bad-request", "`text` is empty.")
    if len(order.text) > LONGEST:
        raise Refusal("text-too-long", f"{len(order.text)} characters; {LONGEST} are allowed.")
    if order.callback is not None:
        _check_url(order.callback)
    return desk.json(201, account.send(order, request.headers.get("idempotency-key", "")))


def status(account: Account, _: Request, names: Mapping[str, str]) -> Response:
    """Tell how a text fares."""
    return desk.json(200, account.status(names["id"]))


def lookup(account: Account, request: Request, _: Mapping[str, str]) -> Response:
    """Tell which texts were accepted under a reference."""
    reference = desk.query_of(request).get("reference", "")
    if not reference:
        raise Refusal("bad-request", "Ask with ?reference=… for the texts of that reference.")
    return desk.json(200, {"texts": account.lookup(reference)})


def read(account: Account, request: Request, _: Mapping[str, str]) -> Response:
    """Hand over texts, in the way that is switched on."""
    match account.switches.reading:
        case "pop":
            return desk.json(200, {"texts": account.inbox.pop()})
        case "confirm":
            return desk.json(200, {"texts": account.inbox.unconfirmed()})
        case "cursor":
            query = desk.query_of(request)
            texts, cursor = account.inbox.after(query.get("after"), _limit(query))
            return desk.json(200, {"texts": texts, "cursor": cursor})


def confirm(account: Account, request: Request, _: Mapping[str, str]) -> Response:
    """Let go of texts that are safe elsewhere."""
    if account.switches.reading != "confirm":
        raise Refusal("not-found", "Texts need no confirming here.")
    account.inbox.confirm(_read(request, _Confirmed).ids)
    return Response(status=204)


_ROUTES: desk.Routes[Handler] = desk.Routes(
    [
        ("GET /numbers", numbers),
        ("PUT /webhook", hook),
        ("POST /texts", send),
        ("GET /texts/{id}", status),
        ("GET /texts", lookup),
        ("GET /inbox", read),
        ("POST /inbox/confirmed", confirm),
    ]
)


def _nothing(path: str) -> Response:
    methods = _ROUTES.methods(path)
    words = f"{path} takes {' and '.join(methods)}." if methods else f"There is no {path}."
    return Refusal("not-found", words).answer


def _read(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(request.body, type=kind)


def _limit(query: Mapping[str, str]) -> int:
    limit = query.get("limit", str(PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE:
        raise Refusal("bad-request", f"`limit` is {limit!r}: it goes from 1 to {PAGE}.")
    return int(limit)


def _check_url(url: str) -> None:
    if not desk.host_of(url):
        raise Refusal("bad-request", f"{url!r} is not a URL that could be called.")
