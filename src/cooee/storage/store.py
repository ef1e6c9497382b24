"""Where conversations live between texts: the verbs, all in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cooee.core.messages import Media, Outbound, Receipt, Status
from cooee.storage.records import (
    Alarms,
    Arrival,
    Claim,
    Finish,
    Jot,
    Letter,
    Outcome,
    Pending,
    Start,
    Taken,
)
from cooee.storage.summaries import Census, Entry, Silence, Talk, Thread


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
        `retired` handlers are due now, so that each can be ended. Where this is not the program
        of the last call, what waits for another try is due now too.
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
