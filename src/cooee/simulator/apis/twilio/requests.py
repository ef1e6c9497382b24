"""Requests to Twilio's API, to send and to list messages, with Twilio's checks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from urllib.parse import parse_qs

import msgspec

from cooee.core.http_messages import Request
from cooee.net import asgi
from cooee.simulator.apis.twilio.errors import TwilioAPIError
from cooee.simulator.apis.twilio.responses import TwilioMessage

Form: TypeAlias = Mapping[str, Sequence[str]]

MAX_TEXT_CHARS, MAX_MEDIA, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 1600, 10, 50, 1000
_RECIPIENT = re.compile(r"\+[1-9]\d{6,14}")
_SERVICE_SID = re.compile(r"MG[0-9a-f]{32}")
_MAX_VALIDITY_S = 36_000  # seconds


class TwilioSendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send."""

    recipient: str
    sender: str
    body: str
    media_urls: tuple[str, ...] = ()
    service_sid: str | None = None
    status_callback_url: str = ""


def parse_form(request: Request) -> Form:
    """Parse a posted form into the values of each name; unknown names are ignored, as at Twilio."""
    return parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)


def parse_message_form(form: Form, own_number: str) -> TwilioSendRequest:
    """Parse the form of ``POST Messages.json``; the simulator has no scheduled messages.

    Args:
        form: the posted form.
        own_number: the account's number, which a messaging service sends from.

    Raises:
        TwilioAPIError: a parameter is missing or wrong.
    """
    service_sid, body, media_urls = (
        form_value(form, "MessagingServiceSid"),
        form_value(form, "Body"),
        _parse_media_urls(form),
    )
    if service_sid and not _SERVICE_SID.fullmatch(service_sid):
        raise TwilioAPIError(21705, service_sid)
    sender = form_value(form, "From") or (own_number if service_sid else "")
    if not body and not media_urls:
        raise TwilioAPIError(21602)
    if len(body) > MAX_TEXT_CHARS:
        raise TwilioAPIError(21617)
    status_callback_url = form_value(form, "StatusCallback")
    if status_callback_url and not asgi.host_of(status_callback_url):
        raise TwilioAPIError(21609, status_callback_url)
    _check_numbers(form_value(form, "To"), sender, own_number)
    _check_delivery_options(form)
    return TwilioSendRequest(
        recipient=form_value(form, "To"),
        sender=sender,
        body=body,
        media_urls=media_urls,
        service_sid=service_sid or None,
        status_callback_url=status_callback_url,
    )


def form_value(form: Form, name: str) -> str:
    """Return the value of a name, the last where there are several, or an empty string."""
    return form.get(name, [""])[-1].strip(" ") if name != "Body" else form.get(name, [""])[-1]


def _check_numbers(recipient: str, sender: str, own_number: str) -> None:
    if not recipient:
        raise TwilioAPIError(21604)
    if not sender:
        raise TwilioAPIError(21603)
    if not _RECIPIENT.fullmatch(recipient):
        raise TwilioAPIError(21211, recipient)
    if sender != own_number:
        raise TwilioAPIError(21606, sender)
    if recipient == sender:
        raise TwilioAPIError(21266)


def _check_delivery_options(form: Form) -> None:
    """Check parameters ignored by the simulator. The codes of both errors are an assumption."""
    validity = form_value(form, "ValidityPeriod")
    if validity and not (validity.isdecimal() and 1 <= int(validity) <= _MAX_VALIDITY_S):
        raise TwilioAPIError(20001, f"ValidityPeriod {validity} is not from 1 to {_MAX_VALIDITY_S}")
    if form_value(form, "ScheduleType") or form_value(form, "SendAt"):
        raise TwilioAPIError(20001, "the simulator carries no scheduled texts")


def _parse_media_urls(form: Form) -> tuple[str, ...]:
    media_urls = tuple(form.get("MediaUrl", ()))
    if len(media_urls) > MAX_MEDIA:
        raise TwilioAPIError(21623)
    if invalid := [url for url in media_urls if not asgi.host_of(url)]:
        raise TwilioAPIError(21620, invalid[0])
    return media_urls


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The filter and the page of a list of messages."""

    sender: str = ""
    recipient: str = ""
    sent_from: datetime | None = None
    sent_before: datetime | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    page_number: int = 0
    after_sid: str = ""  # the SID of the text that the page before ended with

    def matches(self, message: TwilioMessage) -> bool:
        """Return whether a message is asked for; a message without `date_sent` is on no date."""
        numbers_match = (self.sender in ("", message.sender)) and (
            self.recipient in ("", message.recipient)
        )
        if not numbers_match or (self.sent_from is None and self.sent_before is None):
            return numbers_match
        sent_at = message.sent_at
        return (
            sent_at is not None
            and (self.sent_from is None or sent_at >= self.sent_from)
            and (self.sent_before is None or sent_at < self.sent_before)
        )


def parse_message_query(query: Mapping[str, str]) -> MessageQuery:
    """Parse the query of a list of messages.

    A date is a day or, as the SDK writes it, a time, which is taken as it is; Twilio's pages
    promise days only.

    Raises:
        TwilioAPIError: a date, a size or a token makes no sense.
    """
    page_size = query.get("PageSize", str(DEFAULT_PAGE_SIZE))
    page_number, token = query.get("Page", "0"), query.get("PageToken", "")
    are_numbers = all(
        each.isascii() and each.isdecimal() and len(each) < 9 for each in (page_size, page_number)
    )
    if not are_numbers or (token and not token.startswith("PA")):
        raise TwilioAPIError(20001, "PageSize, Page or PageToken")
    on, after, before = (query.get(f"DateSent{comparison}", "") for comparison in ("", ">", "<"))
    sent_from = _parse_date_or_time(on or after)
    last_date = _parse_date_or_time(on or before)
    return MessageQuery(
        sender=query.get("From", ""),
        recipient=query.get("To", ""),
        sent_from=sent_from,
        sent_before=None if last_date is None else last_date + _date_precision(on or before),
        page_size=max(1, min(int(page_size), MAX_PAGE_SIZE)),
        page_number=int(page_number),
        after_sid=token.removeprefix("PA"),
    )


def _parse_date_or_time(value: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if value else None
    except ValueError as error:
        raise TwilioAPIError(20001, f"{value} is no date") from error
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


def _date_precision(value: str) -> timedelta:
    return timedelta(days=1) if len(value) == len("2026-01-01") else timedelta(seconds=1)
