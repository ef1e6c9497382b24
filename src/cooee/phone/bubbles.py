"""What each phone shows: the box's own record of it, with what the app knows of each text."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from cooee.core.segments import Encoding, size
from cooee.phone.inspector.story import Letter, Story
from cooee.phone.ipc_messages import Past
from cooee.simulator import Entry
from cooee.simulator.segments import segments

T = TypeVar("T", Story, Letter)

_MOST = 150  # bubbles of a phone


class Bubble(msgspec.Struct, frozen=True):
    """A text on a phone's screen; `ahead` is one of ours that has not come yet."""

    id: str
    mine: bool
    text: str
    at: str
    status: str
    note: str = ""
    segments: int = 1
    wide: bool = False  # in UCS-2, where one odd character makes every text dear
    story: str = ""
    ahead: bool = False
    copy: bool = False


def screen(
    past: Iterable[Past],
    entries: Iterable[Entry],
    stories: Iterable[Story],
    letters: Iterable[Letter],
) -> Sequence[Bubble]:
    """A phone's screen, oldest first.

    Args:
        past: texts of an earlier time, of which the box of today knows nothing.
        entries: what the box has on this phone.
        stories: the texts of this phone that the app has received, oldest first.
        letters: the app's texts to this phone, oldest first; each stands once, where it came
            or else at the end.
    """
    heard, written = _by_words(stories), _by_words(letters)
    shown = [_earlier(n, text) for n, text in enumerate(past)]
    seen: set[str] = set()
    for n, entry in enumerate(entries):
        if entry.direction == "from_phone":
            story = _next(heard, entry.text.text)
            shown.append(_mine(n, entry, story))
        else:
            letter = _next(written, entry.text.text)
            shown.append(_theirs(n, entry, letter, copy=letter is None and entry.text.id in seen))
            seen.add(entry.text.id)
    shown += [_ahead(letter) for rest in written.values() for letter in rest if _open(letter)]
    return shown[-_MOST:]


def _wide(words: str) -> bool:
    return size(words)[0] is Encoding.UCS2


def _mine(n: int, entry: Entry, story: Story | None) -> Bubble:
    words = entry.text.text
    status = "delivered" if story else _ON_THE_WAY.get(entry.text.status, "failed")
    return Bubble(
        f"in-{n}",
        True,
        words,
        _stamp(entry.at),
        status,
        segments=segments(words),
        wide=_wide(words),
        story=story.id if story else "",
    )


# A text to the app: what became of it in the network.
_ON_THE_WAY = {"sent": "queued", "delivered": "sent"}


def _theirs(n: int, entry: Entry, letter: Letter | None, *, copy: bool) -> Bubble:
    words = entry.text.text
    return Bubble(
        letter.id if letter else f"out-{n}",
        False,
        words,
        _stamp(entry.at),
        letter.status if letter else "delivered",
        note=letter.note if letter else "",
        segments=segments(words),
        wide=_wide(words),
        story=letter.turn if letter else "",
        copy=copy,
    )


def _ahead(letter: Letter) -> Bubble:
    return Bubble(
        letter.id,
        False,
        letter.text,
        letter.at,
        letter.status,
        note=letter.note,
        segments=segments(letter.text),
        wide=_wide(letter.text),
        story=letter.turn,
        ahead=True,
    )


def _open(letter: Letter) -> bool:
    return letter.status != "delivered"


def _earlier(n: int, text: Past) -> Bubble:
    status = _EARLIER.get(text.status, "failed")
    words = text.text
    return Bubble(
        f"past-{n}",
        not text.ours,
        words,
        _stamp(text.at),
        status,
        segments=segments(words),
        wide=_wide(words),
    )


_EARLIER = {"handled": "delivered", "delivered": "delivered", "accepted": "sent", "sent": "sent"}
_EARLIER |= {"pending": "delivered", "opt-out": "delivered", "set aside": "delivered"}


def _by_words(items: Iterable[T]) -> dict[str, deque[T]]:
    queues: defaultdict[str, deque[T]] = defaultdict(deque)
    for item in items:
        queues[item.text].append(item)
    return queues


def _next(queues: dict[str, deque[T]], words: str) -> T | None:
    queue = queues.get(words)
    return queue.popleft() if queue else None


def _stamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
