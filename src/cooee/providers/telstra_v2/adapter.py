"""TelstraV2: a token, a number of our own, texts out and in (Messaging API v2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from cooee.providers import (
    Accepted,
    Credentials,
    Features,
    Flow,
    OAuthClient,
    Outbound,
    PermanentFailure,
    PollResult,
    Receipt,
    Received,
    Request,
    Setting,
    Subscription,
    check_text_length,
    client_settings,
    parse_base_url,
    parse_webhook_path,
    read_settings,
)
from cooee.providers.json_fields import get_ascii_word, get_string, parse_int
from cooee.providers.telstra_v2.errors import ERRORS
from cooee.providers.telstra_v2.payloads import (
    AEST_OFFSET,
    build_receipt,
    build_sms_body,
    days_to_add,
    parse_polled_reply,
    parse_provisioned,
    parse_pushed_receipt,
    parse_pushed_reply,
    parse_subscription,
)

_SUBSCRIPTIONS_PATH, _SMS_PATH = "/messages/provisioning/subscriptions", "/messages/sms"
_KEYS_HINT = (
    "Check TELSTRA_CLIENT_ID and TELSTRA_CLIENT_SECRET; keys of v3 are not good for v2. Where"
    " they are right, check TELSTRA_BASE_URL."
)


class TelstraV2:
    """The adapter; a fact without a source here is from Telstra's OpenAPI specs (2018, 2021).

    It reads *pop*: Telstra removes a reply as it hands it over, without an id to ask again.
    So reading is never `safe`: a lost answer, or one that cannot be read, is `OutcomeUnknown`,
    a lost read. Numbers and texts stay as they came.

    Assumptions, for which there is no source: stamps without an offset are Eastern *Standard*
    Time all year (a sample of March, in daylight time, says +10:00); a push may come again for
    as long as `Features` supposes of everybody; two sends at once are few enough for a free
    trial, whose limit on concurrency has no published figure.
    """

    name: ClassVar[str] = "telstra-v2"
    settings: ClassVar[Sequence[Setting]] = (
        *client_settings("TELSTRA", "dev.telstra.com"),
        Setting(
            "TELSTRA_BASE_URL",
            "where the API is",
            "https://tapi.telstra.com/v2",
            parse=parse_base_url,
        ),
    )
    features = Features(
        polling="pop",
        push=True,
        receipts="callback",
        max_text=1900,
        concurrency=2,
        timestamp_offset=AEST_OFFSET,
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Read the settings without stray spaces: keys have none, and Telstra answers 401 to them.

        Raises:
            SettingError: one is missing, or the base is not a URL.
        """
        client_id, client_secret, self._base_url = read_settings(self.settings, values)
        self._client = OAuthClient(
            client_id=client_id,
            client_secret=client_secret,
            token_url=f"{self._base_url}/oauth/token",
            scope="NSMS",
            errors=ERRORS,
            hint=_KEYS_HINT,
        )

    def __repr__(self) -> str:
        return f"<TelstraV2 at {self._base_url}>"

    # Our side: a token, and a number

    def login(self) -> Flow[Credentials]:
        """Get a token for an hour.

        Raises:
            PermanentFailure: the keys are not accepted, or the base URL is wrong.
        """
        return self._client.login()

    def subscribe(
        self, credentials: Credentials, webhook_url: str | None, *, keep_direction: bool = False
    ) -> Flow[Subscription]:
        """Make sure of our number, and renew it when fewer than 14 days are left.

        `activeDays` is an *increment*, so Telstra is asked first and sent only what has to
        change; otherwise every restart would buy days. Its `notifyURL` has three states: a
        string pushes replies there, null keeps them for reading, and where it is absent
        (`keep_direction`) the URL stays as it is. Changing the URL alone adds one day, since 0 is
        not said to be allowed, or takes one away where the number is held for the 5 years that
        are the most (409 "Active Days Max").

        Telstra says 404 to the first question for a minute after a number is created too: a
        restart in that minute adds 30 days, once.

        Raises:
            PermanentFailure: Telstra gives this app no number; the message says why it may be.
        """
        push_url = None if webhook_url is None else f"{webhook_url.rstrip('/')}/reply"
        number_request = self._request("GET", _SUBSCRIPTIONS_PATH, credentials, safe=True)
        number_response = yield number_request
        current = parse_provisioned(number_request, number_response)
        if keep_direction:
            push_url = current.push_url if current else None
        if current and not current.expires_soon and current.push_url == push_url:
            return current.to_subscription(number_response.at)
        days = days_to_add(current)
        update_request = self._update_request(
            credentials, days, push_url, keep_direction=keep_direction
        )
        update_response = yield update_request
        if update_response.status == 409 and current:
            days = -1
            update_request = self._update_request(
                credentials, days, push_url, keep_direction=keep_direction
            )
            update_response = yield update_request
        return parse_subscription(update_request, update_response, current, days, push_url)

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Send a text from our number; `from`, for sender names only, is left out.

        `validity` is sent where the text has a `good_until` and the attempt a time.
        """
        check_text_length(outbound, self.features.max_text, "Telstra", code="BODY-TOO-LONG")
        if outbound.media:
            raise PermanentFailure("Texts with media cannot be sent by this provider yet.")
        request = self._request("POST", _SMS_PATH, credentials, build_sms_body(outbound))
        response = yield request
        match response.json():
            case {"messages": [dict() as first, *_]} as body if 200 <= response.status < 300:
                provider_id = get_ascii_word(first, "messageId")
                if provider_id:
                    return Accepted(provider_id, parse_int(body.get("numberSegments")))
        raise ERRORS.error_from(request, response)

    def poll(self, credentials: Credentials, cursor: str) -> Flow[PollResult]:
        """Take the oldest reply out of Telstra's queue; `EMPTY` ends the poll."""
        request = self._request("GET", _SMS_PATH, credentials)
        response = yield request
        if response.status == 200:
            if inbound := parse_polled_reply(response):
                return PollResult([inbound], more=True)
            if get_string(response.json(), "status") == "EMPTY":
                return PollResult()
        raise ERRORS.error_from(request, response)

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask for a text's receipt. Telstra answers 404 at first, and again after 7 days."""
        if not outbound.provider_id:
            return None
        path = f"{_SMS_PATH}/{quote(outbound.provider_id, safe='')}/status"
        request = self._request("GET", path, credentials, safe=True)
        response = yield request
        if response.status == 404:
            return None
        match response.json():
            case [] if response.status == 200:
                return None
            case [dict() as report, *_] if response.status == 200 and get_ascii_word(
                report, "deliveryStatus"
            ):
                return build_receipt(report, outbound.id, outbound.provider_id)
        raise ERRORS.error_from(request, response)

    def receive(self, request: Request, subpath: str, at: datetime) -> Received:
        """Parse a push: ``reply``, or ``status/`` and our id of the text.

        Pushes are not signed; the secret is the webhook's path. Any `RequestRefused` makes Telstra
        push again 5 minutes later; 204 is the answer it documents.
        """
        kind, name = parse_webhook_path(request, subpath, "Telstra", inbound_path="reply")
        body = request.json()
        if kind == "reply":
            return Received(inbounds=[parse_pushed_reply(body, at)])
        return Received(receipts=[parse_pushed_receipt(body, name)])

    # What Telstra v2 has not; `features` says so, and the runtime never asks.

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        raise PermanentFailure("Telstra v2 confirms nothing: reading already removes.")

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        raise PermanentFailure("Telstra v2 cannot be asked for a text by our id.")

    def _update_request(
        self, credentials: Credentials, days: int, push_url: str | None, *, keep_direction: bool
    ) -> Request:
        change = (
            {"activeDays": days} if keep_direction else {"activeDays": days, "notifyURL": push_url}
        )
        return self._request("POST", _SUBSCRIPTIONS_PATH, credentials, change)

    def _request(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: Mapping[str, Any] | None = None,
        *,
        safe: bool = False,
    ) -> Request:
        headers = {"authorization": f"Bearer {credentials.secret}", "accept": "application/json"}
        if body is not None:  # any other type, and Telstra's gateway answers 500
            headers["content-type"] = "application/json"
        return Request(
            method=method,
            url=self._base_url + path,
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            safe=safe,
        )
