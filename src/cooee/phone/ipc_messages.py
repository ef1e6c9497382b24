"""The messages between the app's process and the page's: a line of JSON each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec


class StartArgs(msgspec.Struct, frozen=True):
    """The arguments of an app's process; `channel_fd` and `webhook_fd` are open sockets."""

    app: str
    provider: str
    simulator_url: str
    database: str
    poll_interval: float
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
    """An error in the app, with the line that raised it and the lines around."""

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
    """The database is open; no stored text is later than the clock at this offset."""

    offset: float
    past_texts: Sequence[PastText]


class AppStarted(msgspec.Struct, frozen=True, tag=True):
    """The app answers on the number `ours`, "" while the provider cannot be reached."""

    ours: str = ""
    is_pushed: bool = False


class AppStopped(msgspec.Struct, frozen=True, tag=True):
    """The app has closed the database."""


class ClockAdvanced(msgspec.Struct, frozen=True, tag=True):
    """The app's clock is advanced."""


class JournalStep(msgspec.Struct, frozen=True):
    """A record of a dialogue's journal: an answer, the result of a once, or a sleep.

    `step` is *asked*, *received*, *once* or *slept*, `kind` the journal entry's kind.
    `original_text` is the person's text, where the value differs from it.
    """

    step: str
    kind: str
    question: str
    value: str
    original_text: str = ""


# The records of texts and turns, from the service's events; `at` is a moment of `monotonic`.


class Cell(msgspec.Struct, frozen=True):
    """One field before and after a change; "" is no value."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Return whether the field has another value now."""
        return self.before != self.after


class ShownRow(msgspec.Struct, frozen=True):
    """A row written to the store: the values of a new row, the changes of an old one."""

    verb: str
    table: str
    cells: tuple[Cell, ...]


class TextRef(msgspec.Struct, frozen=True):
    """An inbound text; `id` is the store's, "" until the text is claimed, `key` the provider's."""

    id: str
    theirs: str
    text: str
    key: str
    sent_at: datetime


class TextArrived(msgspec.Struct, frozen=True, tag=True):
    """An inbound text is stored, or came once more; `exchange` is the request that brought it."""

    at: float
    exchange: int
    text: TextRef
    is_new: bool
    row: ShownRow


class TextOptedOut(msgspec.Struct, frozen=True, tag=True):
    """An inbound text opted its sender out, so no handler reads it."""

    text: TextRef


class TextsClaimed(msgspec.Struct, frozen=True, tag=True):
    """A conversation is claimed for the turns of its texts; none, where a timer is due."""

    at: float
    conversation: str
    texts: Sequence[TextRef]


class TurnRef(msgspec.Struct, frozen=True):
    """A turn: the id of its text, or "" for a turn that a dialogue has by itself."""

    text_id: str
    conversation: str
    theirs: str
    now: datetime


class HandlerCalled(msgspec.Struct, frozen=True, tag=True):
    """A handler is called."""

    at: float
    turn: TurnRef
    handler: str
    location: str


class TurnEnded(msgspec.Struct, frozen=True, tag=True):
    """A turn ran to its end: the state, as JSON, before it and after, and the replies."""

    at: float
    turn: TurnRef
    state_before: str
    state_after: str
    error: AppError | None = None
    reply_count: int = 0


class WrittenRow(msgspec.Struct, frozen=True):
    """A row of a claim's commit, with the means to find the turn that it is of.

    `reply` is the text of a new outbound row, `step` the record of a journal entry. `cause` says
    of a dialogue's head why the dialogue had a turn by itself, as far as the head can tell.
    """

    row: ShownRow
    handler: str = ""
    text_id: str = ""
    reply: str = ""
    step: JournalStep | None = None
    cause: str = ""


class TurnsWritten(msgspec.Struct, frozen=True, tag=True):
    """A claim's turns, or (`is_checkpoint`) a turn's entries so far, are committed.

    Replies are in the order of the turns that said them. `note` says what becomes of a failed
    turn.
    """

    at: float
    conversation: str
    theirs: str
    now: datetime
    rows: Sequence[WrittenRow]
    note: str = ""
    is_checkpoint: bool = False


class OutboundChanged(msgspec.Struct, frozen=True, tag=True):
    """An outbound text has another status; `attempt` is 0 where it stays, `note` is for people."""

    at: float
    id: str
    theirs: str
    text: str
    now: datetime
    status: str
    attempt: int = 0
    note: str = ""
    is_recorded: bool = False
    exchange: int = 0  # the request that brought a receipt


class HTTPExchange(msgspec.Struct, frozen=True, tag=True):
    """An HTTP request and its answer, secrets masked; `status` 0 where none came."""

    id: int
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


TimelineRecord: TypeAlias = (
    TextArrived
    | TextOptedOut
    | TextsClaimed
    | HandlerCalled
    | TurnEnded
    | TurnsWritten
    | OutboundChanged
    | HTTPExchange
)
AppMessage: TypeAlias = (
    AppLoaded
    | AppBroken
    | DatabaseOpened
    | AppStarted
    | AppStopped
    | ClockAdvanced
    | DialogueStates
    | TimelineRecord
)
