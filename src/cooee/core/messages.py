"""Inbound, Outbound, Receipt, Reply and Media: texts in, texts out, and their delivery reports."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import blake2b
from typing import Literal

import msgspec

from cooee.core.built_in_values import built_in_text, required_text


class Status(IntEnum):
    """The status of an outbound. Its number only grows; from DELIVERED on the status is final."""

    QUEUED = 0
    SENDING = 1
    UNKNOWN = 2  # an attempt was made, and its outcome is not known
    ACCEPTED = 3  # the provider has it
    SENT = 4  # the network has it
    DELIVERED = 5
    UNDELIVERED = 6
    FAILED = 7
    EXPIRED = 8
    CANCELLED = 9

    @property
    def final(self) -> bool:
        """Tell whether the status can change no more."""
        return self >= Status.DELIVERED


class Priority(IntEnum):
    """The order of outbounds where a number's rate is short: lower numbers leave first."""

    REPLY = 0
    PROACTIVE = 1  # we write first
    BULK = 2


class Media(msgspec.Struct, frozen=True, omit_defaults=True):
    """A picture, or another file, of an inbound.

    The provider says where it lies (`url`) or hands over its bytes (`content`); `content_type`
    and `name` are its words, and `name` is no path. By the time of the text's turn it was
    fetched, once: `path` is our own copy (a file, or a URL where COOEE_MEDIA is one), of `size`
    bytes and of the `content_type` that came with them. Or `error` says why there is none.
    """

    url: str = ""
    content_type: str = ""
    name: str = ""
    content: bytes = b""
    path: str = ""
    size: int = 0
    error: str = ""

    @property
    def settled(self) -> bool:
        """Tell whether the file was fetched or given up."""
        return bool(self.size or self.error)

    def __repr__(self) -> str:  # who has the URL may have the picture
        return f"<Media {self.content_type} {self.size or len(self.content)} bytes>"


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A text from a person.

    `sender` and `recipient` are E.164 numbers where they are numbers at all; short codes and
    sender names stay as they came. `sent_at` is the provider's stamp, naive where it came
    without an offset. `key` tells two deliveries of one text from two texts: the provider's
    id, or a fingerprint; empty where the provider can never deliver a text twice.
    `raw` is the text's own bytes where they could not be kept in `text` as they were. `media`
    are the pictures that came with it. `consent` is what the provider says that
    this text did to the person's consent: "out", "in", or "" where it says nothing.
    """

    sender: str
    recipient: str
    text: str
    received_at: datetime
    sent_at: datetime | None = None
    provider_id: str = ""
    key: str = ""
    raw: bytes = b""
    media: tuple[Media, ...] = ()
    consent: Literal["", "out", "in"] = ""

    def __repr__(self) -> str:  # a person's number and words stay out of logs
        return f"<Inbound {len(self.text)} characters at {self.received_at:%FT%TZ}>"


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """A text to a person, in a single attempt to send.

    `id` is ours: the conversation's id in hex, a hyphen, and the text's number in it.
    `attempt` counts from 1, and was recorded `at`; a provider tells from it how long the text
    is still good. `callback` is the URL that news about this text may be posted to.
    """

    id: str
    sender: str
    recipient: str
    text: str
    attempt: int = 1
    at: datetime | None = None
    media: tuple[str, ...] = ()
    good_until: datetime | None = None
    provider_id: str = ""
    callback: str | None = None

    def __repr__(self) -> str:
        return f"<Outbound {self.id} attempt {self.attempt}, {len(self.text)} characters>"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's report on an outbound: its id, its status, and the provider's own word.

    One of `outbound_id` (our id, where it travelled) and `provider_id` is filled in.
    """

    status: Status
    provider_status: str
    outbound_id: str = ""
    provider_id: str = ""
    code: str = ""
    at: datetime | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The provider's refusal, for good, of a text of ours: none of it reached the person.

    `id` is the text's, as `App.send` returned it; `code` and `reason` are the provider's words.
    `is_awaited` says that the text was a reply, for which the person may wait.
    """

    id: str
    text: str
    media: tuple[str, ...] = ()
    code: str = ""
    reason: str = ""
    is_awaited: bool = False

    def __repr__(self) -> str:  # a person's words stay out of logs
        return f"<Refusal of {self.id} {self.code}>"


class Reply(msgspec.Struct, frozen=True):
    """A handler's answer: a text, and the URLs of its media."""

    text: str
    media: Sequence[str] = ()

    def __post_init__(self) -> None:
        one_or_many = (self.media,) if isinstance(self.media, str) else tuple(self.media)
        urls = tuple(required_text(one, "The URL of a picture") for one in one_or_many)
        msgspec.structs.force_setattr(self, "media", urls)
        msgspec.structs.force_setattr(self, "text", required_text(self.text, "A text"))


