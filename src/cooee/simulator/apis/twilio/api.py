"""Twilio's messaging API to the simulated network."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import format_datetime
from hmac import compare_digest

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport
from cooee.simulator.apis.twilio.account import TwilioAccount
from cooee.simulator.apis.twilio.endpoints import ROUTES
from cooee.simulator.apis.twilio.errors import TwilioAPIError, twilio_fault_response
from cooee.simulator.apis.twilio.webhooks import TwilioWebhookSender
from cooee.simulator.faults import Faults
from cooee.simulator.network import MobileNetwork

_ACCOUNT_PATH = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/.*", re.DOTALL)
_USER_SID = re.compile(r"(AC|SK)[0-9a-fA-F]{32}")
_SERVICE_SID = f"MG{1:032x}"


class TwilioAPI:
    """Twilio's API; each account SID has an account of its own.

    Any token opens an account that was never called before, and is its token from then on;
    likewise an API key and its secret. The token also signs the account's webhooks.

    Its switches: `messaging-service` puts every number into a messaging service with Advanced
    Opt-Out, whose pushes say `MessagingServiceSid` and `OptOutType`; `redaction` empties the body
    of every message in the log.
    """

    name = "twilio"
    prefix = "/twilio"
    real_base = "api.twilio.com"

    def __init__(self, network: MobileNetwork, transport: Transport) -> None:
        self.faults = Faults()
        self._network = network
        self._webhook_sender = TwilioWebhookSender(network, transport, self.faults)
        self._accounts: dict[str, TwilioAccount] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._switches: frozenset[str] = frozenset()

    def handle(self, request: Request, path: str) -> Response:
        try:
            response = self._route(request, path)
        except TwilioAPIError as error:
            response = error.response
        date = format_datetime(self._network.clock.now().astimezone(UTC), usegmt=True)
        return msgspec.structs.replace(response, headers={**response.headers, "date": date})

    def fault_response(self, name: str, _: Request, __: str, /) -> Response:
        return twilio_fault_response(name)

    def numbers_in_use(self) -> Sequence[Mapping[str, str | None]]:
        numbers = [account.number for account in self._accounts.values()]
        return [
            {"number": number.number, "notifyURL": number.sms_url or None} for number in numbers
        ]

    def set_switches(self, switches: Sequence[str]) -> None:
        if unknown := set(switches) - {"messaging-service", "redaction"}:
            known = "messaging-service and redaction"
            raise ValueError(f"twilio has no switch {min(unknown)!r}. It has {known}.")
        self._switches = frozenset(switches)
        for account in self._accounts.values():
            self._apply_switches(account)

    def _apply_switches(self, account: TwilioAccount) -> None:
        account.service_sid = _SERVICE_SID if "messaging-service" in self._switches else None
        account.is_redacted = "redaction" in self._switches

    def _route(self, request: Request, path: str) -> Response:
        account = self._authenticate(request, path)
        match = ROUTES.match_request(request.method, path)
        if match is None:
            raise TwilioAPIError(20004 if ROUTES.allowed_methods(path) else 20404, path)
        endpoint, path_params = match
        return endpoint(account, request, path_params)

    def _authenticate(self, request: Request, path: str) -> TwilioAccount:
        """Return the account in a request's path, where the request's keys open the account.

        Raises:
            TwilioAPIError: the keys do not open it, or there are none.
        """
        match = _ACCOUNT_PATH.fullmatch(path)
        user, secret = _basic_credentials(request)
        if not match or not secret or not _USER_SID.fullmatch(user):
            raise TwilioAPIError(20003)
        sid = match[1]
        known_secret, opened_sid = self._keys.setdefault(
            user, (secret, sid if user[:2] == "SK" else user)
        )
        if opened_sid != sid or not compare_digest(known_secret.encode(), secret.encode()):
            raise TwilioAPIError(20003)
        if sid not in self._accounts:
            self._accounts[sid] = TwilioAccount(sid, self._network, self._webhook_sender)
            self._apply_switches(self._accounts[sid])
        if user == sid:
            self._accounts[sid].auth_token = secret
        return self._accounts[sid]


def _basic_credentials(request: Request) -> tuple[str, str]:
    """Return the user and the password of a request, perhaps empty."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    user, _, secret = pair.partition(":")
    return (user, secret) if scheme.lower() == "basic" else ("", "")
