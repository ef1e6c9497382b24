"""Storage of conversations between texts: the Store contract and its records."""

from cooee.core.messages import Priority
from cooee.core.public_names import publish_names
from cooee.storage.dialects import open_store
from cooee.storage.records import (
    AttemptResult,
    Checkpoint,
    Claim,
    ClaimResult,
    DialogueRecord,
    DialogueStart,
    DialogueUpdate,
    FinishedClaim,
    NewInbound,
    NewOutbound,
    NextDue,
    PendingText,
    ProactiveOutbound,
    ReceivedText,
    SendAttempt,
    TurnFailure,
)
from cooee.storage.statuses import ConsentSource, InboundStatus, SenderConsent
from cooee.storage.store import Store
from cooee.storage.summaries import (
    ConversationFilter,
    ConversationSummary,
    Counts,
    OptOut,
    PrunedSlice,
    StoredDialogue,
    StoredText,
)

__all__ = [
    "AttemptResult",
    "Checkpoint",
    "Claim",
    "ClaimResult",
    "ConsentSource",
    "ConversationFilter",
    "ConversationSummary",
    "Counts",
    "DialogueRecord",
    "DialogueStart",
    "DialogueUpdate",
    "FinishedClaim",
    "InboundStatus",
    "NewInbound",
    "NewOutbound",
    "NextDue",
    "OptOut",
    "PendingText",
    "Priority",
    "ProactiveOutbound",
    "PrunedSlice",
    "ReceivedText",
    "SendAttempt",
    "SenderConsent",
    "Store",
    "StoredDialogue",
    "StoredText",
    "TurnFailure",
    "open_store",
]

publish_names(__name__, globals(), __all__)
