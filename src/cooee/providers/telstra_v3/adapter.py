"""TelstraV3: a token, a virtual number, texts out, and a log of texts in (Messaging API v3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

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
    ProviderFailure,
    Receipt,
    Received,
    Request,
    Response,
    Setting,
    SettingError,
    Subscription,
    check_text_length,
    client_settings,
    parse_base_url,
    parse_webhook_path,
    read_settings,
)
from cooee.providers.telstra_v3 import payloads
from cooee.providers.telstra_v3.cursor import (
    PAGE_SIZE,
    TelstraV3Cursor,
    first_cursor,
    parse_cursor,
    read_page,
)
from cooee.providers.telstra_v3.errors import ERRORS, refuses_notification

_API_PATH, _TOKEN_PATH = (
    "/messaging/v3",
    "/v2/oauth/token",
)  # of the same host; v2 in the token's path
_NUMBERS_PATH, _MESSAGES_PATH = "/virtual-numbers", "/messages"
_SCOPES = "messages:read messages:write virtual-numbers:read virtual-numbers:write"
_LOG_RETENTION = timedelta(days=29)  # less than the 30 days that Telstra keeps messages
_LAST_OFFSET = 999_999
_KEYS_HINT = (
    "Check TELSTRA_CLIENT_ID and TELSTRA_CLIENT_SECRET; keys of v2 are not good for v3. Where"
    " they are right, check TELSTRA_BASE_URL."
)
_NUMBER_HINT = (
    "TELSTRA_NUMBER is not a virtual number of this account, or no longer. Set it to one that"
    " is, or leave it out."
)


def _parse_base_url(name: str, value: str) -> str:
    base_url = parse_base_url(name, value)
    if not base_url.endswith(_API_PATH):
        raise SettingError(
            f"{name} is {value!r}, and should be a URL that ends in {_API_PATH}."
            " Leave it out, mostly."
        )
    return base_url


def _parse_virtual_number(name: str, value: str) -> str:
    number = payloads.to_virtual_number(value)
    if value and not number:
        raise SettingError(f"{name} is {value!r}, and should look like 0400000000 or +61400000000.")
    return number


class TelstraV3:
    """The adapter; a fact without a source here is from Telstra's OpenAPI spec or Python SDK.

    It reads a *cursor*: Telstra keeps a log of 30 days, and only the cursor knows which of
    its texts were read. The cursor and its overlap are in `cursor.py`.

    Assumptions, for which there is no source: a message can be found by its tag a minute after
    it was sent at the latest (`lookup_settles_after`; v2's statuses took seconds). A push is
    answered by 204, as v2 wants it. The required headers go with every call, since whether
    they are insisted on is unsaid. The scopes are those of Telstra's Python SDK, of which its
    Node SDK spells one otherwise. Opt-out words act where they are the whole
    text, and START undoes them.
    """

    name: ClassVar[str] = "telstra-v3"
    settings: ClassVar[Sequence[Setting]] = (
        *client_settings("TELSTRA", "dev.telstra.com"),
        Setting(
            "TELSTRA_BASE_URL",
            "where the API is",
            "https://products.api.telstra.com/messaging/v3",
            parse=_parse_base_url,
        ),
        Setting(
            "TELSTRA_NUMBER",
            "which virtual number; unset: the first, or a new one",
            "",
            parse=_parse_virtual_number,
        ),
    )
    features = Features(
        polling="cursor",
        push=True,
        receipts="callback",
        max_text=1600,
        lookup_settles_after=timedelta(minutes=1),
        backfill=True,
        opt_out_words=frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "QUIT", "END", "CANCEL"}),
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Read the settings without stray spaces.

        Raises:
            SettingError: one is missing, the base is not a URL of v3, or the number is none.
        """
        client_id, client_secret, self._base_url, self._number = read_settings(
            self.settings, values
        )
        self._client = OAuthClient(
            client_id=client_id,
            client_secret=client_secret,
            token_url=self._base_url.removesuffix(_API_PATH) + _TOKEN_PATH,
            scope=_SCOPES,
            errors=ERRORS,
            hint=_KEYS_HINT,
        )

    def __repr__(self) -> str:
        return f"<TelstraV3 at {self._base_url}>"

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
        """Make sure of a virtual number, and of the push URL of its replies.

        It is `TELSTRA_NUMBER`, else the lowest that the account has, else a new one. A PUT
        replaces all of a number, so it repeats the tags, and is made only where the push URL has
        to change. Our own number is part of the URL that replies are pushed to: it tells which
        end of a pushed text is ours.

        Raises:
            PermanentFailure: Telstra gives this account no number, or not that one.
        """
        number, notes = yield from self._find_number(credentials)
        number_request = self._request("GET", f"{_NUMBERS_PATH}/{number}", credentials)
        number_response = yield number_request
        current = payloads.parse_virtual_number(number_response.json())
        if number_response.status != 200 or current is None:
            raise _number_error(number_request, number_response)
        push_url = (
            current.push_url
            if keep_direction
            else f"{webhook_url.rstrip('/')}/reply/{number}"
            if webhook_url
            else None
        )
        if push_url == current.push_url:
            return current.to_subscription(notes, number_response.at)
        update_request = self._request(
            "PUT",
            f"{_NUMBERS_PATH}/{number}",
            credentials,
            current.update_body(push_url),
            safe=True,
        )
        update_response = yield update_request
        if update_response.status != 200:
            raise ERRORS.error_from(update_request, update_response)
        changed = msgspec.structs.replace(current, push_url=push_url)
        return changed.to_subscription(notes, number_response.at)

    def _find_number(self, credentials: Credentials) -> Flow[tuple[str, Sequence[str]]]:
        """Find or assign our number, in national form; return it with notes for the operator."""
        if self._number:
            return self._number, ()
        list_request = self._request("GET", f"{_NUMBERS_PATH}?limit={PAGE_SIZE}", credentials)
        list_response = yield list_request
        numbers = payloads.parse_virtual_numbers(list_response.json())
        if list_response.status != 200 or numbers is None:
            raise ERRORS.error_from(list_request, list_response)
        if numbers:
            several_note = (
                f"The account has {len(numbers)} numbers: set TELSTRA_NUMBER to one of them."
            )
            return numbers[0].number, (several_note,) if len(numbers) > 1 else ()
        assign_request = self._request("POST", _NUMBERS_PATH, credentials, {})
        assign_response = yield assign_request
        assigned = payloads.parse_virtual_number(assign_response.json())
        if assign_response.status not in (200, 201) or assigned is None:
            raise _number_error(assign_request, assign_response)
        return assigned.number, ()

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Send a text, tagged with our id, and ask for a delivery notification.

        Notifications are a paid feature. Where they are refused, nothing was sent, and the text
        goes again at once without them: its status then ends at "sent", and is polled.
        """
        check_text_length(outbound, self.features.max_text, "Telstra", code="FIELD_LENGTH_ERR")
        if outbound.media:
            raise PermanentFailure(
                "Texts with media cannot be sent by this provider yet: Telstra wants the media"
                " themselves, not where they are."
            )
        response = yield (
            request := self._send_request(outbound, credentials, with_notification=True)
        )
        if refuses_notification(response):
            response = yield (
                request := self._send_request(outbound, credentials, with_notification=False)
            )
        if 200 <= response.status < 300 and (accepted := payloads.parse_accepted(response.json())):
            return accepted
        raise ERRORS.error_from(request, response)

    def poll(self, credentials: Credentials, cursor: str) -> Flow[PollResult]:
        """Read the next page of the log of texts to us; the first poll only finds the log's end."""
        position = parse_cursor(cursor)
        if position is None:
            return (yield from self._first_poll(credentials))
        response = yield (request := self._page_request(position, credentials))
        if response.status == 400 and _is_before_retention(position, response):
            position = msgspec.structs.replace(position, start=None, offset=0)
            response = yield (request := self._page_request(position, credentials))
        items = payloads.parse_message_list(response.json())
        if response.status != 200 or items is None:
            raise ERRORS.error_from(request, response)
        assert response.at is not None, "A transport stamps its answers."
        texts, next_position, more = read_page(position, items, response.at)
        return PollResult(texts, more=more, cursor=next_position.encoded)

    def _first_poll(self, credentials: Credentials) -> Flow[PollResult]:
        number, _ = yield from self._find_number(credentials)
        query = {"direction": "incoming", "limit": str(PAGE_SIZE), "reverse": "true"}
        request = self._request("GET", f"{_MESSAGES_PATH}?{urlencode(query)}", credentials)
        response = yield request
        items = payloads.parse_message_list(response.json())
        if response.status != 200 or items is None:
            raise ERRORS.error_from(request, response)
        assert response.at is not None, "A transport stamps its answers."
        return PollResult(cursor=first_cursor(payloads.to_e164(number), items, response.at).encoded)

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask for a text's receipt; Telstra forgets a text after 30 days."""
        if not outbound.provider_id:
            return None
        path = f"{_MESSAGES_PATH}/{quote(outbound.provider_id, safe='')}"
        response = yield (request := self._request("GET", path, credentials))
        codes = {item.code for item in ERRORS.parse_items(response)}
        if response.status == 404 or codes & {"ID_NOT_ASSIGNED", "TIMEFRAME_ERR"}:
            return None
        receipt = payloads.parse_receipt(response.json(), outbound.id)
        if response.status != 200 or receipt is None:
            raise ERRORS.error_from(request, response)
        return msgspec.structs.replace(receipt, provider_id=outbound.provider_id)

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Look a text up by our tag.

        A "no" counts only from a list that is whole: a full page without the text, or a text
        so old that Telstra forgets it, leaves the doubt.
        """
        query = {"direction": "outgoing", "limit": str(PAGE_SIZE), "reverse": "true"}
        query["filter"] = outbound.id
        request = self._request("GET", f"{_MESSAGES_PATH}?{urlencode(query)}", credentials)
        response = yield request
        items = payloads.parse_message_list(response.json())
        if response.status != 200 or items is None:
            raise ERRORS.error_from(request, response)
        found = payloads.find_by_tag(items, outbound.id)
        is_forgotten = outbound.at and response.at and response.at - outbound.at > _LOG_RETENTION
        if found is None and (is_forgotten or len(items) >= PAGE_SIZE):
            raise PermanentFailure("Telstra's list of messages does not tell whether it arrived.")
        return found

    def opt_outs(self, credentials: Credentials) -> Flow[Sequence[str]]:
        """Read the opt-outs of our number, as E.164 numbers.

        Whether `offset` counts pages or records is unsaid. The second page tells: where it
        begins with what the first had, it counts records.
        """
        number, _ = yield from self._find_number(credentials)
        found: dict[str, None] = {}
        offset, step = 0, 1
        while offset <= _LAST_OFFSET:
            path = f"{_NUMBERS_PATH}/{number}/optouts?limit={PAGE_SIZE}&offset={offset}"
            response = yield (request := self._request("GET", path, credentials))
            page = payloads.parse_opt_outs(response.json())
            if response.status != 200 or page is None:
                raise ERRORS.error_from(request, response)
            if offset == 1 and any(one in found for one in page):
                step = PAGE_SIZE
            before = len(found)
            found.update(dict.fromkeys(page))
            if len(page) < PAGE_SIZE or len(found) == before:
                break
            offset += step
        return list(found)

    def receive(self, request: Request, subpath: str, at: datetime) -> Received:
        """Parse a push: ``reply/`` and our number, or ``status/`` and our id of the text.

        Pushes are not signed; the secret is the webhook's path. Whether Telstra repeats a push
        without a 2xx is unsaid.
        """
        kind, name = parse_webhook_path(request, subpath, "Telstra", inbound_path="reply/…")
        body = request.json()
        if kind == "reply":
            return Received(
                inbounds=[payloads.parse_pushed_reply(body, payloads.to_e164(name), at)]
            )
        return Received(receipts=[payloads.parse_pushed_receipt(body, name)])

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        """Raise: Telstra v3 has no confirmation, and the runtime asks for none."""
        raise PermanentFailure("Telstra v3 confirms nothing: its log is only read.")

    # Requests

    def _send_request(
        self, outbound: Outbound, credentials: Credentials, *, with_notification: bool
    ) -> Request:
        body = payloads.build_send_body(outbound, with_notification=with_notification)
        return self._request("POST", _MESSAGES_PATH, credentials, body)

    def _page_request(self, position: TelstraV3Cursor, credentials: Credentials) -> Request:
        return self._request("GET", f"{_MESSAGES_PATH}?{urlencode(position.query)}", credentials)

    def _request(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: Mapping[str, Any] | None = None,
        *,
        safe: bool = False,
    ) -> Request:
        """Build a request with Telstra's required headers, with or without a body."""
        return Request(
            method=method,
            url=self._base_url + path,
            headers={
                "authorization": f"Bearer {credentials.secret}",
                "accept": "application/json",
                "accept-charset": "utf-8",
                "content-language": "en-au",
                "content-type": "application/json",
                "telstra-api-version": "3.x",
            },
            body=b"" if body is None else msgspec.json.encode(body),
            safe=safe or method == "GET",
        )


def _number_error(request: Request, response: Response) -> ProviderFailure:
    """Return the failure for an unobtainable number: an operator has to look."""
    if response.status in (400, 404):
        return ERRORS.error_from(request, response, error_class=PermanentFailure, hint=_NUMBER_HINT)
    return ERRORS.error_from(
        request, response, error_class=PermanentFailure if response.status == 402 else None
    )


def _is_before_retention(position: TelstraV3Cursor, response: Response) -> bool:
    """Return True for a position older than Telstra's log, and so before the log's beginning."""
    return bool(position.start and response.at and response.at - position.start > _LOG_RETENTION)
