"""The simulated provider's API to the network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hmac import compare_digest
from typing import TypeAlias, TypeVar

import msgspec

from cooee.core.http_messages import Request, Response
from cooee.net import asgi
from cooee.net.http_client import Transport
from cooee.simulator.apis.simulated.account import (
    READ_MODES,
    SimulatedAccount,
    SimulatedSendRequest,
    SimulatedSwitches,
)
from cooee.simulator.apis.simulated.errors import SimulatedAPIError, simulated_fault_response
from cooee.simulator.apis.simulated.inbox import PAGE_SIZE
from cooee.simulator.faults import Faults
from cooee.simulator.network import MobileNetwork
from cooee.simulator.webhook_sender import WebhookSender

T = TypeVar("T")
Endpoint: TypeAlias = Callable[[SimulatedAccount, Request, Mapping[str, str]], Response]

WEBHOOK_RETRY_DELAYS_S = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
"""Seconds after which a push without a 2xx is repeated: eight tries in all."""
MAX_TEXT_CHARS = 1600
_OPTION_SWITCHES = ("lookup", "idempotency", "optout")
_PHONE_NUMBER = re.compile(r"\+[1-9]\d{5,14}")


class _WebhookRequest(msgspec.Struct, frozen=True):
    number: str
    url: str | None = None
    secret: str = ""


class _ConfirmRequest(msgspec.Struct, frozen=True):
    ids: frozenset[str]


class SimulatedAPI:
    """The simulated provider's API; each key has an account of its own.

    Its switches: `lookup`, `idempotency`, `optout`, and one of `pop`, `cursor` and `confirm`.
    """

    name = "simulated"
    prefix = "/simulated/v1"
    real_base = ""

    def __init__(
        self, network: MobileNetwork, transport: Transport, *, api_key: str | None = None
    ) -> None:
        self.faults = Faults()
        self._network = network
        self._api_key = api_key
        self._webhook_sender = WebhookSender(
            network, transport, self.faults, WEBHOOK_RETRY_DELAYS_S
        )
        self._switches = SimulatedSwitches()
        self._accounts: dict[str, SimulatedAccount] = {}

    def handle(self, request: Request, path: str) -> Response:
        try:
            account = self._authenticate(request)
            match = _ROUTES.match_request(request.method, path)
            if match is None:
                return _unknown_path_response(path)
            endpoint, path_params = match
            return endpoint(account, request, path_params)
        except SimulatedAPIError as refusal:
            return refusal.response
        except msgspec.DecodeError as error:
            return SimulatedAPIError("bad-request", str(error)).response

    def fault_response(self, name: str, _: Request, __: str, /) -> Response:
        return simulated_fault_response(name)

    def numbers_in_use(self) -> Sequence[Mapping[str, str | None]]:
        return [
            {"number": account.number, "notifyURL": account.webhook_url}
            for account in self._accounts.values()
        ]

    def set_switches(self, switches: Sequence[str]) -> None:
        if unknown := set(switches) - {*_OPTION_SWITCHES, *READ_MODES}:
            known = ", ".join((*_OPTION_SWITCHES, *READ_MODES))
            raise ValueError(f"simulated has no switch {min(unknown)!r}. It has {known}.")
        read_modes = [mode for mode in READ_MODES if mode in switches]
        if len(read_modes) > 1:
            raise ValueError(f"Choose one way of reading, not {' and '.join(read_modes)}.")
        options = {option: option in switches for option in _OPTION_SWITCHES}
        self._switches = msgspec.convert(
            {**options, "read_mode": read_modes[0] if read_modes else "pop"}, SimulatedSwitches
        )
        for account in self._accounts.values():
            account.switches = self._switches

    def _authenticate(self, request: Request) -> SimulatedAccount:
        scheme, _, api_key = request.headers.get("authorization", "").partition(" ")
        api_key = api_key.strip()
        is_known = self._api_key is None or compare_digest(api_key.encode(), self._api_key.encode())
        if scheme.lower() != "bearer" or not api_key or not is_known:
            raise SimulatedAPIError(
                "unauthorized", "Send `Authorization: Bearer <key>` with your key."
            )
        if api_key not in self._accounts:
            self._accounts[api_key] = SimulatedAccount(
                self._network, self._webhook_sender, self._switches
            )
        return self._accounts[api_key]


# --- calls


def list_numbers(account: SimulatedAccount, _: Request, __: Mapping[str, str]) -> Response:
    """List the account's only number."""
    return asgi.json_response(200, [{"number": account.number}])


