"""Where conversations live between texts: the Store contract and its records."""

from cooee.storage.records import (
    AttemptResult,
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
    NewInbound,
    NewOutbound,
    NextDue,
    PendingText,
    ProactiveOutbound,
    SendAttempt,
    TurnFailure,
)
from cooee.storage.store import Store
from cooee.storage.summaries import ConversationSummary, Counts, OptOut, StoredDialogue, StoredText

__all__ = [
    "AttemptResult",
    "Checkpoint",
    "Claim",
    "ClaimResult",
    "ConversationSummary",
    "Counts",
    "DialogueRecord",
    "DialogueStart",
    "DialogueUpdate",
    "NewInbound",
    "NewOutbound",
    "NextDue",
    "OptOut",
    "PendingText",
    "ProactiveOutbound",
    "SendAttempt",
    "Store",
    "StoredDialogue",
    "StoredText",
    "TurnFailure",
]
