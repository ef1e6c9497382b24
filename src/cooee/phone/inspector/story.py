"""A text's story, from the phone's press on Send to the replies' delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cooee.core.messages import Status
from cooee.phone.inspector.formatting import Cell
from cooee.phone.ipc_messages import AppError, HTTPExchange, JournalStep

# The page's few words for an outbound text's status; each other status is "failed".
STATUS_NAMES = {
    Status.QUEUED: "queued",
    Status.SENDING: "sending",
    Status.UNKNOWN: "unknown",
    Status.ACCEPTED: "sent",
    Status.SENT: "sent",
    Status.DELIVERED: "delivered",
    Status.CANCELLED: "cancelled",
}
# The deed of a dialogue that went on by itself, by the kind of the journal entry it wrote.
TIMER_RESULTS = {
    "answer": "the answer was whole",
    "slept": "woke up",
    "no reply": "the time was up",
    "default": "the time was up",
}
# The steps that the page draws: each lasts from one of the story's moments to another.
_STEPS = (
    ("received", "texted", "received"),
    ("claimed", "received", "claimed"),
    ("handler", "called", "over"),
    ("committed", "over", "finished"),
    ("sent", "finished", "recorded"),
)


class OutboundView(msgspec.Struct, eq=False):
    """An outbound text on the page.

    `story_id` is the story that said it, and `retry_at` its next attempt; "" for none. `media` are
    the URLs of its pictures.
    """

    id: str
    theirs: str
    text: str
    at: str
    status: str = "queued"
    attempts: int = 0
    note: str = ""
    retry_at: str = ""
    story_id: str = ""
    media: Sequence[str] = ()


class Story(msgspec.Struct, eq=False):
    """A text's way so far; or, `by_timer`, that of a turn that a dialogue has by itself.

    The `text` of a turn by itself is its deed, and `gap_s` the seconds since the same person's
    last story. `status` is *waiting*, *running*, *answered*, *failed* or *opted out*. `committed`
    lists the changes that one transaction wrote, in a few words each; `consent` says what the text
    did to its sender's, or what the provider did with it. `retry_at` is the next
    attempt of a turn that failed, "" for none.
    """

    id: str
    theirs: str
    text: str
    at: datetime
    position: int
    by_timer: bool = False
    gap_s: float = 0
    status: str = "waiting"
    handler: str = ""
    location: str = ""
    attempts: int = 0
    duplicates: int = 0
    state: list[Cell] = []
    journal_steps: list[JournalStep] = []
    committed: list[str] = []
    outbounds: list[OutboundView] = []
    exchanges: list[HTTPExchange] = []
    error: AppError | None = None
    note: str = ""
    consent: str = ""
    retry_at: str = ""
    reply_count: int = 0
    step_times: dict[str, float] = {}

    @property
    def reply_ms(self) -> float | None:
        """Milliseconds from a text to the first attempt to send its reply; None before it."""
        times = self.step_times
        began_at = times.get("texted", times.get("received"))
        if self.by_timer or began_at is None or "replied" not in times:
            return None
        return max((times["replied"] - began_at) * 1000, 0.0)

    def step_durations(self) -> list[tuple[str, float]]:
        """Return each step that is over, with its milliseconds."""
        times = self.step_times
        return [
            (name, max((times[end] - times[start]) * 1000, 0.0))
            for name, start, end in _STEPS
            if start in times and end in times
        ]

    def add_journal_step(self, step: JournalStep) -> None:
        """Show a record, in place of an earlier one of the same question."""
        others = (known for known in self.journal_steps if known.question != step.question)
        self.journal_steps = [*others, step]
        if self.by_timer:
            self.text = TIMER_RESULTS.get(step.kind, self.text)
