"""Divergence: unchanged code that goes another way than before, and why (replay rule 10)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cooee.core.dialogue.journal import JournalEntry
from cooee.core.dialogue.waiting import RecordKey, Waiting
from cooee.core.errors import NotDeterministic


class Divergence(msgspec.Struct, frozen=True):
    """The step at which a run left the way of the turn before.

    `entries` are those that the run had added; the first `taken_count` of them are committed.
    """

    key: RecordKey
    action: str
    location: str
    entries: Sequence[JournalEntry] = ()
    taken_count: int = 0

    def is_same_step(self, other: Divergence | None) -> bool:
        """Return whether another run took the same step."""
        if other is None:
            return False
        step, other_step = (self.key, self.action), (other.key, other.action)
        return step == other_step and self.location == other.location


_REMEDY = (
    "What changes from run to run belongs into `await chat.once(…)`; for the time and for chance"
    " there are chat.now and chat.random."
)


def divergence_error(waiting: Waiting | None, here: Divergence) -> NotDeterministic:
    """Return the error of unchanged code that went another way than before."""
    return NotDeterministic(
        f"{here.location}: this dialogue {here.action}, while before, with the same code and the"
        f" same answers, {_way_before(waiting)}. {_REMEDY}"
    )


def two_ways_error(
    waiting: Waiting | None, first: Divergence, second: Divergence | None
) -> NotDeterministic:
    """Return the error of code that goes two ways in two runs of one process."""
    again = "goes that way again" if second is None else f"{second.action} ({second.location})"
    return NotDeterministic(
        f"{first.location}: this dialogue {first.action}, while before, with the same code and the"
        f" same answers, {_way_before(waiting)}; and run once more, it {again}. {_REMEDY}"
    )


_DOES = {"does": "does something once"}


def outside_change_message(waiting: Waiting | None, here: Divergence) -> str:
    """Return the warning about code that goes another way than before, each time it is run.

    It names lines and no words, which may be people's own: so it is one warning for all of them.
    """
    assert waiting is not None
    verb = here.action.partition(" ")[0]
    return (
        f"{here.location}: a dialogue {_DOES.get(verb, verb)} here, while before, with"
        f" the same code and the same answers, it waited at {waiting.location}. It does so in every"
        " run now, so what has changed lies outside of the code: in a library, a file, a setting."
        " It goes on, as after an edit. To have each such change taken for an edit, put it into"
        " App(version=…)."
    )


def _way_before(waiting: Waiting | None) -> str:
    assert waiting is not None
    before = f"waited for {waiting.prompt!r}" if waiting.expects_text else "slept"
    return f"it {before} ({waiting.location})"
