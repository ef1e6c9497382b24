"""Twilio: texts out by REST, texts in by webhook or from the log (Programmable Messaging)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec

from cooee.providers import (
    Accepted,
    Credentials,
    Features,
    Flow,
    Inbound,
    Media,
    Outbound,
    OutcomeUnknown,
    PermanentFailure,
    PollResult,
    Receipt,
    Received,
    Request,
    Response,
    Setting,
    Subscription,
    check_text_length,
    parse_webhook_path,
)
from cooee.providers.twilio.cursor import (
    TwilioCursor,
    first_cursor,
    lookup_candidates,
    parse_cursor,
    same_text,
)
from cooee.providers.twilio.errors import ERRORS, KEYS_HINT
from cooee.providers.twilio.forms import (
    MAX_MEDIA,
    build_send_form,
    encode_form,
    parse_form,
    parse_inbound_form,
    parse_receipt_form,
)
from cooee.providers.twilio.payloads import (
    IncomingPhoneNumber,
    LoggedMessage,
    parse_message,
    parse_numbers,
    parse_page,
    parse_rfc2822_date,
    parse_send_response,
)
from cooee.providers.twilio.settings import SETTINGS, read_twilio_settings
from cooee.providers.twilio.signature import verify_signature
from cooee.providers.twilio.twiml import NO_REPLY, build_twiml

_NUMBERS_PATH, _MESSAGES_PATH = "/IncomingPhoneNumbers", "/Messages"
_PAGE_SIZE = 50
_MAX_CLOCK_SKEW = timedelta(minutes=10)  # how far apart two clocks may be
_RETRY_FRAGMENT = (
    "#rc=5&rp=all"  # five more tries of a push that failed, all within Twilio's 15 seconds
)
_OUR_WEBHOOK_URL = re.compile(r"https?://[^#?]+/twilio/[^/#?]+/text(#.*)?")
_REPLY_WITHIN = timedelta(seconds=8)  # of the 15 that Twilio gives all tries of a push together


class Twilio:
    """The adapter; a fact without a source here is from Twilio's Python SDK 9.13 and its pages.

    It has not been tried on a live account yet. Pushed texts carry no stamp, so they count from
    the moment they came. Twilio's log of texts can be read as well (*cursor*): it is never
    emptied, so a text that no push could bring is found there.

    Assumptions, for which there is no source: the log is sorted by date, youngest first, and
    a text shows up in it within 2 minutes (`lookup`: an accepted one within one); a text of
    ours that was accepted is in it under the number it was sent from. Twilio keeps no id of
    ours and has no idempotency key.
    """

    name: ClassVar[str] = "twilio"
    settings: ClassVar[Sequence[Setting]] = SETTINGS
    features: Features = Features(
        polling="cursor",
        push=True,
        receipts="callback",
        max_text=1600,
        lookup_settles_after=timedelta(minutes=1),
        media=True,
        opt_out_words=frozenset(
            {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
        ),
        opt_in_words=frozenset({"START", "YES", "UNSTOP"}),
        help_words=frozenset({"HELP", "INFO"}),
        signed=True,
        backfill=True,
    )

    def __init__(self, values: Mapping[str, str]) -> None:
        """Read the settings without stray spaces.

        Raises:
            SettingError: one is missing, or is not what it should be; the message says which.
        """
        config = read_twilio_settings(values)
        self._auth_token, self._shared_secrets = config.auth_token, config.webhook_secrets
        self._basic_auth = b64encode(config.basic_auth.encode(errors="replace")).decode()
        self._number, self._messaging_service = config.number, config.messaging_service_sid
        self._base_url, self._account_path = (
            config.base_url,
            f"/2010-04-01/Accounts/{config.account_sid}",
        )
        if config.replies_in_webhook:
            self.features = msgspec.structs.replace(self.features, reply_within=_REPLY_WITHIN)

    def __repr__(self) -> str:
        return f"<Twilio at {self._base_url}>"

    # Our side: keys, and a number

    def login(self) -> Flow[Credentials]:
        """Try the keys by reading a number: keys do not expire, but may be wrong.

        Raises:
            PermanentFailure: the keys are not accepted, or the base URL is wrong.
        """
        credentials = Credentials(self._basic_auth)
        request = self._get_request(f"{_NUMBERS_PATH}.json", credentials, {"PageSize": "1"})
        response = yield request
        if response.status == 200 and parse_numbers(response.json()) is not None:
            return credentials
        if response.status in (400, 401, 403, 404):
            raise ERRORS.error_from(request, response, error_class=PermanentFailure, hint=KEYS_HINT)
        raise ERRORS.error_from(request, response)

    def subscribe(
        self, credentials: Credentials, webhook_url: str | None, *, keep_direction: bool = False
    ) -> Flow[Subscription]:
        """Find our number, and have its texts pushed to ``…/text``, by POST.

        Without a webhook URL, only one of cooee's own is removed: another app's webhook does
        not keep us from polling the log, so it stays, with a note. A TwiML application on the
        number would go before its URL, and is taken off when we push.

        Raises:
            PermanentFailure: the account has no such number, or several and none was named.
        """
        query = {"PhoneNumber": self._number} if self._number else {"PageSize": "20"}
        numbers_request = self._get_request(f"{_NUMBERS_PATH}.json", credentials, query)
        numbers_response = yield numbers_request
        account_numbers = (
            parse_numbers(numbers_response.json()) if numbers_response.status == 200 else None
        )
        if account_numbers is None:
            raise ERRORS.error_from(numbers_request, numbers_response)
        number = self._choose_number(account_numbers)
        if keep_direction:
            notes = ["Pushing or reading was left as it is."]
            return Subscription(number.number, number.push_url, notes=notes)
        retried_url = (
            None if webhook_url is None else f"{webhook_url.rstrip('/')}/text{_RETRY_FRAGMENT}"
        )
        changes = _webhook_changes(number, retried_url)
        if changes:
            update_request = self._post_request(
                f"{_NUMBERS_PATH}/{quote(number.sid, safe='')}.json", credentials, changes
            )
            update_request = msgspec.structs.replace(update_request, safe=True)
            update_response = yield update_request
            if update_response.status != 200:
                raise ERRORS.error_from(update_request, update_response)
        push_url = None if retried_url is None else retried_url.removesuffix(_RETRY_FRAGMENT)
        return Subscription(
            number.number, push_url, notes=self._subscription_notes(number, retried_url)
        )

    def _choose_number(self, account_numbers: Sequence[IncomingPhoneNumber]) -> IncomingPhoneNumber:
        fitting = [one for one in account_numbers if self._number in ("", one.number)]
        if len(fitting) == 1:
            return fitting[0]
        if self._number or not account_numbers:
            raise PermanentFailure(
                "The account has no number"
                + (" that is TWILIO_NUMBER." if account_numbers else "."),
                hint="See Phone Numbers, Active Numbers at console.twilio.com.",
            )
        examples = ", ".join(one.number for one in account_numbers[:5])
        raise PermanentFailure(f"The account has several numbers ({examples}). Set TWILIO_NUMBER.")

    def _subscription_notes(
        self, number: IncomingPhoneNumber, push_url: str | None
    ) -> Sequence[str]:
        if push_url is None:
            pushes_elsewhere = number.push_url and not _OUR_WEBHOOK_URL.fullmatch(number.sms_url)
            note = f"Texts are also pushed to {number.push_host}, which may answer them too."
            return [note] if pushes_elsewhere else []
        if not self._messaging_service:
            return []
        note = (
            "The messaging service has to leave incoming texts to the number: Messaging,"
            " Services, Integration, “Defer to sender's webhook”."
        )
        return [note]

    # Texts

    def send(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted]:
        """Send a text, with our id in the URL of its receipts."""
        check_text_length(outbound, self.features.max_text, "Twilio", code="21617")
        if len(outbound.media) > MAX_MEDIA:
            raise PermanentFailure("At most 10 media go with one text.", code="21623")
        form = build_send_form(outbound, self._messaging_service)
        request = self._post_request(f"{_MESSAGES_PATH}.json", credentials, form)
        response = yield request
        accepted_text = (
            parse_send_response(response.json()) if response.status in (200, 201) else None
        )
        if accepted_text is None:
            raise ERRORS.error_from(request, response)
        return accepted_text

    def poll(self, credentials: Credentials, cursor: str) -> Flow[PollResult]:
        """Read the log back to the last poll, with 2 minutes of overlap.

        The cursor names the texts of those 2 minutes, so that none comes twice, and one that
        shows up late still comes. Nothing is asked by date: a text that has none yet would be
        left out.
        """
        query = {"To": self._number} if self._number else {}
        if not cursor:
            newest_page, _ = yield from self._read_log(credentials, query, None)
            return PollResult(cursor=first_cursor(newest_page))
        position = parse_cursor(cursor)
        messages, response = yield from self._read_log(credentials, query, position.since_time)
        inbounds = [
            text.to_inbound(_received_at(response)) for text in position.unread_messages(messages)
        ]
        return PollResult(inbounds, cursor=position.encode_after(messages))

    def list_since(self, credentials: Credentials, since: datetime) -> Flow[Sequence[Inbound]]:
        """Return every text to us since a moment, oldest first, for the time of an outage."""
        query = {"To": self._number} if self._number else {}
        messages, response = yield from self._read_log(credentials, query, since)
        found = TwilioCursor(int(since.timestamp())).unread_messages(messages)
        return [text.to_inbound(_received_at(response)) for text in found]

    def confirm(self, credentials: Credentials, ids: Sequence[str]) -> Flow[None]:
        raise PermanentFailure("Twilio confirms nothing: its log is never emptied.")

    def status(self, outbound: Outbound, credentials: Credentials) -> Flow[Receipt | None]:
        """Ask for a text's receipt."""
        if not outbound.provider_id:
            return None
        path = f"{_MESSAGES_PATH}/{quote(outbound.provider_id, safe='')}.json"
        request = self._get_request(path, credentials)
        response = yield request
        if response.status == 404:
            return None
        found = parse_message(response.json()) if response.status == 200 else None
        if found is None:
            raise ERRORS.error_from(request, response)
        return msgspec.structs.replace(
            found.to_receipt(outbound.id), provider_id=outbound.provider_id
        )

    def lookup(self, outbound: Outbound, credentials: Credentials) -> Flow[Accepted | None]:
        """Look a text up in the log, by its ends, its text and the time of its attempt.

        Twilio keeps no reference of ours, so there are three answers. One text like ours,
        made within 2 minutes of the attempt: it had arrived. (Wrong only if the same text
        went to the same person seconds before; then this second copy is not sent.) No text to
        this person then, or only others: it had not. Anything else is `OutcomeUnknown`: a text
        that is hidden or nearly ours, more than one text that fits, a clock that is too far
        off. The outcome then stays unknown and is shown; no person is texted twice on a guess.
        """
        if outbound.at is None:
            raise OutcomeUnknown("Without the time of its attempt, a text cannot be looked up.")
        query = {"From": outbound.sender}
        messages, response = yield from self._read_log(
            credentials, query, outbound.at - _MAX_CLOCK_SKEW
        )
        provider_time = parse_rfc2822_date(response.headers.get("date"))
        if provider_time is None or abs(provider_time - _received_at(response)) > _MAX_CLOCK_SKEW:
            raise OutcomeUnknown("Twilio's clock and ours are too far apart for a look-up.")
        began_at = outbound.at + (provider_time - _received_at(response))
        comparisons = [
            (same_text(outbound.text, one.body), one)
            for one in lookup_candidates(outbound, messages, began_at)
        ]
        matches = [one for alike, one in comparisons if alike]
        if len(matches) == 1:
            return matches[0].accepted
        if any(alike is not False for alike, _ in comparisons):
            raise OutcomeUnknown("Twilio has texts of which any or none may be this one.")
        return None

    def _read_log(
        self, credentials: Credentials, query: Mapping[str, str], since: datetime | None
    ) -> Flow[tuple[Sequence[LoggedMessage], Response]]:
        """Read the log, newest first, page by page back to a moment; None: its first page.

        The answer that comes with it is the last page's.
        """
        request = self._get_request(
            f"{_MESSAGES_PATH}.json", credentials, {**query, "PageSize": str(_PAGE_SIZE)}
        )
        requested_urls: set[str] = set()
        messages: list[LoggedMessage] = []
        while True:
            response = yield request
            log_page = parse_page(response.json()) if response.status == 200 else None
            if log_page is None:
                raise ERRORS.error_from(request, response)
            messages += log_page.messages
            requested_urls.add(request.url)
            is_complete = since is None or any(
                each.created_at < since for each in log_page.messages
            )
            request = self._request("GET", self._base_url + log_page.next_path, credentials)
            if is_complete or not log_page.next_path or request.url in requested_urls:
                return messages, response

    def media_request(self, media: Media, credentials: Credentials) -> Request:
        """Return the request for a picture: with our keys on the API's own host only."""
        if media.url.startswith(f"{self._base_url}/"):
            request = self._request("GET", media.url, credentials)
            return msgspec.structs.replace(request, headers={**request.headers, "accept": "*/*"})
        return Request(method="GET", url=media.url, safe=True)

    # Webhooks

    def receive(self, request: Request, subpath: str, at: datetime) -> Received:
        """Verify a push, then parse it: ``text``, or ``status/`` and our id of the text.

        A text is answered with TwiML that says nothing, where it is not answered by `response`. A
        signature has no stamp, so that a request which is played again falls to its SID, as one
        that Twilio repeats.
        """
        kind, name = parse_webhook_path(request, subpath, "Twilio", inbound_path="text")
        form = parse_form(
            request, verify_signature(request, self._auth_token, self._shared_secrets)
        )
        if kind == "text":
            return Received(inbounds=[parse_inbound_form(form, at)], response=NO_REPLY)
        return Received(receipts=[parse_receipt_form(form, name)])

    def webhook_response(self, replies: Sequence[Outbound]) -> Response:
        """Return TwiML with the replies (`TWILIO_REPLY_BY=webhook`).

        Raises:
            PermanentFailure: TwiML cannot say one of them.
        """
        return build_twiml(replies)

    # Requests

    def _get_request(
        self, path: str, credentials: Credentials, query: Mapping[str, str] | None = None
    ) -> Request:
        query_string = f"?{urlencode(query)}" if query else ""
        return self._request(
            "GET", f"{self._base_url}{self._account_path}{path}{query_string}", credentials
        )

    def _post_request(
        self, path: str, credentials: Credentials, form: Sequence[tuple[str, str]]
    ) -> Request:
        headers = {
            "authorization": f"Basic {credentials.secret}",
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        }
        url = f"{self._base_url}{self._account_path}{path}"
        return Request(method="POST", url=url, headers=headers, body=encode_form(form))

    def _request(self, method: str, url: str, credentials: Credentials) -> Request:
        headers = {"authorization": f"Basic {credentials.secret}", "accept": "application/json"}
        return Request(method=method, url=url, headers=headers, safe=method == "GET")


def _webhook_changes(
    number: IncomingPhoneNumber, push_url: str | None
) -> Sequence[tuple[str, str]]:
    """Return the fields to change for pushes of a number's texts to `push_url`."""
    if push_url is None:
        return [("SmsUrl", "")] if _OUR_WEBHOOK_URL.fullmatch(number.sms_url) else []
    if (number.sms_url, number.uses_post, number.application_sid) == (push_url, True, ""):
        return []
    return [("SmsUrl", push_url), ("SmsMethod", "POST"), ("SmsApplicationSid", "")]


def _received_at(response: Response) -> datetime:
    assert response.at is not None, "A transport stamps its answers."
    return response.at
