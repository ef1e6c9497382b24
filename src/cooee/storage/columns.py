"""Column values: times as milliseconds, storable text (storage rule 8), keys as hashes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from cooee.core.messages import Media

NO_LIMIT = -1
"""A limit in SQL that lets every row through."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNSTORABLE_CHARS = re.compile("[\0\ud800-\udfff]")

_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000
_FIRST_DAY_CHECKS_MS = (
    15_000,
    _MINUTE_MS,
    5 * _MINUTE_MS,
    30 * _MINUTE_MS,
    2 * _HOUR_MS,
    12 * _HOUR_MS,
)
CHECK_AGES_MS = (*_FIRST_DAY_CHECKS_MS, *(day * _DAY_MS for day in range(1, 8)))


def to_millis(time: datetime) -> int:
    """Return an aware time as milliseconds since 1970, UTC; microseconds are cut off."""
    return (time - _EPOCH) // _MILLISECOND


def to_millis_or_none(time: datetime | None) -> int | None:
    """Return a time as by `to_millis`; None stays None."""
    return None if time is None else (time - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """Return milliseconds since 1970 as a time in UTC; the calendar's end for what is beyond it."""
    try:
        return _EPOCH + timedelta(milliseconds=millis)
    except OverflowError:  # no row that is damaged may keep everybody's claims from being read
        return datetime.max.replace(tzinfo=UTC) if millis > 0 else datetime.min.replace(tzinfo=UTC)


def from_millis_or_none(millis: int | None) -> datetime | None:
    """Return milliseconds as by `from_millis`; None stays None."""
    return None if millis is None else from_millis(millis)


def storable_text(text: str) -> str:
    """Return a text that every database can hold: NUL and lone surrogates become U+FFFD."""
    # storage rule 8: no database holds both, and no text may be lost for its spelling.
    return text if text.isascii() and "\0" not in text else _UNSTORABLE_CHARS.sub("\ufffd", text)


def raw_bytes(text: str) -> bytes:
    """Return the text as UTF-8 bytes, lone surrogates included."""
    return text.encode(errors="surrogatepass")


def key_hash(key: str) -> bytes:
    """Return the 16 bytes that are stored in place of a provider's key of a text."""
    return blake2b(raw_bytes(key), digest_size=16).digest()


def inbound_id(conversation: bytes, key: bytes) -> bytes:
    """Return the 16-byte id of an inbound: the same at every delivery of the text."""
    return blake2b(conversation + key, digest_size=16).digest()


_media_decoder: msgspec.json.Decoder[tuple[Media, ...]] = msgspec.json.Decoder(tuple[Media, ...])


def encode_media(media: Sequence[Media]) -> bytes | None:
    """Return the media of a text as JSON; None where there are none."""
    return msgspec.json.encode([_storable_media(one) for one in media]) if media else None


def decode_media(encoded: bytes) -> tuple[Media, ...]:
    """Return the media of a column that `encode_media` filled."""
    return _media_decoder.decode(encoded)


def readable_media(encoded: bytes | None) -> tuple[Media, ...]:
    """Return the media of a column, none where it is damaged: the rest of its row counts."""
    try:
        return decode_media(encoded) if encoded else ()
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        return ()


def _storable_media(one: Media) -> Media:
    texts = (one.url, one.content_type, one.name, one.path, one.error)
    url, content_type, name, path, error = map(storable_text, texts)
    return Media(url, content_type, name, one.content, path, one.size, error)


def next_status_check(since: int, now: int) -> int | None:
    """Return the time of the next status check or look-up of a text sent at `since`; None: never.

    Checks are due at the age of 15 s, 1 min, 5 min, 30 min, 2 h, 12 h, and of 1 to 7 days. Times
    are in milliseconds since 1970.
    """
    step = bisect_right(CHECK_AGES_MS, now - since)
    return None if step == len(CHECK_AGES_MS) else since + CHECK_AGES_MS[step]
