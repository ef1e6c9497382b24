"""A person's dialogues in the middle of a claim: who asks, who waits, what became of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from cooee.core.app.routes import Busy
from cooee.core.dialogue import journal as journals
from cooee.core.dialogue.journal import Journal, Waiting
from cooee.core.dialogue.replay import Outcome, again
from cooee.core.errors import JournalError
from cooee.storage import Claim, Dialogue, Kept


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """One dialogue as it is now.

    `kept` entries of it are on disk; `touched` says whether more than further entries is to be
    written. Without a `journal` it cannot be read, for the reason in `trouble`.
    """

    id: str
    handler: str
    journal: Journal | None
    trouble: JournalError | None = None
    kept: int = 0
    due_at: datetime | None = None
    attempts: int = 0
    ended: str = ""
    touched: bool = False

    @property
    def waiting(self) -> Waiting | None:
        """Where it stands; None where it has not begun, or cannot be read."""
        return None if self.journal is None else self.journal.waiting

    @property
    def asks(self) -> bool:
        """Whether the person's next text is for it; where that cannot be read, it may be."""
        if self.journal is None:
            return True
        waiting = self.journal.waiting
        return waiting is not None and waiting.asks and not waiting.parked

    @property
    def ready(self) -> bool:
        """Whether it has something to say before it can take a text."""
        waiting = self.waiting
        return self.journal is not None and (waiting is None or waiting.again)

    @property
    def fresh(self) -> bool:
        """Whether its first turn is still to come."""
        return self.journal is not None and self.journal.turn == 0


class Dialogues(msgspec.Struct, frozen=True):
    """Those that were not over when the claim began, and those begun since."""

    known: Mapping[str, Live] = {}

    @property
    def asking(self) -> Live | None:
        """The one whose question waits for the person's next text."""
        if not self.known:  # as with most people
            return None
        asking = [live for live in self.live if live.asks]
        return max(asking, key=_asked_at, default=None)

    @property
    def live(self) -> Sequence[Live]:
        """Those that are not over."""
        return [live for live in self.known.values() if not live.ended]

    def due(self, now: datetime) -> Sequence[Live]:
        """Those whose time has come, the earliest first."""
        due = [live for live in self.live if live.due_at is not None and live.due_at <= now]
        return sorted(due, key=lambda live: live.due_at or now)

    def put(self, *lives: Live) -> Dialogues:
        """With these as they are now."""
        return Dialogues({**self.known, **{live.id: live for live in lives}})

    def after(self, live: Live, outcome: Outcome, busy: Busy, now: datetime) -> Dialogues:
        """With what a turn of one of them came to, for it and for the others.

        Where it asks while another does, that one is put by, or replaced. Where nobody asks
        any more, the one that was put by last comes back.
        """
        other = self.asking
        standing = _after(live, outcome)
        settled = self.put(standing)
        if outcome.ended == "restarted":
            settled = settled.put(begun(again(outcome), now))
        if other is not None and other.id != live.id and standing.asks and not standing.ended:
            replaced = busy == "replace"
            settled = settled.put(_ended(other, "replaced") if replaced else _parked(other))
        return settled.resumed(now)

    def resumed(self, now: datetime) -> Dialogues:
        """With the one back that was put by last, where no other asks or is about to."""
        if self.asking or any(live.ready for live in self.due(now)):
            return self
        parked = [live for live in self.live if live.waiting is not None and live.waiting.parked]
        if not parked:
            return self
        return self.asked_again(max(parked, key=lambda live: (_asks(live), _asked_at(live))), now)

    def asked_again(self, live: Live, now: datetime) -> Dialogues:
        """With its question to be asked once more."""
        if live.journal is None:
            return self
        return self.taken_back(live, journals.come_back(live.journal), now)

    def put_off(self, live: Live) -> Dialogues:
        """With one asleep until nobody asks any more."""
        return self.put(replace(_parked(live), due_at=None))

    def taken_back(self, live: Live, journal: Journal, now: datetime) -> Dialogues:
        """With one where this journal has it, to ask from there at once."""
        return self.put(replace(live, journal=journal, due_at=now, touched=True))

    def ended(self, live: Live, how: str, now: datetime) -> Dialogues:
        """With one of them over."""
        return self.put(_ended(live, how)).resumed(now)

    def changed(
        self, before: bytes | None, after: bytes | None, now: datetime, but: Collection[str]
    ) -> Dialogues:
        """With a change of the person's state noted by all others, so that their runs count it.

        One whose first turn is still to come begins with the state as it will be then.
        """
        if before == after or not self.known:
            return self
        others = [live for live in self.live if live.id not in but and not live.fresh]
        return self.put(*[_changed(live, before, after, now) for live in others])

    def to_keep(self) -> Sequence[Kept]:
        """What is to be written of each that something became of."""
        return [kept for live in self.known.values() if (kept := _to_keep(live)) is not None]


def opened(claim: Claim) -> Dialogues:
    """A person's dialogues as a claim brings them."""
    return Dialogues({stored.id: _read(stored) for stored in claim.dialogues})


def begun(journal: Journal, due_at: datetime | None = None) -> Live:
    """A dialogue that begins in this claim."""
    return Live(
        id=journal.id, handler=journal.handler, journal=journal, due_at=due_at, touched=True
    )


def entries(live: Live, further: Sequence[journals.Entry] = ()) -> Sequence[bytes]:
    """The entries that are not on disk yet, as they are stored."""
    unkept = () if live.journal is None else live.journal.entries[live.kept :]
    return [journals.write_entry(entry) for entry in (*unkept, *further)]


def _read(stored: Dialogue) -> Live:
    journal, trouble = None, None
    try:
        journal = journals.read(stored.head, stored.entries)
    except JournalError as error:
        trouble = error
    return Live(
        id=stored.id,
        handler=stored.handler,
        journal=journal,
        trouble=trouble,
        kept=len(stored.entries),
        due_at=stored.due_at,
        attempts=stored.attempts,
    )


def _after(live: Live, outcome: Outcome) -> Live:
    """One of them after its turn."""
    waiting = outcome.journal.waiting
    return replace(
        live,
        journal=outcome.journal,
        due_at=None if waiting is None or outcome.ended else waiting.due_at,
        attempts=0,
        ended=outcome.ended,
        touched=True,
    )


def _ended(live: Live, how: str) -> Live:
    if live.journal is None:
        return live
    return replace(live, ended=how, due_at=None, touched=True)


def _parked(live: Live) -> Live:
    if live.journal is None:
        return live
    return replace(live, journal=journals.park(live.journal), touched=True)


def _changed(live: Live, before: bytes | None, after: bytes | None, now: datetime) -> Live:
    if live.journal is None:  # nothing of what cannot be read is ever written to
        return live
    return replace(live, journal=journals.changed(live.journal, before, after, now))


def _to_keep(live: Live) -> Kept | None:
    further = entries(live)
    if live.journal is None or not (further or live.touched):
        return None
    return Kept(
        id=live.id,
        handler=live.handler,
        count=live.kept,
        entries=further,
        head=journals.write_head(live.journal) if live.touched else None,
        due_at=live.due_at,
        ended=live.ended,
    )


def _asks(live: Live) -> bool:
    return live.waiting is not None and live.waiting.asks


def _asked_at(live: Live) -> float:
    return live.waiting.asked_at.timestamp() if live.waiting is not None else 0
