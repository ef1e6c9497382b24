"""Telstra v3's log of texts to us: where reading goes on, and what of a page is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cooee.core.messages import Inbound, fingerprint
from cooee.providers.json_fields import stamp, string, word
from cooee.providers.telstra_v3.payloads import incoming

PAGE = 50
"""Texts in one reading, the most that Telstra gives."""
OVERLAP = timedelta(minutes=2)
"""How long before the newest text reading begins again. How late a text may be listed is said
nowhere: an assumption, as long as two minutes' texts can be read over and over."""
_REST = timedelta(days=1)
_SEEN = 200  # ids that the cursor remembers; older ones the store knows


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where reading the log goes on; written as the cursor.

    Args:
        ours: our number, in E.164.
        since: what was listed before is history, and never read;
        history: nor is what was listed at that very moment, by its ids.
        start: texts listed from then on are read next; None reads from the log's beginning.
        newest: the latest stamp of any text.
        skip: the `offset` to read at.
        seen: the ids of the latest texts.
    """

    ours: str
    since: datetime
    start: datetime | None
    history: Sequence[str] = ()
    newest: datetime | None = None
    skip: int = 0
    seen: Sequence[str] = ()

    @property
    def query(self) -> Mapping[str, str]:
        """What to ask for: a page of texts, the oldest first."""
        asked = {"direction": "incoming", "limit": str(PAGE), "offset": str(self.skip)}
        return asked | ({"startTime": written(self.start)} if self.start else {})

    @property
    def cursor(self) -> str:
        """The place as a string."""
        return msgspec.json.encode(self).decode()


def place(cursor: str) -> Place | None:
    """The place that a cursor names; None where it names none."""
    try:
        found = msgspec.json.decode(cursor, type=Place)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    moments = (found.since, found.start, found.newest)
    return None if any(moment and moment.tzinfo is None for moment in moments) else found


def written(moment: datetime) -> str:
    """A time as Telstra has it: UTC, 24 characters."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def beginning(ours: str, items: Sequence[Any], at: datetime) -> Place:
    """The place that begins now, from the newest page, the newest text first: it is history.

    Reading begins at the newest text's own stamp, so that Telstra's clock and ours may differ;
    where there is none of the last day, a day ago, since then there is no history to fear. A
    full page with the oldest text first says nothing of the newest: then our clock decides.
    """
    stamps = _stamps(items)
    if len(items) >= PAGE and (not stamps or stamps[0] < stamps[-1]):
        return Place(ours, at, at)
    newest = _latest(None, stamps, at)
    since = max(newest or at - _REST, at - _REST)
    history = [_name(item) for item in items if not _is_before(item, since)]
    return Place(ours, since, since, history, newest)


def reading(
    here: Place, items: Sequence[Any], at: datetime
) -> tuple[Sequence[Inbound], Place, bool]:
    """What a page brought: new texts to us, the place behind it, and whether to read on at once.

    Whether `offset` counts pages or records is unsaid, so it is hardly used: the next page
    begins at this one's last stamp. Where a whole page has one stamp, `offset` grows by one,
    which leaves nothing out under either reading.
    """
    known = frozenset([*here.history, *here.seen])
    listed = [item for item in items if not _is_before(item, here.since)]
    fresh = [item for item in listed if _name(item) not in known]
    texts = [incoming(item, here.ours, at) for item in fresh]
    stamps = _stamps(items)
    newest = _latest(here.newest, stamps, at)
    seen = [*here.seen, *map(_name, fresh)][-_SEEN:]
    full = len(items) >= PAGE
    start, skip = _onwards(here, stamps) if full else (_back(newest, at), 0)
    there = Place(here.ours, here.since, start, here.history, newest, skip, seen)
    return [text for text in texts if text and text.recipient == here.ours], there, full


def _onwards(here: Place, stamps: Sequence[datetime]) -> tuple[datetime | None, int]:
    """Behind a full page: at its last stamp, or a page further where that is where we are."""
    last = max(stamps, default=None)
    if last is None or (here.start is not None and last <= here.start):
        return here.start, here.skip + 1
    return last, 0


def _back(newest: datetime | None, at: datetime) -> datetime:
    """Where to read again once all was read: behind the newest text, a day ago at most.

    A day by our clock, in whole hours: else every empty reading would move the cursor.
    """
    rest = (at - _REST).replace(minute=0, second=0, microsecond=0)
    return max(rest, newest - OVERLAP) if newest else rest


def _latest(newest: datetime | None, stamps: Sequence[datetime], at: datetime) -> datetime | None:
    """The latest stamp, but for those a day ahead of us: they would hide what comes until then."""
    moments = [newest] if newest else []
    return max([*moments, *(one for one in stamps if one <= at + _REST)], default=None)


def _is_before(item: Any, since: datetime) -> bool:
    moment = _listed_at(item)
    return moment is not None and moment < since


def _stamps(items: Sequence[Any]) -> Sequence[datetime]:
    return [moment for moment in map(_listed_at, items) if moment]


def _listed_at(item: Any) -> datetime | None:
    moment = stamp(string(item, "createTimestamp", "receivedTimestamp", "sentTimestamp"))
    return moment.replace(tzinfo=UTC) if moment else None


def _name(item: Any) -> str:
    return word(item, "messageId") or fingerprint(repr(item))
