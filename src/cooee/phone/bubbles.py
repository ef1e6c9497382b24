"""Draws a phone's screen: the simulator's texts, with the app's status of each."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial

import msgspec

from cooee.core.segments import Encoding, measure_text
from cooee.phone.inspector.formatting import format_utc
from cooee.phone.inspector.story import OutboundView, Story
from cooee.phone.ipc_messages import PastText
from cooee.simulator import ScreenEntry
from cooee.simulator.segments import count_segments

_MAX_BUBBLES = 150  # bubbles of a phone


class Bubble(msgspec.Struct, frozen=True):
    """A text on a phone's screen; `on_its_way` marks an outbound text before its arrival."""

    id: str
    from_phone: bool
    text: str
    at: str
    status: str
    segments: int = 1
    is_ucs2: bool = False  # in UCS-2, where one odd character makes every text dear
    note: str = ""
    retry_at: str = ""
    story_id: str = ""
    on_its_way: bool = False
    is_duplicate: bool = False
    media: Sequence[str] = ()


def make_bubbles(
    past_texts: Iterable[PastText],
    entries: Iterable[ScreenEntry],
    story_ids: Mapping[str, str],
    stories: Mapping[str, Story],
    outbounds: Iterable[OutboundView],
) -> Sequence[Bubble]:
    """Return a phone's screen, oldest text first; of a long conversation, the end.

    Args:
        past_texts: texts of earlier sessions, which this session's simulator does not know.
        entries: the simulator's texts from and to this phone.
        story_ids: the stories of the texts that the app has received, by their network's ids.
        stories: the latest stories, by id.
        outbounds: the app's texts to this phone, oldest first. Each is drawn once: where it
            arrived, at its time if it never will, and at the end if it is on its way.
    """
    # Only what is shown is drawn: a screen is looked at several times a second.
    drawings = [partial(_past_bubble, n, text) for n, text in enumerate(past_texts)]
    arrived, others = _pair_outbounds(entries, outbounds)
    ended = deque(outbound for outbound in others if outbound.status in _ENDED)
    seen_ids: set[str] = set()
    for n, (entry, outbound) in enumerate(arrived):
        text = entry.text
        while ended and datetime.fromisoformat(ended[0].at) <= entry.shown_at:
            drawings.append(partial(_pending_bubble, ended.popleft()))
        if entry.direction == "from_phone":
            story_id = story_ids.get(text.id, "")
            drawings.append(partial(_inbound_bubble, n, entry, story_id, stories.get(story_id)))
        else:
            is_duplicate = outbound is None and text.id in seen_ids
            drawings.append(partial(_outbound_bubble, n, entry, outbound, is_duplicate))
            seen_ids.add(text.id)
    under_way = [outbound for outbound in others if outbound.status not in _ENDED]
    drawings += [partial(_pending_bubble, outbound) for outbound in (*ended, *under_way)]
    return [draw() for draw in drawings[-_MAX_BUBBLES:]]


_ENDED = frozenset({"failed", "cancelled"})


def _pair_outbounds(
    entries: Iterable[ScreenEntry], outbounds: Iterable[OutboundView]
) -> tuple[Sequence[tuple[ScreenEntry, OutboundView | None]], Sequence[OutboundView]]:
    """Return each entry with the app's text that arrived in it, and the texts that did not."""
    queues: defaultdict[str, deque[OutboundView]] = defaultdict(deque)
    all_outbounds = list(outbounds)
    for outbound in sorted(all_outbounds, key=lambda one: one.status == "failed"):
        if outbound.status != "cancelled":
            queues[outbound.text].append(outbound)
    pairs: list[tuple[ScreenEntry, OutboundView | None]] = []
    for entry in entries:
        queue = queues.get(entry.text.text) if entry.direction == "to_phone" else None
        pairs.append((entry, queue.popleft() if queue else None))
    paired_ids = {outbound.id for _, outbound in pairs if outbound is not None}
    rest = (outbound for outbound in all_outbounds if outbound.id not in paired_ids)
    return pairs, [outbound for outbound in rest if outbound.status != "delivered"]


@lru_cache(2_000)
def _measure(text: str) -> tuple[int, bool]:
    """Return a text's segments, as the network counts them, and whether it is in UCS-2."""
    return count_segments(text), measure_text(text)[0] is Encoding.UCS2


def _inbound_bubble(n: int, entry: ScreenEntry, story_id: str, story: Story | None) -> Bubble:
    status = "delivered" if story_id else _NETWORK_STATUSES.get(entry.text.status, "failed")
    return Bubble(
        f"in-{n}",
        True,
        entry.text.text,
        format_utc(entry.shown_at),
        status,
        *_measure(entry.text.text),
        note=story.consent if story else "",
        story_id=story_id,
    )


# A text to the app: what became of it in the network.
_NETWORK_STATUSES = {"sent": "queued", "delivered": "sent"}


def _outbound_bubble(
    n: int,
    entry: ScreenEntry,
    outbound: OutboundView | None,
    is_duplicate: bool,
) -> Bubble:
    text = entry.text.text
    return Bubble(
        outbound.id if outbound else f"out-{n}",
        False,
        text,
        format_utc(entry.shown_at),
        outbound.status if outbound else "delivered",
        *_measure(text),
        note=outbound.note if outbound else "",
        retry_at=outbound.retry_at if outbound else "",
        story_id=outbound.story_id if outbound else "",
        is_duplicate=is_duplicate,
        media=outbound.media if outbound else (),
    )


def _pending_bubble(outbound: OutboundView) -> Bubble:
    return Bubble(
        outbound.id,
        False,
        outbound.text,
        outbound.at,
        outbound.status,
        *_measure(outbound.text),
        note=outbound.note,
        retry_at=outbound.retry_at,
        story_id=outbound.story_id,
        on_its_way=True,
        media=outbound.media,
    )


def _past_bubble(n: int, past: PastText) -> Bubble:
    status = _PAST_STATUSES.get(past.status, "failed")
    words = past.text
    return Bubble(
        f"past-{n}",
        not past.from_app,
        words,
        format_utc(past.at),
        status,
        *_measure(words),
    )


_PAST_STATUSES = {
    "handled": "delivered",
    "delivered": "delivered",
    "accepted": "sent",
    "sent": "sent",
}
_PAST_STATUSES |= {"pending": "delivered", "opt-out": "delivered", "set aside": "delivered"}
