"""Twilio's messaging API over the network."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from hmac import compare_digest

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net.http_client import Transport
from cooee.simulator.apis.twilio.account import Account
from cooee.simulator.apis.twilio.endpoints import ROUTES
from cooee.simulator.apis.twilio.errors import Refusal, fault
from cooee.simulator.apis.twilio.webhooks import Webhooks
from cooee.simulator.faults import Faults
from cooee.simulator.network import Network

_PLACE = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-fA-F]{32})/.*", re.DOTALL)
_USER = re.compile(r"(AC|SK)[0-9a-fA-F]{32}")
_SERVICE = f"MG{1:032x}"


class Twilio:
    """Twilio's API; each account SID has an account of its own.

    Any token opens an account that was never called before, and is its token from then on;
    likewise an API key and its secret. The token is also what signs the account's webhooks.

    Its switches: `messaging-service` puts every number into a messaging service with Advanced
    Opt-Out, whose pushes say `MessagingServiceSid` and `OptOutType`; `redaction` hides the words
    of every text in the log.
    """

    name = "twilio"
    prefix = "/twilio"
    home = "api.twilio.com"

    def __init__(self, network: Network, transport: Transport) -> None:
        self.faults = Faults()
        self._network = network
        self._webhooks = Webhooks(network, transport, self.faults)
        self._accounts: dict[str, Account] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._switches: frozenset[str] = frozenset()

    def answer(self, request: Request, path: str) -> Response:
        try:
            answer = self._answer(request, path)
        except Refusal as refusal:
            answer = refusal.answer
        date = self._network.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return msgspec.structs.replace(answer, headers={**answer.headers, "date": date})

    def failure(self, name: str, _: Request, __: str, /) -> Response:
        return fault(name)

    def numbers(self) -> Sequence[Mapping[str, str | None]]:
        held = [account.number for account in self._accounts.values()]
        return [{"number": one.number, "notifyURL": one.sms_url or None} for one in held]

    def switch(self, switches: Sequence[str]) -> None:
        if wrong := set(switches) - {"messaging-service", "redaction"}:
            known = "messaging-service and redaction"
            raise ValueError(f"twilio has no switch {min(wrong)!r}. It has {known}.")
        self._switches = frozenset(switches)
        for account in self._accounts.values():
            self._set(account)

    def _set(self, account: Account) -> None:
        account.service = _SERVICE if "messaging-service" in self._switches else None
        account.redacted = "redaction" in self._switches

    def _answer(self, request: Request, path: str) -> Response:
        account = self._account(request, path)
        found = ROUTES.find(request.method, path)
        if found is None:
            raise Refusal(20004 if ROUTES.methods(path) else 20404, path)
        handler, names = found
        return handler(account, request, names)

    def _account(self, request: Request, path: str) -> Account:
        """The account that a call's path names, for whom its keys open it.

        Raises:
            Refusal: they do not, or there are none.
        """
        place = _PLACE.fullmatch(path)
        user, secret = _basic(request)
        if not place or not secret or not _USER.fullmatch(user):
            raise Refusal(20003)
        sid = place[1]
        known, opens = self._keys.setdefault(user, (secret, sid if user[:2] == "SK" else user))
        if opens != sid or not compare_digest(known.encode(), secret.encode()):
            raise Refusal(20003)
        if sid not in self._accounts:
            self._accounts[sid] = Account(sid, self._network, self._webhooks)
            self._set(self._accounts[sid])
        if user == sid:
            self._accounts[sid].token = secret
        return self._accounts[sid]


def _basic(request: Request) -> tuple[str, str]:
    """The user and the password of a call; empty where there are none."""
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(word, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    user, _, secret = pair.partition(":")
    return (user, secret) if scheme.lower() == "basic" else ("", "")
