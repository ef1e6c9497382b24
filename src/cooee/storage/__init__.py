"""Where conversations live between texts: the Store contract and its records."""

from cooee.storage.records import (
    Alarms,
    Arrival,
    Claim,
    Dialogue,
    Draft,
    Failure,
    Finish,
    Jot,
    Kept,
    Letter,
    Outcome,
    Pending,
    Start,
    Taken,
)
from cooee.storage.store import Store
from cooee.storage.summaries import Census, Entry, Silence, Talk, Thread

__all__ = [
    "Alarms",
    "Arrival",
    "Census",
    "Claim",
    "Dialogue",
    "Draft",
    "Entry",
    "Failure",
    "Finish",
    "Jot",
    "Kept",
    "Letter",
    "Outcome",
    "Pending",
    "Silence",
    "Start",
    "Store",
    "Taken",
    "Talk",
    "Thread",
]
