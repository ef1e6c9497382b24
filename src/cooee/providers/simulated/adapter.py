"""Simulated: the simulator's own API, with any semantics, by switches."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlencode

import msgspec

from cooee.providers import (
    Accepted,
    Credentials,
    Features,
    Flow,
    Outbound,
    PermanentFailure,
    PollResult,
    Receipt,
    Received,
    Request,
    RequestRefused,
    Setting,
    SettingError,
    Subscription,
    check_text_length,
    parse_base_url,
    parse_list,
    parse_webhook_path,
    read_settings,
)
from cooee.providers.simulated.payloads import (
    ERRORS,
    build_send_body,
    parse_accepted,
    parse_inbound,
    parse_receipt,
)

_POLLING_MODES: Sequence[Literal["pop", "cursor", "confirm"]] = ("pop", "cursor", "confirm")
_KNOWN_SWITCHES = frozenset({*_POLLING_MODES, "lookup", "idempotency", "optout"})
_PAGE_SIZE = 50  # texts in one reading
_LOOKUP_SETTLES_AFTER = timedelta(seconds=5)
_MAX_SIGNATURE_AGE = timedelta(minutes=5)  # how old a signature may be


def _parse_switches(name: str, value: str) -> frozenset[str]:
    switches = frozenset(item.lower() for item in parse_list(name, value))
    unknown = sorted(switches - _KNOWN_SWITCHES)
    if unknown:
        raise SettingError(
            f"{name} has {', '.join(unknown)}; there are {', '.join(sorted(_KNOWN_SWITCHES))}."
        )
    if len(switches.intersection(_POLLING_MODES)) > 1:
        raise SettingError(f"{name} takes one of pop, cursor and confirm.")
    return switches


class Simulated:
    """The adapter to the simulator's own API, switchable to any semantics.

    `SIMULATED_SWITCHES` names how reading behaves (*pop*, *cursor* or *confirm*) and what
    else there is: *lookup* by our id, *idempotency* keys, the provider's own opt-out words
    (*optout*). The simulator has to be switched alike.
    """

    name: ClassVar[str] = "simulated"
    settings: ClassVar[Sequence[Setting]] = (
        Setting(
            "SIMULATED_BASE_URL",
            "where the simulator is",
            "http://127.0.0.1:8400/simulated/v1",
            parse=parse_base_url,
        ),
        Setting(
            "SIMULATED_KEY",
            "any word, or the one the simulator was given",
            "simulated",
            secret=True,
        ),
        Setting(
            "SIMULATED_SWITCHES",
            "what it can do, with commas between",
            "pop",
            parse=_parse_switches,
        ),
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Read the settings.

        Raises:
            SettingError: a switch is unknown, there are two ways of reading, or no URL.
        """
        self._base_url, self._key, switches = read_settings(self.settings, values)
        self._webhook_secret = hmac.digest(
            self._key.encode(errors="replace"), b"webhook", "sha256"
        ).hex()
        self.features = _features_for(switches)

    def __repr__(self) -> str:
        return f"<Simulated at {self._base_url}>"

    # Our side

    def login(self) -> Flow[Credentials]:
        """Return the key as credentials, without a request or an expiry."""
        yield from ()
        return Credentials(self._key)

    def subscribe(
        self, credentials: Credentials, webhook_url: str | None, *, keep_direction: bool = False
    ) -> Flow[Subscription]:
        """Take the first number, and have its texts pushed to ``…/text`` or kept for polling."""
        numbers_request = self._request("GET", "/numbers", credentials, safe=True)
        numbers_response = yield numbers_request
        match numbers_response.json():
            case [{"number": str(number)}, *_] if numbers_response.status == 200 and number:
                pass
            case _:
                raise ERRORS.error_from(numbers_request, numbers_response)
        if keep_direction:
            return Subscription(number, notes=["Pushing or reading was left as it is."])
        body = {"number": number, "url": webhook_url, "secret": self._webhook_secret}
        webhook_request = self._request("PUT", "/webhook", credentials, body, safe=True)
        webhook_response = yield webhook_request
        if webhook_response.status != 200:
            raise ERRORS.error_from(webhook_request, webhook_response)
        return Subscription(number, webhook_url)

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Send a text, with our id as its reference (and as the idempotency key)."""
        check_text_length(outbound, self.features.max_text, "The simulator", code="text-too-long")
        if outbound.media:
            raise PermanentFailure("Texts with media cannot be sent by this provider.")
        is_idempotent = self.features.idempotency
        request = self._request(
            "POST", "/texts", credentials, build_send_body(outbound), safe=is_idempotent
        )
        if is_idempotent:
            headers = {**request.headers, "idempotency-key": outbound.id}
            request = msgspec.structs.replace(request, headers=headers)
        response = yield request
        accepted = parse_accepted(response.json())
        if response.status != 201 or accepted is None:
            raise ERRORS.error_from(request, response)
        return accepted

    def poll(self, credentials: Credentials, cursor: str) -> Flow[PollResult]:
        """Read new texts, in the switched-on polling mode."""
        polling = self.features.polling
        query = (
            {"after": cursor, "limit": str(_PAGE_SIZE)} if polling == "cursor" and cursor else {}
        )
        request = self._request("GET", "/inbox", credentials, query=query, safe=polling != "pop")
        response = yield request
        match response.json():
            case {"texts": list() as texts} as body if response.status == 200 and response.at:
                inbounds = [text for each in texts if (text := parse_inbound(each, response.at))]
            case _:
                raise ERRORS.error_from(request, response)
        if len(inbounds) < len(texts):
            raise ERRORS.error_from(request, response)
        next_cursor = body.get("cursor")
        return PollResult(
            inbounds,
            more=bool(inbounds) if polling == "pop" else len(inbounds) >= _PAGE_SIZE,
            cursor=next_cursor if polling == "cursor" and isinstance(next_cursor, str) else cursor,
            confirm=[text.provider_id for text in inbounds] if polling == "confirm" else (),
        )

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        """Confirm the storage of texts; the simulator then drops the texts."""
        body = {"ids": list(ids)}
        request = self._request("POST", "/inbox/confirmed", credentials, body, safe=True)
        response = yield request
        if response.status != 204:
            raise ERRORS.error_from(request, response)

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask for a text's receipt."""
        if not outbound.provider_id:
            return None
        path = f"/texts/{quote(outbound.provider_id, safe='')}"
        request = self._request("GET", path, credentials, safe=True)
        response = yield request
        if response.status == 404:
            return None
        receipt = parse_receipt(response.json(), outbound.id)
        if response.status != 200 or receipt is None:
            raise ERRORS.error_from(request, response)
        return receipt

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Look a text up by our id; a "no" counts after 5 seconds."""
        query = {"reference": outbound.id}
        request = self._request("GET", "/texts", credentials, query=query, safe=True)
        response = yield request
        match response.json():
            case {"texts": []} if response.status == 200:
                return None
            case {"texts": [first, *_]} if response.status == 200 and (
                found := parse_accepted(first)
            ):
                return found
        raise ERRORS.error_from(request, response)

    def receive(self, request: Request, subpath: str, at: datetime) -> Received:
        """Verify a push, then parse it: ``text``, or ``status/`` and our id of the text."""
        kind, name = parse_webhook_path(request, subpath, "The simulator", inbound_path="text")
        self._verify_signature(request, at)
        body = request.json()
        if kind == "text":
            inbound = parse_inbound(body, at)
            if inbound is None:
                raise RequestRefused("A pushed text has id, from, to and text; this lacks one.")
            return Received(inbounds=[inbound])
        receipt = parse_receipt(body, name)
        if receipt is None:
            raise RequestRefused("A pushed status has id, reference and status; this lacks one.")
        return Received(receipts=[receipt])

    def _verify_signature(self, request: Request, at: datetime) -> None:
        """Check the signature ``t=<unix seconds>,v1=<hex>`` of the body, in constant time."""
        parts = request.headers.get("x-simulated-signature", "").split(",")
        signature = dict(part.strip().partition("=")[::2] for part in parts)
        timestamp = signature.get("t", "").encode(errors="replace")
        expected = hmac.new(
            self._webhook_secret.encode(), timestamp + b"." + request.body, "sha256"
        ).hexdigest()
        if not hmac.compare_digest(
            expected.encode(), signature.get("v1", "").encode(errors="replace")
        ):
            raise RequestRefused("The signature is not the simulator's.", 401)
        seconds = int(timestamp) if timestamp.isdigit() and len(timestamp) <= 12 else 0
        if abs(at.timestamp() - seconds) > _MAX_SIGNATURE_AGE.total_seconds():
            raise RequestRefused("The signature is more than 5 minutes off.", 401)

    def _request(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        safe: bool = False,
    ) -> Request:
        headers = {"authorization": f"Bearer {credentials.secret}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return Request(
            method=method,
            url=self._base_url + path + (f"?{urlencode(query)}" if query else ""),
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            safe=safe,
        )


def _features_for(switches: frozenset[str]) -> Features:
    return Features(
        polling=next((mode for mode in _POLLING_MODES if mode in switches), "pop"),
        push=True,
        receipts="callback",
        max_text=1600,
        lookup_settles_after=_LOOKUP_SETTLES_AFTER if "lookup" in switches else None,
        idempotency="idempotency" in switches,
        opt_out_words=frozenset({"STOP", "UNSUBSCRIBE"} if "optout" in switches else ()),
        opt_in_words=frozenset({"START"} if "optout" in switches else ()),
        signed=True,
    )
