"""Twilio's JSON: numbers, texts, pages of them, and how far a log was read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from cooee.core.errors import PermanentFailure
from cooee.core.messages import Inbound, Outbound, Receipt
from cooee.providers import Accepted
from cooee.providers.twilio_codes import standing

OVERLAP = timedelta(minutes=2)
"""How much later a text may show up in the log than younger ones: an assumption."""


# Values


def word(value: Any, *, longest: int = 128) -> str:
    """One short word of visible ASCII (a SID, a status, a code), else ""."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return ""
    return "" if " " in value or len(value) > longest else value


def address(value: Any) -> str:
    """What can be a number, a short code or a sender's name, as it came; else ""."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 64 else ""


def moment(value: Any) -> datetime | None:
    """A date as RFC 2822 has it: ``Mon, 16 Aug 2010 03:45:01 +0000``, or GMT for the offset."""
    try:
        stamp = value.replace("GMT", "+0000") if isinstance(value, str) else ""
        read = datetime.strptime(stamp, "%a, %d %b %Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return read if read.year > 2000 else None  # before there was a Twilio


# Our number


class Number(msgspec.Struct, frozen=True):
    """A number of the account's, and where its texts are pushed."""

    sid: str
    number: str
    sms_url: str
    by_post: bool
    application: str

    @property
    def pushes_to(self) -> str | None:
        """The URL without the fragment that says how to try again."""
        return self.sms_url.partition("#")[0] or None

    @property
    def host(self) -> str:
        """Whose URL it is."""
        try:
            return urlsplit(self.sms_url).hostname or "somewhere"
        except ValueError:
            return "somewhere"


def numbers(body: Any) -> Sequence[Number] | None:
    """The account's numbers; None where the answer is no list of them."""
    match body:
        case {"incoming_phone_numbers": list() as listed}:
            read = [_number(each) for each in listed]
            return [one for one in read if one] if all(read) else None
    return None


def _number(body: Any) -> Number | None:
    match body:
        case {"sid": str(sid), "phone_number": str(number)} if word(sid) and address(number):
            url = body.get("sms_url")
            return Number(
                sid,
                number,
                url if isinstance(url, str) else "",
                body.get("sms_method") == "POST",
                word(body.get("sms_application_sid")),
            )
    return None


# Texts


class Message(msgspec.Struct, frozen=True):
    """A text as Twilio's log has it. Its own dates are in whole seconds."""

    sid: str
    sender: str
    recipient: str
    body: str
    ours: bool
    status: str
    created: datetime
    updated: datetime | None
    error: str
    segments: int | None

    def inbound(self, at: datetime) -> Inbound:
        """The same as a text to us; its moment is when Twilio got it, before it called anybody."""
        return Inbound(
            sender=self.sender,
            recipient=self.recipient,
            text=self.body,
            received_at=at,
            sent_at=self.created,
            provider_id=self.sid,
            key=self.sid,
        )

    def receipt(self, outbound: str) -> Receipt:
        """News of it, where it is a text of ours."""
        return Receipt(
            status=standing(self.status, self.error),
            word=self.status,
            outbound=outbound,
            provider_id=self.sid,
            code=self.error,
            at=self.updated,
        )

    @property
    def accepted(self) -> Accepted:
        """What sending it came to; a messaging service does not count segments at once."""
        return Accepted(self.sid, self.segments or None)


def message(body: Any) -> Message | None:
    """A text; None where it has no SID, status or date of birth."""
    if not isinstance(body, dict):
        return None
    sid, status = word(body.get("sid")), word(body.get("status"))
    created = moment(body.get("date_created"))
    if not sid or not status or created is None:
        return None
    words = body.get("body")
    code = body.get("error_code")
    return Message(
        sid=sid,
        sender=address(body.get("from")),
        recipient=address(body.get("to")),
        body=words if isinstance(words, str) else "",
        ours=body.get("direction") != "inbound",
        status=status,
        created=created,
        updated=moment(body.get("date_updated")),
        error=str(code) if type(code) is int and 0 <= code < 10**9 else "",
        segments=_count(body.get("num_segments")),
    )


