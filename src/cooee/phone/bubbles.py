"""Draws a phone's screen: the simulator's texts, with the app's status of each."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from cooee.core.segments import Encoding, measure_text
from cooee.phone.inspector.story import OutboundView, Story
from cooee.phone.ipc_messages import PastText
from cooee.simulator import ScreenEntry
from cooee.simulator.segments import count_segments

T = TypeVar("T", Story, OutboundView)

_MAX_BUBBLES = 150  # bubbles of a phone


class Bubble(msgspec.Struct, frozen=True):
    """A text on a phone's screen; `on_its_way` marks an outbound text before its arrival."""

    id: str
    from_phone: bool
    text: str
    at: str
    status: str
    note: str = ""
    segments: int = 1
    is_ucs2: bool = False  # in UCS-2, where one odd character makes every text dear
    story_id: str = ""
    on_its_way: bool = False
    is_duplicate: bool = False


def make_bubbles(
    past_texts: Iterable[PastText],
    entries: Iterable[ScreenEntry],
    stories: Iterable[Story],
    outbounds: Iterable[OutboundView],
) -> Sequence[Bubble]:
    """Return a phone's screen, oldest text first.

    Args:
        past_texts: texts of earlier sessions, which this session's simulator does not know.
        entries: the simulator's texts from and to this phone.
        stories: the texts of this phone that the app has received, oldest first.
        outbounds: the app's texts to this phone, oldest first. Each is drawn once: where it
            arrived, or else at the end.
    """
    stories_by_text, outbounds_by_text = _group_by_text(stories), _group_by_text(outbounds)
    bubbles = [_past_bubble(n, text) for n, text in enumerate(past_texts)]
    seen_ids: set[str] = set()
    for n, entry in enumerate(entries):
        if entry.direction == "from_phone":
            story = _take_next(stories_by_text, entry.text.text)
            bubbles.append(_inbound_bubble(n, entry, story))
        else:
            outbound = _take_next(outbounds_by_text, entry.text.text)
            bubbles.append(
                _outbound_bubble(
                    n, entry, outbound, is_duplicate=outbound is None and entry.text.id in seen_ids
                )
            )
            seen_ids.add(entry.text.id)
    bubbles += [
        _pending_bubble(letter)
        for rest in outbounds_by_text.values()
        for letter in rest
        if _is_undelivered(letter)
    ]
    return bubbles[-_MAX_BUBBLES:]


def _is_ucs2(text: str) -> bool:
    return measure_text(text)[0] is Encoding.UCS2


def _inbound_bubble(n: int, entry: ScreenEntry, story: Story | None) -> Bubble:
    text = entry.text.text
    status = "delivered" if story else _NETWORK_STATUSES.get(entry.text.status, "failed")
    return Bubble(
        f"in-{n}",
        True,
        text,
        _format_utc(entry.shown_at),
        status,
        segments=count_segments(text),
        is_ucs2=_is_ucs2(text),
        story_id=story.id if story else "",
    )


# A text to the app: what became of it in the network.
_NETWORK_STATUSES = {"sent": "queued", "delivered": "sent"}


def _outbound_bubble(
    n: int, entry: ScreenEntry, outbound: OutboundView | None, *, is_duplicate: bool
) -> Bubble:
    text = entry.text.text
    return Bubble(
        outbound.id if outbound else f"out-{n}",
        False,
        text,
        _format_utc(entry.shown_at),
        outbound.status if outbound else "delivered",
        note=outbound.note if outbound else "",
        segments=count_segments(text),
        is_ucs2=_is_ucs2(text),
        story_id=outbound.story_id if outbound else "",
        is_duplicate=is_duplicate,
    )


def _pending_bubble(outbound: OutboundView) -> Bubble:
    return Bubble(
        outbound.id,
        False,
        outbound.text,
        outbound.at,
        outbound.status,
        note=outbound.note,
        segments=count_segments(outbound.text),
        is_ucs2=_is_ucs2(outbound.text),
        story_id=outbound.story_id,
        on_its_way=True,
    )


def _is_undelivered(outbound: OutboundView) -> bool:
    return outbound.status != "delivered"


def _past_bubble(n: int, past: PastText) -> Bubble:
    status = _PAST_STATUSES.get(past.status, "failed")
    words = past.text
    return Bubble(
        f"past-{n}",
        not past.from_app,
        words,
        _format_utc(past.at),
        status,
        segments=count_segments(words),
        is_ucs2=_is_ucs2(words),
    )


_PAST_STATUSES = {
    "handled": "delivered",
    "delivered": "delivered",
    "accepted": "sent",
    "sent": "sent",
}
_PAST_STATUSES |= {"pending": "delivered", "opt-out": "delivered", "set aside": "delivered"}


def _group_by_text(items: Iterable[T]) -> dict[str, deque[T]]:
    queues: defaultdict[str, deque[T]] = defaultdict(deque)
    for item in items:
        queues[item.text].append(item)
    return queues


def _take_next(queues: dict[str, deque[T]], text: str) -> T | None:
    queue = queues.get(text)
    return queue.popleft() if queue else None


def _format_utc(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
