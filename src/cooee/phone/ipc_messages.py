"""The messages between the app's process and the page's: a line of JSON each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from cooee.phone.simulated_provider import ProviderConnection
from cooee.runtime.events import Event


class StartArgs(msgspec.Struct, frozen=True):
    """The arguments of an app's process; `channel_fd` and `webhook_fd` are open sockets."""

    app: str
    connection: ProviderConnection
    simulator_url: str
    database: str
    channel_fd: int
    webhook_fd: int


# What the page's process asks


class StartApp(msgspec.Struct, frozen=True, tag=True):
    """Open the database and answer texts; the clock is `offset` seconds ahead."""

    offset: float


class StopApp(msgspec.Struct, frozen=True, tag=True):
    """Close the service and the database."""


class AdvanceClock(msgspec.Struct, frozen=True, tag=True):
    """Advance the clock by `seconds`."""

    seconds: float


AppCommand: TypeAlias = StartApp | StopApp | AdvanceClock


# What the app's process tells


class AppError(msgspec.Struct, frozen=True):
    """An error in the app, with the raising line and the lines around."""

    message: str
    file: str = ""
    line: int = 0
    code: Sequence[tuple[int, str]] = ()


class AppLoaded(msgspec.Struct, frozen=True, tag=True):
    """The app is loaded from these files."""

    files: Sequence[str]


class AppBroken(msgspec.Struct, frozen=True, tag=True):
    """The app cannot be loaded or started; `process_died`: its process ended meanwhile."""

    error: AppError
    files: Sequence[str] = ()
    process_died: bool = False


class PastText(msgspec.Struct, frozen=True):
    """A text of an earlier session."""

    theirs: str
    from_app: bool
    text: str
    at: datetime
    status: str


class DatabaseOpened(msgspec.Struct, frozen=True, tag=True):
    """The database is open; no stored text is later than the clock at this offset.

    `opted_out` are the numbers of the people who have opted out.
    """

    offset: float
    past_texts: Sequence[PastText]
    opted_out: Sequence[str] = ()


class AppStarted(msgspec.Struct, frozen=True, tag=True):
    """The app answers on the number `ours`, "" while the provider cannot be reached.

    `words` are its keywords and patterns; `takes_any_text`: it has a handler for all others.
    """

    ours: str = ""
    is_pushed: bool = False
    words: Sequence[str] = ()
    takes_any_text: bool = False


class AppNotes(msgspec.Struct, frozen=True, tag=True):
    """All sentences for the app's developer, such as a word that the provider takes."""

    notes: Sequence[str]


class AppFailed(msgspec.Struct, frozen=True, tag=True):
    """The app was started and cannot go on: a start hook raised late, say."""

    error: AppError


class AppStopped(msgspec.Struct, frozen=True, tag=True):
    """The app has closed the database."""


class ClockAdvanced(msgspec.Struct, frozen=True, tag=True):
    """The app's clock is advanced."""


class JournalStep(msgspec.Struct, frozen=True):
    """A record of a dialogue's journal: an answer, the result of a once, or a sleep.

    `step` is *asked*, *received*, *once* or *slept*, `kind` the journal entry's kind.
    `original_text` is the person's text, where the value differs from it; `text_id` names that
    text, and `handler` the dialogue's handler, where a turn wrote the record just now.
    """

    step: str
    kind: str
    question: str
    value: str
    original_text: str = ""
    text_id: str = ""
    handler: str = ""


# What the app's process reports of texts and turns; `at` is a moment of `monotonic`.


class ServiceEvent(msgspec.Struct, frozen=True, tag=True):
    """An event of the app's service, and the details from the app's process.

    `now` is the app's time, `exchange` the id of the HTTP exchange that caused the event, "" where
    none did. `error` locates the exception of a turn; `journal_steps` are the records that were
    committed.
    """

    event: Event
    at: float
    now: datetime
    exchange: str = ""
    error: AppError | None = None
    journal_steps: Sequence[JournalStep] = ()


class HTTPExchange(msgspec.Struct, frozen=True, tag=True):
    """An HTTP request and its answer, secrets masked; `status` 0 where none came.

    No two exchanges of a session have the same `id`, whichever process of the app made them.
    """

    id: str
    at: float
    duration_s: float
    from_app: bool  # whether we asked, or were asked
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    status: int
    response_headers: Mapping[str, str]
    response_body: str
    failure: str = ""
    outbound: str = ""


class DialogueState(msgspec.Struct, frozen=True, kw_only=True):
    """An open dialogue, with its question or timer.

    `status` is *asks*, *listens* (for the rest of a burst), *parked* (suspended, since another
    dialogue asks), *sleeps* or *begins*. `prompt` is the last question's; `divergence` is the
    step that today's code takes before that question. `code` is the waiting statement in
    today's code, `error` the reason for its absence.
    """

    id: str
    handler: str
    status: str
    prompt: str = ""
    divergence: str = ""
    since: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None
    journal_steps: Sequence[JournalStep] = ()
    file: str = ""
    line: int = 0
    code: Sequence[tuple[int, str]] = ()
    error: AppError | None = None


class DialogueStates(msgspec.Struct, frozen=True, tag=True):
    """All of a person's open dialogues."""

    theirs: str
    dialogues: Sequence[DialogueState]


TimelineRecord: TypeAlias = ServiceEvent | HTTPExchange
AppMessage: TypeAlias = (
    AppLoaded
    | AppBroken
    | DatabaseOpened
    | AppStarted
    | AppNotes
    | AppFailed
    | AppStopped
    | ClockAdvanced
    | DialogueStates
    | TimelineRecord
)


def encode_message(message: AppMessage) -> bytes:
    """Return a message as a line, without the functions and exceptions of an event."""
    return _encoder.encode(message) + b"\n"


def decode_message(line: bytes) -> AppMessage:
    """Return the message of a line."""
    return _decoder.decode(line)


def _stand_in(kind: Any, _: None) -> Any:
    return Exception() if kind is Exception else _stand_in


_encoder = msgspec.json.Encoder(enc_hook=lambda _: None)
_decoder: msgspec.json.Decoder[AppMessage] = msgspec.json.Decoder(AppMessage, dec_hook=_stand_in)
