"""What the store's verbs carry: texts, claims, dialogues, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cooee.core.app.opt_out import ConsentChange
from cooee.core.messages import Inbound, Outbound, Priority, Status


class Arrival(msgspec.Struct, frozen=True):
    """A text to receive, with `sent_at` made credible, and what it does to consent (law 10).

    An arrival whose `consent` is "out" is stored and never reaches a handler; so is a "wish",
    unless a question waits for this person's text. `how` tells what that was read from: *word*,
    *plain words* or *company*.
    """

    inbound: Inbound
    consent: ConsentChange = ""
    how: str = "word"


class Pending(msgspec.Struct, frozen=True):
    """A stored text that waits for its turn. `id` is ours and stays through every retry."""

    id: bytes
    seq: int
    inbound: Inbound
    runs: bool = True  # False: an opt-out word, which no handler sees
    returns: bool = False  # it opted in who was out


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue as it is kept: its journal's head, and the entries in order.

    `due_at` is when it has to be looked at again; None: nothing but a text, or the end of
    another dialogue, does that. `attempts` counts the looks that failed since one went well, and
    `error` says how the last one did. `ended` says how it ended, "" while it goes on.
    """

    id: str
    handler: str
    head: bytes
    entries: Sequence[bytes] = ()
    due_at: datetime | None = None
    attempts: int = 0
    error: str = ""
    ended: str = ""


class Claim(msgspec.Struct, frozen=True):
    """A conversation leased for its turns: nobody else has it until `finish` or the lease ends.

    `attempts` counts this one: 1 at first. `now` is the conversation's own clock, which never
    goes back. `state` is as `finish` was given it, None at first. `handled` is the last seq that
    is over. `texts` is empty where an alarm of a dialogue is due and no text waits: while one
    does, even for a later try, no alarm rings. `dialogues` are those that are not over, as they
    began.
    """

    conversation: bytes
    ours: str
    theirs: str
    lease: int
    attempts: int
    now: datetime | None
    state: bytes | None
    texts: Sequence[Pending]
    handled: int = 0
    dialogues: Sequence[Dialogue] = ()

    @property
    def turn(self) -> str:
        """What its log lines call it: its first text or, where it has none, the conversation."""
        return (self.texts[0].id if self.texts else self.conversation).hex()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An outbound text before it has its place in a conversation.

    `key` makes it idempotent: a second draft with the same key in the same conversation is
    the first one. `due_at` None means now.
    """

    text: str
    media: Sequence[str] = ()
    kind: Priority = Priority.REPLY
    key: str | None = None
    due_at: datetime | None = None
    good_until: datetime | None = None


class Letter(msgspec.Struct, frozen=True):
    """A draft with its address: we write first."""

    ours: str
    theirs: str
    draft: Draft


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one dialogue: a head that replaces the old one, and entries to append.

    `head` None leaves all but the entries as it is. The entries come behind the first `count`,
    which are there. A dialogue that is not known yet begins. With `ended` it is over. One that
    is written well has no failed attempts any more.
    """

    id: str
    handler: str
    count: int
    entries: Sequence[bytes] = ()
    head: bytes | None = None
    due_at: datetime | None = None
    ended: str = ""


class Jot(msgspec.Struct, frozen=True):
    """What a turn has to have on disk before it goes on; the claim stays as it is."""

    claim: Claim
    kept: Kept


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue that we start: its first turn is due at `due_at`, None: now."""

    ours: str
    theirs: str
    id: str
    handler: str
    head: bytes
    due_at: datetime | None = None


class Failure(msgspec.Struct, frozen=True):
    """A turn that raised: the text's seq, the error's words, and when to try again.

    `retry_at` None sets the text aside, and that person's later texts go on; with a `program`,
    only until the app's code is another (`renew`). An alarm that raised has its `dialogue` in
    place of a seq: it rings again at `retry_at`, or is set aside in the same way.
    """

    seq: int
    error: str
    retry_at: datetime | None
    program: str = ""
    dialogue: str = ""


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim's turns came to, to be committed whole or not at all.

    `handled` is the last seq whose turn is over (set aside included). `state` None leaves the
    state as it is. `asks` says whether a question waits for the person's next text from now on;
    None leaves that as it is. `dialogues` are those that something became of.
    """

    claim: Claim
    handled: int
    now: datetime | None = None
    state: bytes | None = None
    drafts: Sequence[Draft] = ()
    failure: Failure | None = None
    asks: bool | None = None
    dialogues: Sequence[Kept] = ()


class Taken(msgspec.Struct, frozen=True):
    """An outbound text whose next attempt is recorded: it is ours to make, now."""

    outbound: Outbound
    queued_at: datetime
    kind: Priority = Priority.REPLY


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended.

    `status` QUEUED asks for another attempt at `retry_at`; ACCEPTED has a `provider_id`;
    UNKNOWN is settled from `retry_at` on (None: by nothing but a receipt or a person).
    """

    outbound: Outbound
    status: Status
    provider_id: str = ""
    code: str = ""
    words: str = ""
    retry_at: datetime | None = None
    opted_out: bool = False


class Alarms(msgspec.Struct, frozen=True):
    """When something is next due: a turn, a send, a question to the provider. None: never.

    `check` is of texts of unknown end (`doubtful`), `report` of accepted ones (`unreported`),
    which only a provider that is asked for receipts has to mind.
    """

    turn: datetime | None = None
    send: datetime | None = None
    check: datetime | None = None
    report: datetime | None = None