def as_reply(value: object) -> Reply | None:
    """Return a handler's result as a reply; None for None and for the empty string.

    Raises:
        TypeError: it is neither a string nor a Reply.
    """
    if value is None:
        return None
    if isinstance(value, str):
        text = built_in_text(value)
        return Reply(text) if text else None
    if isinstance(value, Reply):
        return value if value.text or value.media else None
    try:
        shown = f": {value!r:.80}"
    except Exception:  # its __repr__ is the app's code
        shown = ""
    message = f"A reply is a str, a Reply or None, and this is a {type(value).__name__}{shown}"
    raise TypeError(message)


def conversation_id(ours: str, theirs: str) -> bytes:
    """Return the conversation's id: 16 bytes, hashed from its two numbers, without a look-up."""
    return blake2b(f"{ours}|{theirs}".encode(errors="surrogatepass"), digest_size=16).digest()


def outbound_id(conversation: bytes, seq: int) -> str:
    """Return our id of a conversation's `seq`-th outbound."""
    return f"{conversation.hex()}-{seq}"


def parse_outbound_id(id: str) -> tuple[bytes, int] | None:
    """Return the conversation and sequence number in an outbound's id; None for other text."""
    conversation, _, seq = id.partition("-")
    try:
        parsed = bytes.fromhex(conversation), int(seq)
    except ValueError:
        return None
    return parsed if len(parsed[0]) == 16 and 0 < parsed[1] < 2**63 else None


def text_fingerprint(*parts: str) -> str:
    """Return a key for a text without an id: equal parts have equal keys."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)  # no text can pass for two parts
    return blake2b(joined.encode(errors="surrogatepass"), digest_size=16).hexdigest()


_MAX_AHEAD, _MAX_BEHIND, _MAX_WITHOUT_OFFSET = (
    timedelta(minutes=2),
    timedelta(days=1),
    timedelta(minutes=15),
)


def credible_sent_at(
    stamp: datetime | None,
    received_at: datetime,
    offset: timedelta | None,
    unread_for: timedelta = timedelta(),
) -> datetime:
    """Return the moment a text was sent: the provider's stamp if credible, else ours.

    A stamp with an offset is believed up to 2 minutes ahead of us, and as far behind as the text
    may have waited at the provider (`unread_for`) and a day more. A stamp without is read at the
    provider's known `offset` (None: there is none) and believed within 15 minutes either way, so
    that a wrong guess of a time zone can never move a clock.
    """
    if stamp is None:
        return received_at
    if stamp.tzinfo is not None:
        max_behind = _MAX_BEHIND + unread_for
        credible = received_at - max_behind <= stamp <= received_at + _MAX_AHEAD
        return stamp.astimezone(received_at.tzinfo) if credible else received_at
    if offset is None:  # a time zone that is only guessed could be hours wrong
        return received_at
    try:
        moment = stamp.replace(tzinfo=received_at.tzinfo) - offset
    except OverflowError:
        return received_at
    return moment if abs(moment - received_at) <= _MAX_WITHOUT_OFFSET else received_at
