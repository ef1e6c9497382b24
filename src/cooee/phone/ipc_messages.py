"""What the process of the app and that of the page say to each other: a line of JSON each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from cooee.storage.sqlite.change_feed import Change

# Moments are seconds on `wire.clock.stopwatch`, which all processes of a machine share.


class Role(msgspec.Struct, frozen=True):
    """What a process of the app is started with; `channel` and `door` are open sockets."""

    app: str
    provider: str
    base: str
    database: str
    poll_interval: float
    channel: int
    door: int


# What the page's process asks


class Play(msgspec.Struct, frozen=True, tag=True):
    """Take the database and answer; the clock is so many seconds ahead."""

    offset: float


class Rest(msgspec.Struct, frozen=True, tag=True):
    """End what is under way, and let go of the database."""


class Advance(msgspec.Struct, frozen=True, tag=True):
    """Move the clock so many seconds ahead."""

    seconds: float


Order: TypeAlias = Play | Rest | Advance


# What the app's process tells


class Trouble(msgspec.Struct, frozen=True):
    """An error in the app: its words, and the line, with those around it."""

    words: str
    file: str = ""
    line: int = 0
    code: Sequence[tuple[int, str]] = ()


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """The app was read from these files, and could play."""

    files: Sequence[str]


class Broken(msgspec.Struct, frozen=True, tag=True):
    """The app cannot be loaded, or cannot be started; `died`: its process ended meanwhile."""

    trouble: Trouble
    files: Sequence[str] = ()
    died: bool = False


class Past(msgspec.Struct, frozen=True):
    """A text of an earlier time."""

    theirs: str
    ours: bool
    text: str
    at: datetime
    status: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The database is ours; no clock of a conversation is ahead of this offset."""

    offset: float
    past: Sequence[Past]


class Playing(msgspec.Struct, frozen=True, tag=True):
    """The app answers on this number; it has none as long as the carrier cannot be reached."""

    ours: str = ""
    pushed: bool = False


class Resting(msgspec.Struct, frozen=True, tag=True):
    """The database is free."""


class Advanced(msgspec.Struct, frozen=True, tag=True):
    """The clock was moved."""


class Step(msgspec.Struct, frozen=True, tag=True):
    """A point of a text's way, as the log names it."""

    at: float
    name: str
    turn: str = ""
    outbound: str = ""
    theirs: str = ""
    text: str = ""
    words: str = ""
    exchange: int = 0


class Turn(msgspec.Struct, frozen=True):
    """Which turn: of a text's id or, where that is "", one that a dialogue has by itself."""

    text: str
    claim: str
    conversation: str
    theirs: str
    now: datetime


class Called(msgspec.Struct, frozen=True, tag=True):
    """A handler is called."""

    at: float
    turn: Turn
    handler: str
    where: str


class Over(msgspec.Struct, frozen=True, tag=True):
    """A turn was played to its end: the state, as JSON, before it and after, and the replies."""

    at: float
    turn: Turn
    before: str
    after: str
    trouble: Trouble | None = None
    replies: int = 0


class Wrote(msgspec.Struct, frozen=True, tag=True):
    """Rows were committed."""

    at: float
    changes: Sequence[Change]


class Exchanged(msgspec.Struct, frozen=True, tag=True):
    """An HTTP request and its answer, secrets masked; `status` 0 where none came."""

    id: int
    at: float
    took: float
    ours: bool  # whether we asked, or were asked
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    status: int
    response_headers: Mapping[str, str]
    response_body: str
    failure: str = ""
    outbound: str = ""


class Noted(msgspec.Struct, frozen=True):
    """What a dialogue remembers of one step: an answer, or what was done once, or slept.

    `step` is *asked*, *received*, *once* or *slept*, `kind` as in `core.journal.Kind`; `said` is
    what the person wrote, where the value is another.
    """

    step: str
    kind: str
    question: str
    value: str
    said: str = ""


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue that is not over: what it waits for, and until when.

    `how` is *asks*, *listens* (for the rest of a burst), *parked* (another one asks), *sleeps* or
    *begins*. `prompt` is what was asked
    last; where the code as it is now asks something else first, that is `instead`. `code` is the
    statement that waits, of that code; `trouble` why there is none.
    """

    id: str
    handler: str
    how: str
    prompt: str = ""
    instead: str = ""
    since: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None
    noted: Sequence[Noted] = ()
    file: str = ""
    line: int = 0
    code: Sequence[tuple[int, str]] = ()
    trouble: Trouble | None = None


class Stands(msgspec.Struct, frozen=True, tag=True):
    """Where all of a person's dialogues stand."""

    theirs: str
    dialogues: Sequence[Stand]


News: TypeAlias = Step | Called | Over | Wrote | Exchanged
Report: TypeAlias = (
    Loaded
    | Broken
    | Opened
    | Playing
    | Resting
    | Advanced
    | Step
    | Called
    | Over
    | Wrote
    | Exchanged
    | Stands
)
