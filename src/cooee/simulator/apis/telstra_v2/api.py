"""Telstra's Messaging API v2 to the simulated network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.net.http_client import Transport
from cooee.simulator.apis.oauth_clients import ClientCredentials, OAuthClients
from cooee.simulator.apis.telstra_v2 import endpoints as calls
from cooee.simulator.apis.telstra_v2 import errors as refusals
from cooee.simulator.apis.telstra_v2 import responses as shapes
from cooee.simulator.apis.telstra_v2.account import TelstraV2Account
from cooee.simulator.apis.telstra_v2.errors import TelstraV2APIError
from cooee.simulator.apis.telstra_v2.requests import InvalidRecipients
from cooee.simulator.faults import Faults
from cooee.simulator.network import MobileNetwork
from cooee.simulator.webhook_sender import WebhookSender

WEBHOOK_RETRY_DELAYS_S = (300.0,) * 12
"""A push without a 2xx is repeated five minutes later. How often is stated nowhere: an hour of
tries is assumed. The pages want 204; Telstra's own sample answers 200, so any 2xx will do."""

_HEALTH_PATHS = {"/messages/sms/healthcheck", "/messages/mms/healthcheck"}


class TelstraV2API:
    """Telstra's API v2; each client id has an account of its own.

    The switch `free-trial` makes every account a free trial, with its limits.
    """

    name = "telstra-v2"
    prefix = "/telstra/v2"
    real_base = "tapi.telstra.com/v2"

    def __init__(
        self,
        network: MobileNetwork,
        transport: Transport,
        credentials: ClientCredentials,
    ) -> None:
        self.faults = Faults()
        sender = WebhookSender(network, transport, self.faults, WEBHOOK_RETRY_DELAYS_S)
        self._clients = OAuthClients(
            network, credentials, lambda: self._new_account(network, sender)
        )
        self._is_trial = False

    def handle(self, request: Request, path: str) -> Response:
        try:
            return self._route(request, path)
        except TelstraV2APIError as error:
            return error.response
        except InvalidRecipients as invalid:
            items = [
                shapes.invalid_recipient_item(recipient, _base_url_for(request), refusals.DOCS_HINT)
                for recipient in invalid.recipients
            ]
            return asgi.json_response(400, shapes.accepted_response(items, (), 1))

    def fault_response(self, name: str, request: Request, path: str, /) -> Response:
        if name == "expire-token":
            self._clients.revoke_token(request)
            return self.handle(request, path)
        is_send = request.method == "POST" and path.startswith("/messages/sms")
        return refusals.telstra_v2_fault_response(name, is_send=is_send)

    def numbers_in_use(self) -> Sequence[Mapping[str, str | None]]:
        subscriptions = [account.subscription for account in self._clients.accounts]
        return [
            {"number": subscription.number, "notifyURL": subscription.notify_url}
            for subscription in subscriptions
            if subscription is not None and subscription.is_active
        ]

    def set_switches(self, switches: Sequence[str]) -> None:
        if unknown := set(switches) - {"free-trial"}:
            raise ValueError(f"telstra-v2 has no switch {min(unknown)!r}, only 'free-trial'.")
        self._is_trial = "free-trial" in switches
        for account in self._clients.accounts:
            account.is_trial = self._is_trial

    def _route(self, request: Request, path: str) -> Response:
        if (request.method, path) == ("POST", "/oauth/token"):
            return self._clients.issue_token(request)
        if request.method == "GET" and path in _HEALTH_PATHS:
            return asgi.json_response(200, {"status": "up"})
        token = self._clients.token_of(request)
        if token is None or self._clients.has_ended(token):
            message = "Invalid access token. Please try with a valid token"
            raise TelstraV2APIError(401, "TECH-ERR", message)
        match = calls.ROUTES.match_request(request.method, path)
        if match is None:
            raise _unknown_path_error(path)
        endpoint, path_params = match
        call = calls.TelstraV2Call(request, path_params, _base_url_for(request))
        return endpoint(self._clients.account_of(token), call)

    def _new_account(self, network: MobileNetwork, sender: WebhookSender) -> TelstraV2Account:
        return TelstraV2Account(network, sender, is_trial=self._is_trial)


def _unknown_path_error(path: str) -> TelstraV2APIError:
    """Return the error of an unknown path; a 405 was never seen: its code is an assumption."""
    if methods := calls.ROUTES.allowed_methods(path):
        return TelstraV2APIError(
            405, "METHOD-NOT-ALLOWED", f"Only {' and '.join(methods)} are supported"
        )
    return TelstraV2APIError(404, "RESOURCE-NOT-FOUND")


def _base_url_for(request: Request) -> str:
    """Return the API's URL from the caller's side, so `messageStatusURL` leads back here."""
    url = urlsplit(request.url)
    is_real_host = TelstraV2API.real_base.startswith(f"{url.hostname}/")
    return f"{url.scheme}://" + (
        TelstraV2API.real_base if is_real_host else url.netloc + TelstraV2API.prefix
    )