def accepted(body: Any) -> Accepted | None:
    """What a send came to; a SID will do, so that no oddity puts a text in doubt."""
    match body:
        case {"sid": str(sid)} if word(sid):
            return Accepted(sid, _count(body.get("num_segments")) or None)
    return None


def _count(value: Any) -> int | None:
    short = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6
    return int(value) if short else None


class Page(msgspec.Struct, frozen=True):
    """A page of the log, youngest first, and the path of the next one."""

    messages: Sequence[Message]
    next: str


def page(body: Any) -> Page | None:
    """A page; None where it is none, or holds what cannot be read: better late than skipped."""
    match body:
        case {"messages": list() as listed}:
            read = [message(each) for each in listed]
            further = body.get("next_page_uri")
            if all(read) and (further is None or _is_path(further)):
                return Page([each for each in read if each], further or "")
    return None


def _is_path(value: Any) -> bool:
    """Whether it can only lead to where we already are: credentials go with the request."""
    return bool(word(value, longest=2048)) and value.startswith("/2010-04-01/Accounts/")


# How far the log was read


class Bookmark(msgspec.Struct, frozen=True):
    """Everything before `since` is read, and of what came later, the texts that were `seen`."""

    since: Annotated[int, msgspec.Meta(ge=0, le=2**36)]  # unix seconds
    seen: frozenset[str] = frozenset()

    @property
    def moment(self) -> datetime:
        """`since` as a moment."""
        return datetime.fromtimestamp(self.since, UTC)

    def unread(self, messages: Sequence[Message]) -> Sequence[Message]:
        """What is new, oldest first.

        A text that is still *receiving* counts: its words are assumed to be there, and what
        is passed over now might never be met again.
        """
        new = {
            each.sid: each
            for each in reversed(messages)
            if not each.ours and each.created >= self.moment and each.sid not in self.seen
        }
        return sorted(new.values(), key=lambda each: each.created)

    def after(self, messages: Sequence[Message]) -> str:
        """The cursor behind these, the unread ones and others, as a word for the store."""
        latest = max((each.created for each in messages), default=self.moment)
        since = max(self.moment, latest - OVERLAP)
        seen = frozenset(each.sid for each in messages if not each.ours and each.created >= since)
        return msgspec.json.encode(Bookmark(int(since.timestamp()), seen), order="sorted").decode()


def beginning(messages: Sequence[Message]) -> str:
    """The cursor behind all that the log holds at the first look: nothing of it is news.

    In an empty log anything will be news, so it begins with time itself: no clock is asked.
    """
    created = max((each.created for each in messages), default=datetime.fromtimestamp(0, UTC))
    return Bookmark(int(created.timestamp())).after(messages)


def bookmark(cursor: str) -> Bookmark:
    """The bookmark that a cursor is.

    Raises:
        PermanentFailure: it is none of ours.
    """
    try:
        return msgspec.json.decode(cursor, type=Bookmark)
    except msgspec.DecodeError as error:
        raise PermanentFailure("The cursor of the last reading is not one of Twilio's.") from error


# A text of ours in the log


_WITHIN = timedelta(minutes=2)  # a request that is longer under way was given up
_SLACK = timedelta(seconds=5)  # whole seconds, and an answer's time on its way
_NOT_WORDS = re.compile(r"[\W_]+")


def candidates(
    outbound: Outbound, messages: Sequence[Message], began: datetime
) -> Sequence[Message]:
    """The texts to the same person from the same number that an attempt may have become."""
    first, last = began - _SLACK, began + _WITHIN
    return [
        each
        for each in messages
        if each.ours
        and each.sender == outbound.sender
        and each.recipient == outbound.recipient
        and first <= each.created <= last
    ]


def same_words(ours: str, theirs: str) -> bool | None:
    """Whether a text in the log is ours: yes, no, or None where it cannot be told.

    Twilio may put words in front (a trial account's), write punctuation in other letters
    (smart encoding) or hide the text (redaction), so letters and digits alone decide.
    """
    if ours.strip() == theirs.strip():
        return True
    own, other = (_NOT_WORDS.sub("", words).casefold() for words in (ours, theirs))
    if not own or not other:
        return None
    if other.endswith(own):
        return True
    alike = own[:8] == other[:8] and abs(len(own) - len(other)) * 10 <= len(own)
    return None if alike else False
