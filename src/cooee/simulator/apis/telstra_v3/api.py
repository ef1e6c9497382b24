"""Telstra's Messaging API v3 over the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport
from cooee.simulator.apis.telstra_v3 import endpoints as calls
from cooee.simulator.apis.telstra_v3 import errors as refusals
from cooee.simulator.apis.telstra_v3.account import Account
from cooee.simulator.apis.telstra_v3.errors import Refusal
from cooee.simulator.apis.telstra_v3.tokens import Tokens
from cooee.simulator.faults import Faults
from cooee.simulator.network import Network
from cooee.simulator.webhook_sender import Pushes

PUSHED_AGAIN = (60.0, 300.0, 900.0)
"""Seconds after which a push without a 2xx is repeated. Whether it is at all is stated nowhere;
three more tries are assumed, so that customers meet both a repeat and its end."""

_TOKEN, _API = "/v2/oauth/token", "/messaging/v3"
_SWITCHES = ("free-trial", "lenient-headers", "offset-counts-records")
_LANGUAGE = {"content-language": "en-au"}


class TelstraV3:
    """Telstra's API; each client id has an account of its own.

    Its switches: `free-trial` makes every account a free trial, with its limits;
    `lenient-headers` asks for no header but the token's; `offset-counts-records` takes the
    parameter `offset` as a number of records rather than of pages.

    That a call without one of the required headers is refused is an assumption: the
    specification requires them, and a program that sends them is right either way.
    """

    name = "telstra-v3"
    prefix = "/telstra/v3"
    home = "products.api.telstra.com"

    def __init__(
        self,
        network: Network,
        transport: Transport,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> None:
        self.faults = Faults()
        self._network = network
        self._tokens = Tokens(network, client_id, client_secret)
        self._pushes = Pushes(network.clock, network.lanes, transport, self.faults, PUSHED_AGAIN)
        self._accounts: dict[str, Account] = {}
        self._switches: frozenset[str] = frozenset()

    def answer(self, request: Request, path: str) -> Response:
        try:
            done = self._answer(request, path)
        except Refusal as refusal:
            done = refusal.answer
        return msgspec.structs.replace(done, headers={**done.headers, **_LANGUAGE})

    def failure(self, name: str, request: Request, path: str, /) -> Response:
        if name == "expire-token":
            self._tokens.end(request)
            return self.answer(request, path)
        return refusals.fault(name)

    def numbers(self) -> Sequence[Mapping[str, str | None]]:
        return [
            {"number": one.number, "notifyURL": one.reply_url}
            for account in self._accounts.values()
            for one in account.held()
        ]

    def switch(self, switches: Sequence[str]) -> None:
        if wrong := set(switches) - {*_SWITCHES}:
            known = ", ".join(_SWITCHES)
            raise ValueError(f"telstra-v3 has no switch {min(wrong)!r}. It has {known}.")
        self._switches = frozenset(switches)
        for account in self._accounts.values():
            account.trial = "free-trial" in switches
            for number in account.numbers.values():
                number.trial = account.trial

    def _answer(self, request: Request, path: str) -> Response:
        if (request.method, path) == ("POST", _TOKEN):
            return self._tokens.give(request)
        if not path.startswith(f"{_API}/"):
            raise Refusal("RESOURCE_NOT_FOUND", "There is no such resource")
        path = path.removeprefix(_API)
        grant = self._tokens.grant(request)
        if "lenient-headers" not in self._switches:
            _check_headers(request)
        found = calls.ROUTES.find(request.method, path)
        if found is None:
            raise _nothing(path)
        grant.check(request.method, path)
        handler, names = found
        records = "offset-counts-records" in self._switches
        return handler(
            self._account(grant.client), calls.Call(request, names, _base(request), records)
        )

    def _account(self, client: str) -> Account:
        if client not in self._accounts:
            trial = "free-trial" in self._switches
            self._accounts[client] = Account(self._network, self._pushes, trial=trial)
        return self._accounts[client]


def _check_headers(request: Request) -> None:
    """Insist on the required headers, on those without a body too."""
    given = {name: value.lower().replace(" ", "") for name, value in request.headers.items()}
    if given.get("accept") != "application/json":
        raise Refusal("MEDIA_TYPE_INVALID", "Accept: application/json is required")
    if given.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal("PAYLOAD_MEDIA_TYPE_ERR", "Content-Type: application/json is required")
    for name, value in (("content-language", "en-au"), ("accept-charset", "utf-8")):
        if given.get(name) != value:
            raise Refusal("FIELD_MISSING", f"The header {name}: {value} is required")


def _nothing(path: str) -> Refusal:
    if methods := calls.ROUTES.methods(path):
        return Refusal("METHOD_INVALID", f"Only {' and '.join(methods)} are supported")
    return Refusal("RESOURCE_NOT_FOUND", "There is no such resource")


def _base(request: Request) -> str:
    """Where the caller found the API, so that a report's link leads back here."""
    url = urlsplit(request.url)
    at_home = url.hostname == TelstraV3.home
    return f"{url.scheme}://{url.netloc}" + ("" if at_home else TelstraV3.prefix) + _API
