"""Telstra's Messaging API v3 to the simulated network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport
from cooee.simulator.apis.oauth_clients import ClientCredentials, OAuthClients
from cooee.simulator.apis.telstra_v3 import endpoints as calls
from cooee.simulator.apis.telstra_v3 import errors as refusals
from cooee.simulator.apis.telstra_v3.account import TelstraV3Account
from cooee.simulator.apis.telstra_v3.errors import TelstraV3APIError
from cooee.simulator.apis.telstra_v3.scopes import SCOPES, check_scope, require_token
from cooee.simulator.faults import Faults
from cooee.simulator.network import MobileNetwork
from cooee.simulator.webhook_sender import WebhookSender

WEBHOOK_RETRY_DELAYS_S = (60.0, 300.0, 900.0)
"""Seconds after which a push without a 2xx is repeated. Whether it is at all is stated nowhere;
three more tries are assumed, so that customers meet both a repeat and its end."""

_TOKEN_PATH, _API_PATH = "/v2/oauth/token", "/messaging/v3"
_SWITCHES = ("free-trial", "lenient-headers", "offset-counts-records")
_LANGUAGE_HEADER = {"content-language": "en-au"}


class TelstraV3API:
    """Telstra's API v3; each client id has an account of its own.

    Its switches: `free-trial` makes every account a free trial, with its limits;
    `lenient-headers` asks for no header but the token's; `offset-counts-records` takes the
    parameter `offset` as a number of records rather than of pages.

    That a request without one of the required headers is refused is an assumption: the
    specification requires them, and a program that sends them is right either way.
    """

    name = "telstra-v3"
    prefix = "/telstra/v3"
    real_base = "products.api.telstra.com"

    def __init__(
        self,
        network: MobileNetwork,
        transport: Transport,
        credentials: ClientCredentials,
    ) -> None:
        self.faults = Faults()
        sender = WebhookSender(network, transport, self.faults, WEBHOOK_RETRY_DELAYS_S)
        self._clients = OAuthClients(
            network, credentials, lambda: self._new_account(network, sender), scopes=SCOPES
        )
        self._switches: frozenset[str] = frozenset()

    def handle(self, request: Request, path: str) -> Response:
        try:
            response = self._route(request, path)
        except TelstraV3APIError as error:
            response = error.response
        return msgspec.structs.replace(response, headers={**response.headers, **_LANGUAGE_HEADER})

    def fault_response(self, name: str, request: Request, path: str, /) -> Response:
        if name == "expire-token":
            self._clients.revoke_token(request)
            return self.handle(request, path)
        return refusals.telstra_v3_fault_response(name)

    def numbers_in_use(self) -> Sequence[Mapping[str, str | None]]:
        return [
            {"number": number.number, "notifyURL": number.reply_url}
            for account in self._clients.accounts
            for number in account.assigned_numbers()
        ]

    def set_switches(self, switches: Sequence[str]) -> None:
        if unknown := set(switches) - {*_SWITCHES}:
            known = ", ".join(_SWITCHES)
            raise ValueError(f"telstra-v3 has no switch {min(unknown)!r}. It has {known}.")
        self._switches = frozenset(switches)
        for account in self._clients.accounts:
            account.is_trial = "free-trial" in switches
            for number in account.numbers.values():
                number.is_trial = account.is_trial

    def _route(self, request: Request, path: str) -> Response:
        if (request.method, path) == ("POST", _TOKEN_PATH):
            return self._clients.issue_token(request)
        if not path.startswith(f"{_API_PATH}/"):
            raise TelstraV3APIError("RESOURCE_NOT_FOUND", "There is no such resource")
        path = path.removeprefix(_API_PATH)
        token = require_token(self._clients, request)
        if "lenient-headers" not in self._switches:
            _check_headers(request)
        match = calls.ROUTES.match_request(request.method, path)
        if match is None:
            raise _unknown_path_error(path)
        check_scope(token, request.method, path)
        endpoint, path_params = match
        offset_in_records = "offset-counts-records" in self._switches
        return endpoint(
            self._clients.account_of(token),
            calls.TelstraV3Call(request, path_params, _base_url_for(request), offset_in_records),
        )

    def _new_account(self, network: MobileNetwork, sender: WebhookSender) -> TelstraV3Account:
        return TelstraV3Account(network, sender, is_trial="free-trial" in self._switches)


def _check_headers(request: Request) -> None:
    """Raise where a required header is missing, in requests without a body too."""
    headers = {name: value.lower().replace(" ", "") for name, value in request.headers.items()}
    if headers.get("accept") != "application/json":
        raise TelstraV3APIError("MEDIA_TYPE_INVALID", "Accept: application/json is required")
    if headers.get("content-type", "").partition(";")[0] != "application/json":
        raise TelstraV3APIError(
            "PAYLOAD_MEDIA_TYPE_ERR", "Content-Type: application/json is required"
        )
    for name, value in (("content-language", "en-au"), ("accept-charset", "utf-8")):
        if headers.get(name) != value:
            raise TelstraV3APIError("FIELD_MISSING", f"The header {name}: {value} is required")


def _unknown_path_error(path: str) -> TelstraV3APIError:
    if methods := calls.ROUTES.allowed_methods(path):
        return TelstraV3APIError("METHOD_INVALID", f"Only {' and '.join(methods)} are supported")
    return TelstraV3APIError("RESOURCE_NOT_FOUND", "There is no such resource")


def _base_url_for(request: Request) -> str:
    """Return the API's URL from the caller's side, so a report's link leads back here."""
    url = urlsplit(request.url)
    is_real_host = url.hostname == TelstraV3API.real_base
    return (
        f"{url.scheme}://{url.netloc}" + ("" if is_real_host else TelstraV3API.prefix) + _API_PATH
    )
