"""Where conversations live between texts: the verbs, all in batches, and what they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from cooee.core.messages import Class, Inbound, Media, Outbound, Receipt, Status
from cooee.core.optout import Consent


class Arrival(msgspec.Struct, frozen=True):
    """A text to receive, with `sent_at` made credible, and what it does to consent (law 10).

    An arrival whose `consent` is "out" is stored and never reaches a handler; so is a "wish",
    unless a question waits for this person's text. `how` tells what that was read from: *word*,
    *plain words* or *company*.
    """

    inbound: Inbound
    consent: Consent = ""
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
    kind: Class = Class.REPLY
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
    kind: Class = Class.REPLY


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


class Census(msgspec.Struct, frozen=True):
    """How many there are of what an operator asks about."""

    conversations: int = 0
    pending: int = 0
    set_aside: int = 0
    queued: int = 0
    sending: int = 0
    unknown: int = 0
    failed: int = 0
    opted_out: int = 0
    doubtful_reads: int = 0
    unclean_exits: int = 0
    dialogues: int = 0  # that are not over
    stuck: int = 0  # of these, with an alarm that was set aside


class Thread(msgspec.Struct, frozen=True):
    """A conversation as a person looks at it: one line of a list.

    `set_aside` counts texts, and dialogues whose alarm was.
    """

    ours: str
    theirs: str
    texts_in: int
    texts_out: int
    last_at: datetime | None
    pending: int
    set_aside: int
    unknown: int
    opted_out: bool


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a conversation's history, in or out, oldest first.

    `status` is *pending*, *handled*, *set aside* or *opt-out* for a text from a person, the
    `Status` in lower case for one of ours. `notes` are its receipts and attempts, in order.
    """

    direction: Literal["in", "out"]
    seq: int
    text: str
    at: datetime
    status: str
    error: str = ""
    attempts: int = 0
    provider_id: str = ""
    notes: Sequence[str] = ()


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a person wants no texts of a number, with the proof of it.

    `how` is *word*, *plain words*, *company* (it said so of their text) or *refusal* (it refused
    a text of ours); `text` is what they wrote, "" where nothing was or the person is forgotten.
    The same of its end; `lifted_at` None is no end yet.
    """

    since: datetime
    how: str
    text: str = ""
    lifted_at: datetime | None = None
    lifted_how: str = ""
    lifted_text: str = ""


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """A dialogue with its person, as somebody else than a turn looks at it."""

    conversation: bytes
    ours: str
    theirs: str
    state: bytes | None
    started_at: datetime
    ended_at: datetime | None
    dialogue: Dialogue


class Store(Protocol):
    """The verbs. Each call is one atomic step, durable when it returns.

    Every verb raises `StoreUnavailable` where the database is locked or full: then nothing of
    that call was written, and it may be repeated.
    """

    # Turns

    async def receive(self, arrivals: Sequence[Arrival]) -> Sequence[bool]:
        """Store texts in the order given; False for each that was there before."""
        ...

    async def claim(self, limit: int) -> Sequence[Claim]:
        """Lease conversations with texts due, each with its oldest texts (at most 8).

        Where there is room left, those with alarms due and no text that waits.
        """
        ...

    async def finish(self, finishes: Sequence[Finish]) -> Sequence[bool]:
        """Commit turns; False for each whose lease was lost, of which nothing is written."""
        ...

    async def release(self, claims: Sequence[Claim]) -> None:
        """Give leases back with nothing done."""
        ...

    async def postpone(self, claims: Sequence[Claim], until: datetime) -> None:
        """Give leases back with nothing done, and be due again at `until`, or by a new text."""
        ...

    # Dialogues

    async def jot(self, jots: Sequence[Jot]) -> Sequence[bool]:
        """Write down what a turn must not lose; False for each whose lease was lost.

        Texts stay unhandled and leases held; of a dialogue that is known, only entries are
        written.
        """
        ...

    async def start(self, starts: Sequence[Start]) -> Sequence[bool]:
        """Have dialogues begun; False for each whose id was there before, over or not."""
        ...

    async def renew(self, program: str, retired: Sequence[str]) -> int:
        """Try again what was set aside under another program; how much that was.

        Texts get a new place at the end of their conversations, as by `retry`. Dialogues of
        `retired` handlers are due now, so that each can be ended.
        """
        ...

    async def dialogues(
        self,
        *,
        handler: str = "",
        over: bool = False,
        after: tuple[bytes, str] | None = None,
        limit: int = 1_000,
    ) -> Sequence[Talk]:
        """Dialogues in the order of conversation and id: those that go on, or all with `over`.

        Args:
            handler: only those of one handler.
            over: also those that have ended.
            after: the conversation and id of the last one seen.
            limit: how many.
        """
        ...

    async def handlers(self) -> Mapping[str, int]:
        """How many dialogues of each handler go on."""
        ...

    # Pictures that came with texts

    async def keep_media(self, claim: Claim, text: Pending, media: Sequence[Media]) -> bool:
        """Write down what became of a text's media, and have it answered now.

        False where that text is not there any more, so that what was fetched is not wanted.
        """
        ...

    async def discarded(self) -> Sequence[str]:
        """The paths of media whose person was forgotten, which are still to be erased."""
        ...

    async def erased(self, paths: Sequence[str]) -> None:
        """Forget such paths: what lay there is gone."""
        ...

    # Outbound

    async def enqueue(self, letters: Sequence[Letter]) -> Sequence[str]:
        """Queue texts that we write first; the outbound id of each (an earlier one's by key)."""
        ...

    async def take(self, ours: str, limit: int) -> Sequence[Taken]:
        """Record the next attempt of the oldest due text of each person, replies first."""
        ...

    async def take_replies(self, ours: str, theirs: str, limit: int) -> Sequence[Taken]:
        """Record the next attempts of one conversation's replies: all that may go now, in order.

        A text that `take` would not let one of them overtake ends the row.
        """
        ...

    async def defer(self, taken: Sequence[tuple[Outbound, datetime]]) -> None:
        """Queue what was taken and not attempted again, each for a later moment."""
        ...

    async def record(self, outcomes: Sequence[Outcome]) -> None:
        """Record how attempts ended. States only move forward."""
        ...

    async def settle(self, receipts: Sequence[Receipt]) -> Sequence[tuple[Outbound, Status]]:
        """Lay receipts on their texts; those that became final by it, and how."""
        ...

    async def doubtful(self, ours: str, limit: int) -> Sequence[Taken]:
        """Texts whose attempt has an unknown end, and whose time to ask has come."""
        ...

    async def unreported(self, ours: str, limit: int) -> Sequence[Taken]:
        """Accepted texts whose provider is to be asked for news now.

        Each comes again ever later, for seven days.
        """
        ...

    # Our numbers

    async def numbers(self) -> Sequence[str]:
        """Our numbers with texts still on their way (queued, or of unknown end)."""
        ...

    async def keep_number(self, ours: str) -> None:
        """Remember that a number is ours."""
        ...

    async def our_numbers(self) -> Sequence[str]:
        """The numbers that were ever ours."""
        ...

    async def cursor(self, ours: str) -> str:
        """Where reading that number goes on; "" at first."""
        ...

    async def advance(self, ours: str, cursor: str) -> None:
        """Remember where reading goes on."""
        ...

    async def doubt_read(self, ours: str) -> None:
        """Count a destructive read whose answer was lost."""
        ...

    async def secret(self, name: str) -> str:
        """A random URL-safe word, made at first asking and kept."""
        ...

    async def secrets(self, name: str) -> Sequence[str]:
        """The words that are good under a name, the newest first; at least one, at most two."""
        ...

    async def renew_secret(self, name: str) -> bool:
        """Make a new word, beside which the old one stays good; False where there are two."""
        ...

    async def retire_secret(self, name: str) -> bool:
        """Let only the newest word be good; False where it was the only one."""
        ...

    # Time and others

    async def alarms(self) -> Alarms:
        """When something is next due, leased conversations left out."""
        ...

    async def changed(self) -> bool:
        """Whether another process wrote since the last asking."""
        ...

    async def prune(self, before: datetime) -> int:
        """Forget dedupe keys older than `before`; how many."""
        ...

    async def close(self) -> None:
        """Write everything down and let go."""
        ...

    # For people

    async def census(self) -> Census:
        """Count what an operator asks about."""
        ...

    async def threads(self, *, trouble: bool = False, limit: int = 100) -> Sequence[Thread]:
        """The conversations last spoken in; with `trouble`, those that need a person."""
        ...

    async def history(self, ours: str, theirs: str, limit: int) -> Sequence[Entry]:
        """The last texts of a conversation, oldest first."""
        ...

    async def silence(self, ours: str, people: Sequence[str]) -> int:
        """Opt out those of whom the company says that they did; how many were not out before."""
        ...

    async def silences(self, ours: str, theirs: str) -> Sequence[Silence]:
        """The ledger of a person's opt-outs from a number, oldest first."""
        ...

    async def retry(self, theirs: str | None = None) -> int:
        """Run set-aside texts again, at the end of their conversations, and alarms; how many."""
        ...

    async def resend(self, theirs: str | None = None) -> int:
        """Queue texts of unknown end again, at a person's word; how many."""
        ...

    async def forget(self, theirs: str) -> bool:
        """Erase a person. What is left: an opt-out and the dedupe keys, as hashes.

        Their media's paths go over to `discarded`, since no transaction spans files.
        """
        ...

    async def backup(self, path: str) -> None:
        """Copy the database, whole and consistent, to a new file."""
        ...
