"""Two-way text-message conversations in plain Python: nothing lost, nothing doubled."""

from __future__ import annotations

from typing import Any

from cooee.core.answers import Email, PhoneNumber
from cooee.core.app import App, Mounted, hand_in
from cooee.core.chat import Chat, Line
from cooee.core.errors import (
    CannotGoBack,
    CooeeError,
    DefinitionError,
    DialogueError,
    NoReply,
    NotRunning,
    OnceFailed,
    OnceUnknown,
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    ResultLost,
    SettingError,
    StateError,
    TemporaryFailure,
    TooLong,
    TooManyAttempts,
)
from cooee.core.messages import Inbound, Outbound, Receipt, Reply, Status
from cooee.core.routes import Routes
from cooee.core.spans import days, hours, minutes

__all__ = [
    "App",
    "CannotGoBack",
    "Chat",
    "CooeeError",
    "DefinitionError",
    "DialogueError",
    "Email",
    "Inbound",
    "Line",
    "NoReply",
    "NotRunning",
    "OnceFailed",
    "OnceUnknown",
    "OptedOut",
    "Outbound",
    "OutcomeUnknown",
    "PermanentFailure",
    "PhoneNumber",
    "ProviderFailure",
    "Receipt",
    "Reply",
    "ResultLost",
    "Routes",
    "SettingError",
    "StateError",
    "Status",
    "TemporaryFailure",
    "TooLong",
    "TooManyAttempts",
    "days",
    "hours",
    "minutes",
]


def _mount(app: App[Any, Any]) -> Mounted:
    from cooee.runtime.mount import Mount  # noqa: PLC0415 -- `import cooee` stays light

    return Mount(app)


hand_in(_mount)
