"""What goes into a column: times as milliseconds, words a database can hold, keys as hashes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from cooee.core.messages import Media

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNFIT = re.compile("[\0\ud800-\udfff]")

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_AGES = (15_000, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 12 * _HOUR)
_ASKED_AT = (*_AGES, *(day * _DAY for day in range(1, 8)))


def stamp(moment: datetime) -> int:
    """Milliseconds since 1970, UTC. The moment is aware; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def stamp_or_none(moment: datetime | None) -> int | None:
    """As `stamp`; None stays None."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


def moment(stamp: int) -> datetime:
    """The time, in UTC, of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=stamp)


def moment_or_none(stamp: int | None) -> datetime | None:
    """As `moment`; None stays None."""
    return None if stamp is None else _EPOCH + timedelta(milliseconds=stamp)


def fit(words: str) -> str:
    """Words that a database can hold: NUL and lone surrogates become U+FFFD."""
    return words if words.isascii() and "\0" not in words else _UNFIT.sub("\ufffd", words)


def raw(words: str) -> bytes:
    """The words' own bytes, lone surrogates included."""
    return words.encode(errors="surrogatepass")


def key_hash(key: str) -> bytes:
    """The 16 bytes by which a provider's key for a text is remembered."""
    return blake2b(raw(key), digest_size=16).digest()


def inbound_id(conversation: bytes, key: bytes) -> bytes:
    """The 16 bytes that name a text in: the same at every delivery of it."""
    return blake2b(conversation + key, digest_size=16).digest()


_media: msgspec.json.Decoder[tuple[Media, ...]] = msgspec.json.Decoder(tuple[Media, ...])


def written_media(media: Sequence[Media]) -> bytes | None:
    """The media of a text as JSON; None where there are none."""
    return msgspec.json.encode([_fit(one) for one in media]) if media else None


def read_media(written: bytes) -> tuple[Media, ...]:
    """The media that `written_media` wrote down."""
    return _media.decode(written)


def _fit(one: Media) -> Media:
    words = (one.url, one.content_type, one.name, one.path, one.error)
    url, content_type, name, path, error = map(fit, words)
    return Media(url, content_type, name, one.content, path, one.size, error)


def next_question(since: int, now: int) -> int | None:
    """When the provider is next asked about a text that it took, or may have taken, at `since`.

    At the age of 15 s, 1 min, 5 min, 30 min, 2 h, 12 h, and of 1 to 7 days; then never again.
    """
    step = bisect_right(_ASKED_AT, now - since)
    return None if step == len(_ASKED_AT) else since + _ASKED_AT[step]
