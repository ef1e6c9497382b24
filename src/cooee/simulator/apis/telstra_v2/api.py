"""Telstra's Messaging API v2 over the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from cooee.core.http_messages import Request, Response
from cooee.net import asgi as desk
from cooee.net.http_client import Transport
from cooee.simulator.apis.telstra_v2 import endpoints as calls
from cooee.simulator.apis.telstra_v2 import errors as refusals
from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.account import Account
from cooee.simulator.apis.telstra_v2.errors import Refusal
from cooee.simulator.apis.telstra_v2.requests import Impossible
from cooee.simulator.apis.telstra_v2.tokens import Tokens
from cooee.simulator.faults import Faults
from cooee.simulator.network import Network
from cooee.simulator.webhook_sender import Pushes

PUSHED_AGAIN = (300.0,) * 12
"""A push without a 2xx is repeated five minutes later. How often is stated nowhere: an hour of
tries is assumed. The pages want 204; Telstra's own sample answers 200, so any 2xx will do."""

_HEALTH = {"/messages/sms/healthcheck", "/messages/mms/healthcheck"}


class TelstraV2:
    """Telstra's API; each client id has an account of its own.

    The switch `free-trial` makes every account a free trial, with its limits.
    """

    name = "telstra-v2"
    prefix = "/telstra/v2"
    home = "tapi.telstra.com/v2"

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
        self._trial = False

    def answer(self, request: Request, path: str) -> Response:
        try:
            return self._answer(request, path)
        except Refusal as refusal:
            return refusal.answer
        except Impossible as impossible:
            items = [
                shapes.impossible(one, _base(request), refusals.REFER)
                for one in impossible.recipients
            ]
            return desk.json(400, shapes.sent(items, (), 1))

    def failure(self, name: str, request: Request, path: str, /) -> Response:
        if name == "expire-token":
            self._tokens.end(request)
            return self.answer(request, path)
        sending = request.method == "POST" and path.startswith("/messages/sms")
        return refusals.fault(name, sending=sending)

    def numbers(self) -> Sequence[Mapping[str, str | None]]:
        held = [account.subscription for account in self._accounts.values()]
        return [
            {"number": one.number, "notifyURL": one.notify_url}
            for one in held
            if one is not None and one.active
        ]

    def switch(self, switches: Sequence[str]) -> None:
        if wrong := set(switches) - {"free-trial"}:
            raise ValueError(f"telstra-v2 has no switch {min(wrong)!r}, only 'free-trial'.")
        self._trial = "free-trial" in switches
        for account in self._accounts.values():
            account.trial = self._trial

    def _answer(self, request: Request, path: str) -> Response:
        if (request.method, path) == ("POST", "/oauth/token"):
            return self._tokens.give(request)
        if request.method == "GET" and path in _HEALTH:
            return desk.json(200, {"status": "up"})
        account = self._account(self._tokens.client(request))
        found = calls.ROUTES.find(request.method, path)
        if found is None:
            raise _nothing(path)
        handler, names = found
        return handler(account, calls.Call(request, names, _base(request)))

    def _account(self, client: str) -> Account:
        if client not in self._accounts:
            self._accounts[client] = Account(self._network, self._pushes, trial=self._trial)
        return self._accounts[client]


def _nothing(path: str) -> Refusal:
    """There is no such call; the code of a 405 was never seen and is an assumption."""
    if methods := calls.ROUTES.methods(path):
        return Refusal(405, "METHOD-NOT-ALLOWED", f"Only {' and '.join(methods)} are supported")
    return Refusal(404, "RESOURCE-NOT-FOUND")


def _base(request: Request) -> str:
    """Where the caller found the API, so that `messageStatusURL` leads back here."""
    url = urlsplit(request.url)
    at_home = TelstraV2.home.startswith(f"{url.hostname}/")
    return f"{url.scheme}://" + (TelstraV2.home if at_home else url.netloc + TelstraV2.prefix)
