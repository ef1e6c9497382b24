"""TelstraV3Cursor: where polling the log of texts goes on, and a page's new texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cooee.providers import Inbound, text_fingerprint
from cooee.providers.json_fields import get_ascii_word, get_string, parse_timestamp
from cooee.providers.telstra_v3.payloads import parse_inbound

PAGE_SIZE = 50
"""Texts in one reading, the most that Telstra gives."""
OVERLAP = timedelta(minutes=2)
"""How long before the newest text reading begins again. How late a text may be listed is said
nowhere: an assumption, as long as two minutes' texts can be read over and over."""
_MAX_LOOKBACK = timedelta(days=1)
_MAX_SEEN_IDS = 200  # ids that the cursor remembers; older ones the store knows


class TelstraV3Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A position in the log, stored as JSON.

    Args:
        ours: our number, in E.164.
        since: texts listed before are history, and never read.
        history_ids: the ids of texts listed at `since` that are history too.
        start: where the next page starts; None: at the log's beginning.
        newest: the latest timestamp of any text.
        offset: the `offset` of the next page.
        seen_ids: the ids of the latest texts.
    """

    ours: str
    since: datetime
    start: datetime | None
    history_ids: Sequence[str] = ()
    newest: datetime | None = None
    offset: int = 0
    seen_ids: Sequence[str] = ()

    @property
    def query(self) -> Mapping[str, str]:
        """Return the query of the next page, oldest text first."""
        query = {"direction": "incoming", "limit": str(PAGE_SIZE), "offset": str(self.offset)}
        return query | ({"startTime": format_timestamp(self.start)} if self.start else {})

    @property
    def encoded(self) -> str:
        """Return the cursor as JSON."""
        return msgspec.json.encode(self).decode()


def parse_cursor(cursor: str) -> TelstraV3Cursor | None:
    """Return the position of a stored cursor; None for text of another form."""
    try:
        found = msgspec.json.decode(cursor, type=TelstraV3Cursor)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    moments = (found.since, found.start, found.newest)
    return None if any(moment and moment.tzinfo is None for moment in moments) else found


def format_timestamp(moment: datetime) -> str:
    """Return a time in Telstra's form: UTC, 24 characters."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def first_cursor(ours: str, items: Sequence[Any], at: datetime) -> TelstraV3Cursor:
    """Return the cursor from now on, behind the newest page, newest text first.

    Reading begins at the newest text's own stamp, so that Telstra's clock and ours may differ;
    where there is none of the last day, a day ago, since then there is no history to fear. A
    full page with the oldest text first says nothing of the newest: then our clock decides.
    """
    timestamps = _listed_timestamps(items)
    if len(items) >= PAGE_SIZE and (not timestamps or timestamps[0] < timestamps[-1]):
        return TelstraV3Cursor(ours, at, at)
    # The newest text may be weeks old: history further back than a day would be answered as if new.
    newest = _latest_timestamp(None, timestamps, at)
    since = max(newest or at - _MAX_LOOKBACK, at - _MAX_LOOKBACK)
    history_ids = [_item_id(item) for item in items if not _is_listed_before(item, since)]
    return TelstraV3Cursor(ours, since, since, history_ids, newest)


def read_page(
    cursor: TelstraV3Cursor, items: Sequence[Any], at: datetime
) -> tuple[Sequence[Inbound], TelstraV3Cursor, bool]:
    """Return a page's new texts, the next cursor, and whether to poll on at once.

    Whether `offset` counts pages or records is unsaid, so it is hardly used: the next page
    begins at this one's last stamp. Where a whole page has one stamp, `offset` grows by one,
    which leaves nothing out under either reading.
    """
    # The pages overlap on purpose, so that no text is missed: only the ids tell the new ones.
    known_ids = frozenset([*cursor.history_ids, *cursor.seen_ids])
    listed = [item for item in items if not _is_listed_before(item, cursor.since)]
    new_items = [item for item in listed if _item_id(item) not in known_ids]
    texts = [parse_inbound(item, cursor.ours, at) for item in new_items]
    timestamps = _listed_timestamps(items)
    newest = _latest_timestamp(cursor.newest, timestamps, at)
    seen_ids = [*cursor.seen_ids, *map(_item_id, new_items)][-_MAX_SEEN_IDS:]
    is_full = len(items) >= PAGE_SIZE
    start, offset = _next_start(cursor, timestamps) if is_full else (_overlap_start(newest, at), 0)
    next_cursor = TelstraV3Cursor(
        cursor.ours, cursor.since, start, cursor.history_ids, newest, offset, seen_ids
    )
    # The log has the texts of every number of the account; those of other numbers are not ours.
    return [text for text in texts if text and text.recipient == cursor.ours], next_cursor, is_full


def _next_start(
    cursor: TelstraV3Cursor, timestamps: Sequence[datetime]
) -> tuple[datetime | None, int]:
    """Return the start behind a full page: its last timestamp, or a page further on a repeat."""
    last = max(timestamps, default=None)
    if last is None or (cursor.start is not None and last <= cursor.start):
        return cursor.start, cursor.offset + 1
    return last, 0


def _overlap_start(newest: datetime | None, at: datetime) -> datetime:
    """Return the start once all was read: before the newest text, a day ago at most.

    A day by our clock, in whole hours: else every empty reading would move the cursor.
    """
    earliest = (at - _MAX_LOOKBACK).replace(minute=0, second=0, microsecond=0)
    return max(earliest, newest - OVERLAP) if newest else earliest


def _latest_timestamp(
    newest: datetime | None, timestamps: Sequence[datetime], at: datetime
) -> datetime | None:
    """Return the latest timestamp. One a day ahead is skipped: it would hide texts until then."""
    moments = [newest] if newest else []
    return max([*moments, *(one for one in timestamps if one <= at + _MAX_LOOKBACK)], default=None)


def _is_listed_before(item: Any, since: datetime) -> bool:
    moment = _listed_at(item)
    return moment is not None and moment < since


def _listed_timestamps(items: Sequence[Any]) -> Sequence[datetime]:
    return [moment for moment in map(_listed_at, items) if moment]


def _listed_at(item: Any) -> datetime | None:
    moment = parse_timestamp(
        get_string(item, "createTimestamp", "receivedTimestamp", "sentTimestamp")
    )
    return moment.replace(tzinfo=UTC) if moment else None


def _item_id(item: Any) -> str:
    return get_ascii_word(item, "messageId") or text_fingerprint(repr(item))
