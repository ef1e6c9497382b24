"""Two-way text-message conversations in plain Python: nothing lost, nothing doubled."""

from __future__ import annotations

from typing import Any

from cooee.core.app import App, Mounted, hand_in
from cooee.core.chat import Chat, Line
from cooee.core.errors import (
    CooeeError,
    DefinitionError,
    NotRunning,
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    SettingError,
    StateError,
    TemporaryFailure,
)
from cooee.core.messages import Inbound, Outbound, Receipt, Reply, Status
from cooee.core.routes import Routes

__all__ = [
    "App",
    "Chat",
    "CooeeError",
    "DefinitionError",
    "Inbound",
    "Line",
    "NotRunning",
    "OptedOut",
    "Outbound",
    "OutcomeUnknown",
    "PermanentFailure",
    "ProviderFailure",
    "Receipt",
    "Reply",
    "Routes",
    "SettingError",
    "StateError",
    "Status",
    "TemporaryFailure",
]


def _mount(app: App[Any, Any]) -> Mounted:
    from cooee.runtime.mount import Mount  # noqa: PLC0415 -- `import cooee` stays light

    return Mount(app)


hand_in(_mount)