def set_webhook(account: SimulatedAccount, request: Request, _: Mapping[str, str]) -> Response:
    """Choose between pushing and polling."""
    body = _decode_request(request, _WebhookRequest)
    if body.number != account.number:
        raise SimulatedAPIError("not-found", f"{body.number} is not a number of yours.")
    if body.url is not None:
        _check_url(body.url)
    account.set_webhook(body.url, body.secret)
    return asgi.json_response(200, {"number": account.number, "url": account.webhook_url})


def send_text(account: SimulatedAccount, request: Request, _: Mapping[str, str]) -> Response:
    """Accept a text."""
    send_request = _decode_request(request, SimulatedSendRequest)
    if send_request.sender != account.number:
        raise SimulatedAPIError(
            "bad-request", f"`from` is {send_request.sender!r}: it is not a number of yours."
        )
    if not _PHONE_NUMBER.fullmatch(send_request.to):
        raise SimulatedAPIError(
            "bad-recipient", f"{send_request.to!r} is not a number such as +61491570156."
        )
    if not send_request.text:
        raise SimulatedAPIError("bad-request", "`text` is empty.")
    if len(send_request.text) > MAX_TEXT_CHARS:
        raise SimulatedAPIError(
            "text-too-long", f"{len(send_request.text)} characters; {MAX_TEXT_CHARS} are allowed."
        )
    if send_request.callback is not None:
        _check_url(send_request.callback)
    return asgi.json_response(
        201, account.send(send_request, request.headers.get("idempotency-key", ""))
    )


def get_text_status(
    account: SimulatedAccount, _: Request, path_params: Mapping[str, str]
) -> Response:
    """Return a text's status."""
    return asgi.json_response(200, account.text_status(path_params["id"]))


def find_texts(account: SimulatedAccount, request: Request, _: Mapping[str, str]) -> Response:
    """Return the texts accepted under a reference."""
    reference = asgi.query_of(request).get("reference", "")
    if not reference:
        raise SimulatedAPIError(
            "bad-request", "Ask with ?reference=… for the texts of that reference."
        )
    return asgi.json_response(200, {"texts": account.find_by_reference(reference)})


def read_inbox(account: SimulatedAccount, request: Request, _: Mapping[str, str]) -> Response:
    """Return texts, in the switched-on polling mode."""
    match account.switches.read_mode:
        case "pop":
            return asgi.json_response(200, {"texts": account.inbox.pop()})
        case "confirm":
            return asgi.json_response(200, {"texts": account.inbox.unconfirmed()})
        case "cursor":
            query = asgi.query_of(request)
            texts, cursor = account.inbox.read_after(query.get("after"), _parse_limit(query))
            return asgi.json_response(200, {"texts": texts, "cursor": cursor})


def confirm_texts(account: SimulatedAccount, request: Request, _: Mapping[str, str]) -> Response:
    """Remove texts stored by the customer."""
    if account.switches.read_mode != "confirm":
        raise SimulatedAPIError("not-found", "Texts need no confirming here.")
    account.inbox.confirm(_decode_request(request, _ConfirmRequest).ids)
    return Response(status=204)


_ROUTES: asgi.Router[Endpoint] = asgi.Router(
    [
        ("GET /numbers", list_numbers),
        ("PUT /webhook", set_webhook),
        ("POST /texts", send_text),
        ("GET /texts/{id}", get_text_status),
        ("GET /texts", find_texts),
        ("GET /inbox", read_inbox),
        ("POST /inbox/confirmed", confirm_texts),
    ]
)


def _unknown_path_response(path: str) -> Response:
    methods = _ROUTES.allowed_methods(path)
    message = f"{path} takes {' and '.join(methods)}." if methods else f"There is no {path}."
    return SimulatedAPIError("not-found", message).response


def _decode_request(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(request.body, type=kind)


def _parse_limit(query: Mapping[str, str]) -> int:
    limit = query.get("limit", str(PAGE_SIZE))
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_SIZE:
        raise SimulatedAPIError(
            "bad-request", f"`limit` is {limit!r}: it goes from 1 to {PAGE_SIZE}."
        )
    return int(limit)


def _check_url(url: str) -> None:
    if not asgi.host_of(url):
        raise SimulatedAPIError("bad-request", f"{url!r} is not a URL that could be called.")
