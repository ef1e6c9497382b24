"""Two-way text-message conversations in plain Python: no text lost, no text doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cooee.core.app.app import App, MountableApp, set_mount_factory
from cooee.core.app.chat import Chat
from cooee.core.app.dialogue_verbs import HistoryEntry, Restart
from cooee.core.app.question import AskOptions
from cooee.core.app.routes import Routes
from cooee.core.durations import days, hours, minutes
from cooee.core.errors import (
    AmbiguousQuestion,
    AppUnresponsive,
    CannotGoBack,
    CooeeError,
    DatabaseInUse,
    DatabaseLost,
    DefinitionError,
    DialogueError,
    DuplicateOnce,
    Ended,
    ForeignAwait,
    JournalError,
    JournalTooNew,
    JournalUnreadable,
    NoDialogue,
    NoReply,
    NotAwaited,
    NotDeterministic,
    NotRunning,
    NotSendable,
    OnceFailed,
    OnceUnknown,
    OptedOut,
    OutcomeUnknown,
    PermanentFailure,
    ProviderFailure,
    RequestRefused,
    ResultLost,
    SchemaTooNew,
    SettingError,
    StartFailed,
    StateError,
    StorageError,
    StoreUnavailable,
    TemporaryFailure,
    TooLong,
    TooManyAttempts,
    Unanswered,
    Unauthorized,
    Unstorable,
)
from cooee.core.folding import fold_text
from cooee.core.messages import Inbound, Media, Outbound, Receipt, Refusal, Reply, Status
from cooee.core.parsing.answers import Birthday, Email, PhoneNumber
from cooee.core.parsing.keywords import Keyword, Pattern
from cooee.core.parsing.reactions import Reaction
from cooee.core.public_names import import_on_use, publish_names
from cooee.core.segments import Encoding, Segments, Suggestion, split_into_segments

if TYPE_CHECKING:
    from cooee.net.app_client import AppClient

__all__ = [
    "AmbiguousQuestion",
    "App",
    "AppClient",
    "AppUnresponsive",
    "AskOptions",
    "Birthday",
    "CannotGoBack",
    "Chat",
    "CooeeError",
    "DatabaseInUse",
    "DatabaseLost",
    "DefinitionError",
    "DialogueError",
    "DuplicateOnce",
    "Email",
    "Encoding",
    "Ended",
    "ForeignAwait",
    "HistoryEntry",
    "Inbound",
    "JournalError",
    "JournalTooNew",
    "JournalUnreadable",
    "Keyword",
    "Media",
    "MountableApp",
    "NoDialogue",
    "NoReply",
    "NotAwaited",
    "NotDeterministic",
    "NotRunning",
    "NotSendable",
    "OnceFailed",
    "OnceUnknown",
    "OptedOut",
    "Outbound",
    "OutcomeUnknown",
    "Pattern",
    "PermanentFailure",
    "PhoneNumber",
    "ProviderFailure",
    "Reaction",
    "Receipt",
    "Refusal",
    "Reply",
    "RequestRefused",
    "Restart",
    "ResultLost",
    "Routes",
    "SchemaTooNew",
    "Segments",
    "SettingError",
    "StartFailed",
    "StateError",
    "Status",
    "StorageError",
    "StoreUnavailable",
    "Suggestion",
    "TemporaryFailure",
    "TooLong",
    "TooManyAttempts",
    "Unanswered",
    "Unauthorized",
    "Unstorable",
    "connect",
    "days",
    "fold_text",
    "hours",
    "minutes",
    "split_into_segments",
]


def connect(url: str, token: str | None = None) -> AppClient:
    """Return a client of an app in another process: ``await cooee.connect(url).send(to, text)``.

    Args:
        url: the app's address, such as ``"http://127.0.0.1:8000"``.
        token: its COOEE_SEND_TOKEN; by default that of this process's environment.

    Raises:
        SettingError: there is no token.
    """
    from cooee.net.app_client import AppClient  # noqa: PLC0415 -- `import cooee` stays light

    return AppClient(url, token)


def _mount_app(app: App[Any, Any]) -> MountableApp:
    from cooee.runtime.asgi import MountedApp  # noqa: PLC0415 -- `import cooee` stays light

    return MountedApp(app)


set_mount_factory(_mount_app)

# `import cooee` stays light: these two bring an HTTP client and the runtime.
_IMPORTED_ON_USE = {"AppClient": "cooee.net.app_client", "MountedApp": "cooee.runtime.asgi"}

__getattr__ = import_on_use(__name__, _IMPORTED_ON_USE)

publish_names(__name__, globals(), set(__all__) - _IMPORTED_ON_USE.keys())
