"""What a caller asks Twilio to send or to list, read and checked as Twilio checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from urllib.parse import parse_qs

import msgspec

from cooee.core.http_messages import Request
from cooee.net import asgi as desk
from cooee.simulator.apis.twilio.errors import Refusal
from cooee.simulator.apis.twilio.responses import Message

Form: TypeAlias = Mapping[str, Sequence[str]]

LONGEST, MOST_MEDIA, PAGE, LARGEST_PAGE = 1600, 10, 50, 1000
_RECIPIENT = re.compile(r"\+[1-9]\d{6,14}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_VALIDITY = 36_000  # seconds


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One text to send."""

    recipient: str
    sender: str
    body: str
    media: tuple[str, ...] = ()
    service: str | None = None
    callback: str = ""


def form(request: Request) -> Form:
    """What was posted, the values of each name; what is not known is not minded, as there."""
    return parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)


def order(asked: Form, ours: str) -> Order:
    """Read what ``POST Messages.json`` is given; scheduled texts are not carried by the box.

    Args:
        asked: the form.
        ours: the account's number, which a messaging service sends from.

    Raises:
        Refusal: something is missing or wrong.
    """
    service, body, media = one(asked, "MessagingServiceSid"), one(asked, "Body"), _media(asked)
    if service and not _SERVICE.fullmatch(service):
        raise Refusal(21705, service)
    sender = one(asked, "From") or (ours if service else "")
    if not body and not media:
        raise Refusal(21602)
    if len(body) > LONGEST:
        raise Refusal(21617)
    callback = one(asked, "StatusCallback")
    if callback and not desk.host_of(callback):
        raise Refusal(21609, callback)
    _check_ends(one(asked, "To"), sender, ours)
    _check_rest(asked)
    return Order(
        recipient=one(asked, "To"),
        sender=sender,
        body=body,
        media=media,
        service=service or None,
        callback=callback,
    )


def one(asked: Form, name: str) -> str:
    """The value of a name, the last where there are several; else ""."""
    return asked.get(name, [""])[-1].strip(" ") if name != "Body" else asked.get(name, [""])[-1]


def _check_ends(recipient: str, sender: str, ours: str) -> None:
    if not recipient:
        raise Refusal(21604)
    if not sender:
        raise Refusal(21603)
    if not _RECIPIENT.fullmatch(recipient):
        raise Refusal(21211, recipient)
    if sender != ours:
        raise Refusal(21606, sender)
    if recipient == sender:
        raise Refusal(21266)


def _check_rest(asked: Form) -> None:
    """Check what is kept to itself. The codes of these two refusals are an assumption."""
    validity = one(asked, "ValidityPeriod")
    if validity and not (validity.isdecimal() and 1 <= int(validity) <= _VALIDITY):
        raise Refusal(20001, f"ValidityPeriod {validity} is not from 1 to {_VALIDITY}")
    if one(asked, "ScheduleType") or one(asked, "SendAt"):
        raise Refusal(20001, "the box carries no scheduled texts")


def _media(asked: Form) -> tuple[str, ...]:
    media = tuple(asked.get("MediaUrl", ()))
    if len(media) > MOST_MEDIA:
        raise Refusal(21623)
    if wrong := [url for url in media if not desk.host_of(url)]:
        raise Refusal(21620, wrong[0])
    return media


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which texts of the log are asked for, and from where on."""

    sender: str = ""
    recipient: str = ""
    first: datetime | None = None
    last: datetime | None = None
    size: int = PAGE
    page: int = 0
    behind: str = ""  # the SID of the text that the page before ended with

    def fits(self, text: Message) -> bool:
        """Whether it is one of them; one without a `date_sent` is in no span of dates."""
        ends = (self.sender in ("", text.sender)) and (self.recipient in ("", text.recipient))
        if not ends or (self.first is None and self.last is None):
            return ends
        at = text.sent_at
        return (
            at is not None
            and (self.first is None or at >= self.first)
            and (self.last is None or at < self.last)
        )


def wanted(query: Mapping[str, str]) -> Wanted:
    """Read a list's query.

    Dates are days or, as the SDK writes them, moments, which are taken as they are; Twilio's
    pages promise days only.

    Raises:
        Refusal: a date, a size or a token makes no sense.
    """
    size = query.get("PageSize", str(PAGE))
    page, token = query.get("Page", "0"), query.get("PageToken", "")
    whole = all(each.isascii() and each.isdecimal() and len(each) < 9 for each in (size, page))
    if not whole or (token and not token.startswith("PA")):
        raise Refusal(20001, "PageSize, Page or PageToken")
    on, after, before = (query.get(f"DateSent{end}", "") for end in ("", ">", "<"))
    first = _date(on or after)
    last = _date(on or before)
    return Wanted(
        sender=query.get("From", ""),
        recipient=query.get("To", ""),
        first=first,
        last=None if last is None else last + _span(on or before),
        size=max(1, min(int(size), LARGEST_PAGE)),
        page=int(page),
        behind=token.removeprefix("PA"),
    )


def _date(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if value else None
    except ValueError as error:
        raise Refusal(20001, f"{value} is no date") from error
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _span(value: str) -> timedelta:
    return timedelta(days=1) if len(value) == len("2026-01-01") else timedelta(seconds=1)
