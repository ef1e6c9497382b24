"""Two-way text-message conversations in plain Python: nothing lost, nothing doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cooee.core.app.app import App, Mounted, hand_in
from cooee.core.app.chat import Chat, Line, Restart
from cooee.core.app.routes import Routes
from cooee.core.durations import days, hours, minutes
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
from cooee.core.messages import Inbound, Media, Outbound, Receipt, Reply, Status
from cooee.core.parsing.answers import Email, PhoneNumber

if TYPE_CHECKING:
    from cooee.net.app_client import Remote

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
    "Media",
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
    "Restart",
    "ResultLost",
    "Routes",
    "SettingError",
    "StateError",
    "Status",
    "TemporaryFailure",
    "TooLong",
    "TooManyAttempts",
    "connect",
    "days",
    "hours",
    "minutes",
]


def connect(url: str, token: str | None = None) -> Remote:
    """An app that runs in another process: ``await cooee.connect(url).send(to, text)``.

    Args:
        url: where it listens, such as ``"http://127.0.0.1:8000"``.
        token: its COOEE_SEND_TOKEN; by default that of this process's environment.

    Raises:
        SettingError: there is no token.
    """
    from cooee.net.app_client import Remote  # noqa: PLC0415 -- `import cooee` stays light

    return Remote(url, token)


def _mount(app: App[Any, Any]) -> Mounted:
    from cooee.runtime.asgi import Mount  # noqa: PLC0415 -- `import cooee` stays light

    return Mount(app)


hand_in(_mount)
