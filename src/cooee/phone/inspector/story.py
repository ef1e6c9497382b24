"""One text's story, and that of each reply, as the panel tells them."""

from __future__ import annotations

import msgspec

from cooee.core.messages import Status
from cooee.phone.inspector import formatting as showing
from cooee.phone.ipc_messages import AppError, HTTPExchange, JournalStep
from cooee.storage.sqlite.change_feed import Row
from cooee.storage.sqlite.columns import moment

# What became of a text of ours, in the page's few words.
STATUS_NAMES = {
    Status.QUEUED: "queued",
    Status.SENDING: "sending",
    Status.UNKNOWN: "unknown",
    Status.ACCEPTED: "sent",
    Status.SENT: "sent",
    Status.DELIVERED: "delivered",
    Status.UNDELIVERED: "failed",
    Status.FAILED: "failed",
    Status.EXPIRED: "failed",
    Status.CANCELLED: "failed",
}


class OutboundView(msgspec.Struct, eq=False):
    """A text of ours, as its row in the outbox stands."""

    id: str
    theirs: str
    text: str
    at: str
    status: str = "queued"
    attempts: int = 0
    note: str = ""
    story_id: str = ""


class Story(msgspec.Struct, eq=False):
    """What is known of one text so far; or of an alarm of a dialogue, whose `text` is what it did.

    `gap_s` is how many seconds an alarm rang after what was before it.
    """

    id: str
    theirs: str
    text: str
    at: str
    position: int
    by_timer: bool = False
    gap_s: float = 0
    status: str = "waiting"
    handler: str = ""
    location: str = ""
    attempts: int = 0
    duplicates: int = 0
    state: list[showing.Cell] = []
    journal_steps: list[JournalStep] = []
    rows: list[showing.ShownRow] = []
    outbounds: list[OutboundView] = []
    exchanges: list[HTTPExchange] = []
    error: AppError | None = None
    note: str = ""
    step_times: dict[str, float] = {}

    def step_durations(self) -> list[tuple[str, float]]:
        """Each step behind it, and its milliseconds."""
        times = self.step_times
        steps = (
            ("received", "texted", "received"),
            ("claimed", "received", "claimed"),
            ("handler", "called", "over"),
            ("committed", "over", "finished"),
            ("sent", "finished", "recorded"),
        )
        return [
            (name, max((times[end] - times[start]) * 1000, 0.0))
            for name, start, end in steps
            if start in times and end in times
        ]


# What an alarm did, by what it left in the journal.
TIMER_RESULTS = {
    "answer": "the answer was whole",
    "slept": "woke up",
    "no reply": "the time was up",
    "default": "the time was up",
}


def status_note(row: Row) -> str:
    """What a text of ours waits for, in words; "" where there is nothing to say."""
    status, due = Status(row["status"]), row["due_at"]
    if status is Status.QUEUED and row["attempts"] and due:
        next_attempt = showing.time_of_day(moment(due))[:-4]
        return f"Attempt {row['attempts']} failed. The next is at {next_attempt}."
    if status is Status.UNKNOWN:
        if due is None:
            return "The answer was lost, and nobody can tell: it is held, and not sent twice."
        return "The answer was lost. Whether it arrived is being found out."
    return row["error"] if STATUS_NAMES[status] == "failed" else ""


def iso_from_stored(stored: int) -> str:
    """A stored time, as pages read it."""
    return moment(stored).isoformat(timespec="milliseconds").replace("+00:00", "Z")
