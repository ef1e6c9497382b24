"""One text's story, and that of each reply, as the panel tells them."""

from __future__ import annotations

import msgspec

from cooee.core.messages import Status
from cooee.phone.inspector import formatting as showing
from cooee.phone.ipc_messages import Exchanged, Noted, Trouble
from cooee.storage.sqlite.change_feed import Row
from cooee.storage.sqlite.columns import moment

# What became of a text of ours, in the page's few words.
WORDS = {
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


class Letter(msgspec.Struct, eq=False):
    """A text of ours, as its row in the outbox stands."""

    id: str
    theirs: str
    text: str
    at: str
    status: str = "queued"
    attempts: int = 0
    note: str = ""
    turn: str = ""


class Story(msgspec.Struct, eq=False):
    """What is known of one text so far; or of an alarm of a dialogue, whose `text` is what it did.

    `later` is how many seconds an alarm rang after what was before it.
    """

    id: str
    theirs: str
    text: str
    at: str
    number: int
    alarm: bool = False
    later: float = 0
    status: str = "waiting"
    handler: str = ""
    where: str = ""
    attempts: int = 0
    again: int = 0
    state: list[showing.Cell] = []
    noted: list[Noted] = []
    rows: list[showing.ShownRow] = []
    letters: list[Letter] = []
    exchanges: list[Exchanged] = []
    trouble: Trouble | None = None
    note: str = ""
    marks: dict[str, float] = {}

    def took(self) -> list[tuple[str, float]]:
        """Each step behind it, and its milliseconds."""
        marks = self.marks
        spans = (
            ("received", "texted", "received"),
            ("claimed", "received", "claimed"),
            ("handler", "called", "over"),
            ("committed", "over", "finished"),
            ("sent", "finished", "recorded"),
        )
        return [
            (name, max((marks[end] - marks[start]) * 1000, 0.0))
            for name, start, end in spans
            if start in marks and end in marks
        ]


# What an alarm did, by what it left in the journal.
DID = {
    "answer": "the answer was whole",
    "slept": "woke up",
    "no reply": "the time was up",
    "default": "the time was up",
}


def note(row: Row) -> str:
    """What a text of ours waits for, in words; "" where there is nothing to say."""
    status, due = Status(row["status"]), row["due_at"]
    if status is Status.QUEUED and row["attempts"] and due:
        again = showing.time_of_day(moment(due))[:-4]
        return f"Attempt {row['attempts']} failed. The next is at {again}."
    if status is Status.UNKNOWN:
        if due is None:
            return "The answer was lost, and nobody can tell: it is held, and not sent twice."
        return "The answer was lost. Whether it arrived is being found out."
    return row["error"] if WORDS[status] == "failed" else ""


def iso(stamp: int) -> str:
    """A stored time, as pages read it."""
    return moment(stamp).isoformat(timespec="milliseconds").replace("+00:00", "Z")
